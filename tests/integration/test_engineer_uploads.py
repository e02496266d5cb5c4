"""Uploads of engineers: what a file is by its bytes, every one that is not what it says, bounds, and nothing left."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from borough.replay.recording import Recorded, RecordingWriter
from borough.uploads.apart import Apart
from dashboard.engineer.shelf import Shelf
from dashboard.replays import Limits, Replays
from store.connect import connect
from tests.tools.servers import Cluster
from tests.tools.site import client, csrf, make_session, options, running

UPLOADS = "/engineer/jobs/uploads"
LIMITS = Limits(size=3 << 20, files=4, total=4 << 20, free=0, days=30)
TABLE = "device,time,pm2_5\nmonitor-1,2026-01-01T00:00:00Z,7.5\nmonitor-1,2026-01-01T01:00:00Z,n/a\n"
MAPPING = """
name = "own"
family = "air-monitor"
[device]
column = "device"
[time]
columns = ["time"]
zone = "UTC"
[[reading]]
property = "pm2_5"
path = "pm2_5"
unit = "ug/m3"
"""
FLEET = 'name = "small"\nseed = 3\nstart = 2026-01-05T00:00:00Z\ndays = 0.1\n\n[parking-bay]\ncount = 5\n'


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def url(database: str, folder: Path) -> Iterator[str]:
    with running(options(database, replays=Replays("test", folder, Apart(seconds=2), LIMITS))) as found:
        yield found


@pytest.fixture(scope="module")
def cookie(database: str) -> str:
    with connect(database, autocommit=True) as connection:
        return make_session(connection, None, ["engineer"])


@pytest.fixture
def engineer(url: str, cookie: str, folder: Path) -> Iterator[httpx.Client]:
    with client(url, cookie) as found:
        yield found
    for one in Shelf(folder, LIMITS).all():
        Shelf(folder, LIMITS).remove(one.id)


def send(engineer: httpx.Client, name: str, data: bytes) -> httpx.Response:
    token = csrf(engineer.cookies["borough"])
    return engineer.post(UPLOADS, data={"csrf": token}, files={"file": (name, data)})


def kept(folder: Path) -> list[str]:
    """Everything that stands below the jobs' folder but the lock."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != ".lock"
    )


def recording(tmp_path: Path, count: int = 3) -> bytes:
    path = tmp_path / "r.btr"
    with RecordingWriter(path) as writer:
        for number in range(count):
            writer.add(
                Recorded(1_700_000_000_000_000 + number, f"borough/air-monitor/m-{number % 2}/reading", b"{}", 1, False)
            )
    return path.read_bytes()


def parquet() -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.table({"device": ["m"], "pm2_5": [3.5]}), held)
    return held.getvalue()


# -- what is taken -----------------------------------------------------------------------------------------------------


def test_what_is_taken_is_told_by_its_bytes_and_has_a_name_of_ours(
    engineer: httpx.Client, folder: Path, tmp_path: Path
) -> None:
    wanted = {
        "../../etc/passwd": (recording(tmp_path), "etc/passwd", "passwd.btr", "Recording"),
        "Stra\u00dfe 7.exe": (TABLE.encode(), "", "Stra-e-7-exe.csv", "Table of readings"),
        "x.csv": (zstandard.compress(b'{"device": "m", "pm2_5": 3}\n'), "", "x.ndjson.zst", "Table of readings"),
        "C:\\fleets\\own.csv": (FLEET.encode(), "", "own.toml", "Fleet file"),
    }
    for said, (data, _, name, kind) in wanted.items():
        answer = send(engineer, said, data)
        assert answer.status_code == 303, answer.text
        page = engineer.get(answer.headers["location"]).text
        assert kind in page, said
        found = Shelf(folder, LIMITS).all()[0]
        assert (folder / found.file).read_bytes() == data
        assert found.file.split("/")[-1] == name
        assert re.fullmatch(r"uploads/[0-9a-f]{16}/[A-Za-z0-9_-]+\.[a-z.]+", found.file)
    assert all(path.startswith("uploads/") for path in kept(folder))
    listed = engineer.get(UPLOADS).text
    assert "passwd" in listed
    assert "../" not in listed
