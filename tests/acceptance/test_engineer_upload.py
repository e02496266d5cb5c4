"""Uploads to ``borough serve``: by curl as the documents say, and a large one whose bytes never stand in memory."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from store.connect import connect
from tests.acceptance.test_serve import serving
from tests.benchmarks.memory import highest_memory
from tests.tools import site
from tests.tools.servers import Cluster

UPLOADS = "/engineer/jobs/uploads"
SIZE = 160 << 20
#: What a process may grow by while it takes that much [bytes].
MOST = 24 << 20
_PIECE = b"device,time,pm2_5\n" + b"monitor-1,2026-01-01T00:00:00Z,7.5\n" * 30_000


class Served(NamedTuple):
    """A site that takes uploads, an engineer's session there, and the folder."""

    process: subprocess.Popen[str]
    url: str
    cookie: str
    folder: Path
    log: Path


@pytest.fixture(scope="module")
def served(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    name, place = timescale.create(), tmp_path_factory.mktemp("served")
    database = timescale.url(name)
    with connect(database, autocommit=True) as connection:
        cookie = site.make_session(connection, None, ["engineer"])
    folder = place / "jobs"
    folder.mkdir()
    settings = {"BOROUGH_INSTALLATION": "test", "BOROUGH_JOBS_FOLDER": str(folder), "BOROUGH_UPLOAD_FREE": "0"}
    settings |= {"BOROUGH_UPLOAD_BYTES": str(SIZE)}
    with serving(database, place / "log", **settings) as (process, url):
        yield Served(process, url, cookie, folder, place / "log")
    timescale.drop(name)


def test_a_large_upload_by_a_program(served: Served) -> None:
    process, url, cookie, folder, log_file = served
    with site.client(url, cookie) as web:
        token = site.form_token_of(web.get(UPLOADS).text)
        idle = highest_memory(process.pid)
        answer, wanted = _large(web, token, SIZE - len(_PIECE))
        assert answer.status_code == 303, answer.text
        page = web.get(answer.headers["location"]).text
        assert wanted in page
        (kept,) = folder.glob("uploads/*/large.csv")
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == wanted
        # one that says nothing of its length and goes beyond the bound is given up there
        answer, _ = _large(web, token, SIZE + len(_PIECE))
        assert answer.status_code == 413
        assert highest_memory(process.pid) - idle < MOST
        assert [path.parent for path in folder.glob("uploads/[0-9a-f]*/large.csv")] == [kept.parent]
    log = log_file.read_text()
    assert "large.csv" not in log
    assert "monitor-1" not in log


def test_an_upload_by_curl(served: Served, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    with site.client(served.url, served.cookie) as web:
        token = site.form_token_of(web.get(UPLOADS).text)
    _by_curl(served.url, served.cookie, token, tmp_path)


def _by_curl(url: str, cookie: str, token: str, folder: Path) -> None:
    (folder / "air.csv").write_bytes(_PIECE)
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "-b", f"{site.COOKIE}={cookie}"]
    command += ["-H", f"X-CSRF-Token: {token}", "-F", f"file=@{folder / 'air.csv'}", url + UPLOADS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(rf"303 {re.escape(url + UPLOADS)}/[0-9a-f]{{16}}", done.stdout)
    # a form with its token will do, too
    command[command.index("-H") : command.index("-F")] = ["-F", f"csrf={token}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("303 ")
    with site.client(url, cookie) as web:
        place = done.stdout.split(" ", 1)[1].removeprefix(url)
        assert web.post(f"{place}/remove", data={"csrf": token}).headers["location"] == f"{UPLOADS}?removed=yes"


def _large(web: httpx.Client, token: str, size: int) -> tuple[httpx.Response, str]:
    """Send a table of about ``size`` bytes without saying its length; the answer, and the hash of what was sent."""
    made = hashlib.sha256()
    head = '--xyz\r\nContent-Disposition: form-data; name="file"; filename="large.csv"\r\n\r\n'

    def pieces() -> Iterator[bytes]:
        yield head.encode()
        for _ in range(size // len(_PIECE)):
            made.update(_PIECE)
            yield _PIECE
        yield b"\r\n--xyz--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=xyz", "X-CSRF-Token": token}
    answer = web.post(UPLOADS, content=pieces(), headers=headers, timeout=120)
    return answer, made.hexdigest()
