"""Uploads of engineers: what a file is by its bytes, every one that is not what it says, bounds, and nothing left."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
import zstandard

from borough.demo.pages import listen
from borough.uploads.apart import Apart
from dashboard.app import create_app
from dashboard.engineer.shelf import Refused, Shelf, Upload, safe_name, shown_name
from dashboard.replays import Checked, Limits, Replays
from dashboard.web.connections import Patience, config
from store import jobs
from store.connect import connect
from tests.tools.servers import Cluster
from tests.tools.site import client, csrf, make_session, options, running
from tests.unit.borough.test_upload_kinds import parquet, recording, zipped
from tests.unit.borough.test_upload_reading import FLEET, TABLE

UPLOADS = "/engineer/jobs/uploads"
LIMITS = Limits(size=3 << 20, files=4, total=11 << 19, free=0, days=30)


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


def test_nothing_of_a_refused_upload_is_left(engineer: httpx.Client, folder: Path, tmp_path: Path) -> None:
    bomb = zstandard.compress(b"device,time\n" + b"a" * (24 << 20))
    wanted = {
        "readings.csv": (zipped(10_000), "is a ZIP archive"),
        "empty.csv": (b"", "is empty"),
        "bomb.csv": (bomb, "becomes more than 500 times its size"),
        "fleet.toml": (FLEET.replace("count = 5", "count = -5").encode(), "line 7: parking-bay.count = -5"),
        "table.parquet": (parquet()[:-20] + b"PAR1", "It cannot be replayed"),
        "broken.btr": (recording(tmp_path)[:-8], "no whole block"),
    }
    for said, (data, words) in wanted.items():
        answer = send(engineer, said, data)
        assert answer.status_code == 400, said
        assert words in answer.text, said
        assert "Nothing of it was kept." in answer.text
        assert str(folder) not in answer.text
        assert kept(folder) == [], said


def test_no_more_is_taken_than_there_is_room_for(engineer: httpx.Client, folder: Path) -> None:
    one = TABLE.encode() + b"\n" * (2 << 20)
    assert send(engineer, "one.csv", one).status_code == 303
    # the file alone, whether its length is said or not
    for content in (b"x" * (4 << 20), [b"x" * (1 << 20)] * 4):
        answer = engineer.post(UPLOADS, content=body(engineer, content), headers=KIND)
        assert answer.status_code == 413
        assert "The file has more than 3 MB" in answer.text, re.findall("<p>.*", answer.text)
    # all of them together
    assert send(engineer, "two.csv", one).status_code == 303
    answer = send(engineer, "three.csv", one)
    assert (answer.status_code, "Uploads have 5.5 MB together" in answer.text) == (413, True)
    assert sorted(path.split("/")[-1] for path in kept(folder)) == ["one.csv", "two.csv", "upload.json", "upload.json"]
    # their number
    for number in range(2):
        assert send(engineer, f"{number}.csv", TABLE.encode()).status_code == 303
    answer = send(engineer, "five.csv", TABLE.encode())
    assert (answer.status_code, "There are 4 uploads" in answer.text) == (409, True)
    assert len(kept(folder)) == 8


KIND = {"Content-Type": "multipart/form-data; boundary=xyz"}
_END = b"\r\n--xyz--\r\n"
_FILE = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'


def field(name: str, value: str) -> bytes:
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def body(engineer: httpx.Client, content: bytes | list[bytes]) -> bytes | Iterator[bytes]:
    """A form with its token and a file; of pieces a body that does not say its length."""
    head, tail = field("csrf", csrf(engineer.cookies["borough"])) + _FILE, b"\r\n--xyz--\r\n"
    return head + content + tail if isinstance(content, bytes) else iter([head, *content, tail])


def test_the_disk_is_not_filled(database: str, tmp_path: Path, cookie: str) -> None:
    limits = replace(LIMITS, free=1 << 60)
    with (
        running(options(database, replays=Replays("test", tmp_path, Apart(), limits))) as url,
        client(url, cookie) as web,
    ):
        answer = send(web, "one.csv", TABLE.encode())
    assert answer.status_code == 507
    assert "The disk has no room for it" in answer.text
    assert kept(tmp_path) == []


@pytest.mark.parametrize("order", ["none", "wrong", "after"])
def test_a_form_without_its_token_is_not_read(engineer: httpx.Client, folder: Path, order: str) -> None:
    token = field("csrf", {"none": "", "wrong": "0" * 64, "after": csrf(engineer.cookies["borough"])}[order])
    content = _FILE + TABLE.encode() + b"\r\n"
    content = content + token if order == "after" else (token + content if order == "wrong" else content)
    answer = engineer.post(UPLOADS, content=content + b"--xyz--\r\n", headers=KIND)
    assert answer.status_code == 403
    assert "This form is too old" in answer.text
    assert kept(folder) == []


def test_a_token_in_the_header_will_do(engineer: httpx.Client, folder: Path) -> None:
    headers = {"X-CSRF-Token": csrf(engineer.cookies["borough"])}
    answer = engineer.post(UPLOADS, files={"file": ("a.csv", TABLE.encode())}, headers=headers)
    assert answer.status_code == 303
    headers = {"X-CSRF-Token": "0" * 64}
    assert engineer.post(UPLOADS, files={"file": ("a.csv", b"a")}, headers=headers).status_code == 403
    headers = {"Origin": "https://elsewhere.example"}
    answer = engineer.post(UPLOADS, content=body(engineer, TABLE.encode()), headers={**KIND, **headers})
    assert (answer.status_code, "did not come from our page" in answer.text) == (403, True)
    assert len(kept(folder)) == 2


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        ([_FILE, b"a,b\n\r\n"] * 2, 400, "Send one file at a time."),
        ([field("more", "x")] * 20, 400, "Send one file, and nothing else beside it."),
        ([field("more", "x" * 1_000)], 400, "not right"),
        ([b'--xyz\r\nContent-Disposition: form-data; name="' + b"x" * 20_000 + b'"\r\n\r\n\r\n'], 400, "not right"),
        ([field("other", "x")], 400, "No file was chosen."),
        ([_FILE.replace(b"a.csv", b""), b"\r\n"], 400, "No file was chosen."),
        ([b"no form at all"], 400, "not right"),
        ([_FILE, b"a,b\n1,2\n"], 400, "not right"),
    ],
)
def test_forms_that_are_none_of_ours(
    engineer: httpx.Client, folder: Path, content: list[bytes], status: int, words: str
) -> None:
    end = b"" if content[-1].startswith(b"a,b\n1") else b"--xyz--\r\n"
    token = field("csrf", csrf(engineer.cookies["borough"]))
    answer = engineer.post(UPLOADS, content=token + b"".join(content) + end, headers=KIND)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert kept(folder) == []


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/csv"])
def test_what_is_no_form_with_a_file(engineer: httpx.Client, folder: Path, kind: str) -> None:
    headers = {"Content-Type": kind, "X-CSRF-Token": csrf(engineer.cookies["borough"])}
    assert engineer.post(UPLOADS, content=b"a,b\n", headers=headers).status_code == 400
    assert kept(folder) == []


@pytest.mark.parametrize("role", [None, "programme", "parking-ops", "data-protection"])
def test_nobody_else_uploads(url: str, database: str, folder: Path, role: str | None) -> None:
    with connect(database, autocommit=True) as connection:
        cookie = make_session(connection, None, [role]) if role else None
    with client(url, cookie) as web:
        answer = web.post(UPLOADS, files={"file": ("a.csv", b"x" * 100_000)})
    assert answer.status_code == (403 if role else 303)
    assert kept(folder) == []


def test_in_production_nothing_is_taken(database: str, tmp_path: Path, cookie: str) -> None:
    there = Replays("production", tmp_path, Apart(), LIMITS)
    with running(options(database, replays=there)) as url, client(url, cookie) as web:
        answer = send(web, "a.csv", TABLE.encode())
        assert (answer.status_code, "This installation is in production" in answer.text) == (409, True)
        assert '<input type="file"' not in web.get(UPLOADS).text
    with running(options(database)) as url, client(url, cookie) as web:
        answer = send(web, "a.csv", TABLE.encode())
        assert (answer.status_code, "BOROUGH_JOBS_FOLDER is not set" in answer.text) == (409, True)
        assert "only where BOROUGH_INSTALLATION is test or demo" in answer.text, "to set the folder alone is no help"
    assert list(tmp_path.iterdir()) == []


# -- what breaks off ---------------------------------------------------------------------------------------------------


def begin(url: str, cookie: str, folder: Path, length: int = 2 << 20) -> socket.socket:
    """An upload that has begun and does not end; returns when its first bytes are on the disk."""
    place = urlsplit(url)
    line = socket.create_connection((place.hostname, place.port or 80))
    head = field("csrf", csrf(cookie)) + _FILE
    line.sendall(
        f"POST {UPLOADS} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: borough={cookie}\r\n"
        f"Content-Type: {KIND['Content-Type']}\r\nContent-Length: {length}\r\n\r\n".encode()
        + head
        + b"1,2\n" * (300 << 10)
    )
    until = time.monotonic() + 60
    while not [path for path in (folder / "uploads").glob(".coming-*/data") if path.stat().st_size]:
        assert time.monotonic() < until, "nothing was written"
        time.sleep(0.01)
    return line


def test_what_breaks_off_leaves_nothing(url: str, cookie: str, engineer: httpx.Client, folder: Path) -> None:
    line = begin(url, cookie, folder)
    # one at a time: another one is told so
    answer = send(engineer, "b.csv", TABLE.encode())
    assert (answer.status_code, "Another upload is under way" in answer.text) == (409, True)
    line.close()
    until = time.monotonic() + 60
    while kept(folder):
        assert time.monotonic() < until, kept(folder)
        time.sleep(0.01)
    assert list((folder / "uploads").glob(".coming-*")) == []
    assert send(engineer, "b.csv", TABLE.encode()).status_code == 303


@pytest.mark.soak  # it is about seconds, and a busy machine has none to spare
def test_who_sends_steadily_is_waited_for_and_who_stops_is_not(database: str, tmp_path: Path, cookie: str) -> None:
    """In two seconds a megabyte has to come; an upload of four seconds is taken all the same."""
    made = create_app(
        options(database, replays=Replays("test", tmp_path, Apart(), replace(LIMITS, size=8 << 20, total=16 << 20)))
    )
    with listen(None) as listener:
        server = uvicorn.Server(config(made, Patience(body=2.0), timeout_graceful_shutdown=3))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        piece = b"1,2\n" * (320 << 10)
        length = len(field("csrf", csrf(cookie))) + len(_FILE) + (300 << 12) + 4 * len(piece) + len(_END)
        with begin(url, cookie, tmp_path, length) as line:
            for _ in range(4):
                time.sleep(1)  # the network is slow: there is nothing to wait for
                line.sendall(piece)
            line.sendall(_END)
            assert line.recv(100).startswith(b"HTTP/1.1 303 ")
        with begin(url, cookie, tmp_path, length) as line:
            begun = time.monotonic()
            line.settimeout(20)
            assert line.recv(100) == b""
            assert time.monotonic() - begun > 1
        until = time.monotonic() + 60
        while list((tmp_path / "uploads").glob(".coming-*")):
            assert time.monotonic() < until
            time.sleep(0.01)
        server.should_exit = True
        thread.join(60)
    assert len(kept(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_to_is_told(database: str, tmp_path: Path, cookie: str) -> None:
    (tmp_path / "file").write_text("no folder")
    there = Replays("test", tmp_path / "file" / "jobs", Apart(), LIMITS)
    with running(options(database, replays=there)) as url, client(url, cookie) as web:
        answer = web.post(UPLOADS, content=body(web, TABLE.encode()), headers=KIND)
    assert answer.status_code == 507
    assert "The jobs&#39; folder cannot be written to: Not a directory." in answer.text


def test_what_a_killed_process_left_is_removed_by_the_next(engineer: httpx.Client, folder: Path) -> None:
    left = folder / "uploads" / ".coming-0123456789abcdef"
    left.mkdir(parents=True)
    (left / "data").write_bytes(b"x" * 1_000)
    assert send(engineer, "b.csv", TABLE.encode()).status_code == 303
    assert not left.exists()


# -- what is kept, and for how long ------------------------------------------------------------------------------------


def put(folder: Path, name: str, *, days: int = 0) -> Upload:
    shelf = Shelf(folder, LIMITS)
    with shelf.receiving() as incoming:
        incoming.write(TABLE.encode())
        incoming.name(name, ".csv")
        made = incoming.keep(name, None, Checked("table", ".csv"))
    if days:
        about = folder / "uploads" / made.id / "upload.json"
        about.write_text(about.read_text().replace(made.at.isoformat(), (made.at - timedelta(days=days)).isoformat()))
    return made


def test_what_no_job_reads_goes_by_age(engineer: httpx.Client, folder: Path, database: str) -> None:
    old, used, new = put(folder, "old", days=31), put(folder, "used", days=31), put(folder, "new", days=29)
    with connect(database, autocommit=True) as connection:
        job = jobs.ask(connection, "replay", "x", {}, None, [used.file])
    assert send(engineer, "b.csv", TABLE.encode()).status_code == 303
    left = {one.id for one in Shelf(folder, LIMITS).all()}
    assert old.id not in left
    assert {used.id, new.id} < left
    # while a job reads it, it cannot be removed by hand either
    page = engineer.get(f"{UPLOADS}/{used.id}").text
    assert f'<a href="/engineer/jobs/{job}">job {job}</a>' in page
    token = {"csrf": csrf(engineer.cookies["borough"])}
    assert engineer.post(f"{UPLOADS}/{used.id}/remove", data=token).headers["location"] == f"{UPLOADS}/{used.id}"
    assert engineer.post(f"{UPLOADS}/{new.id}/remove", data=token).headers["location"] == f"{UPLOADS}?removed=yes"
    left = {one.id for one in Shelf(folder, LIMITS).all()}
    assert used.id in left
    assert new.id not in left
    with connect(database, autocommit=True) as connection:
        jobs.remove(connection, job)


@pytest.mark.parametrize("upload", ["0123456789abcdef", "%2e%2e", ".lock", "uploads", "0123456789ABCDEF"])
def test_what_is_no_upload_is_not_found(engineer: httpx.Client, folder: Path, upload: str) -> None:
    put(folder, "one")
    before = kept(folder)
    assert engineer.get(f"{UPLOADS}/{upload}").status_code in (303, 400, 404)
    assert Shelf(folder, LIMITS).find(upload) is None
    Shelf(folder, LIMITS).remove(upload)
    assert kept(folder) == before


def test_names() -> None:
    assert safe_name("../../x.tar.csv.gz", ".csv.gz") == "x-tar.csv.gz"
    assert safe_name("...", ".btr") == "upload.btr"
    assert safe_name("a" * 500, ".csv") == "a" * 60 + ".csv"
    assert safe_name("week 7 (late).CSV", ".ndjson") == "week-7-late.ndjson"
    assert shown_name("C:\\x\\y z.csv") == "y z.csv"
    assert shown_name("/etc/passwd") == "passwd"
    assert shown_name("a\u202eb.csv") == "upload"
    assert shown_name("") == "upload"


def test_two_at_once_are_one_after_the_other(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, LIMITS)
    with shelf.receiving(), pytest.raises(Refused, match="Another upload is under way"), shelf.receiving():
        pass
    with shelf.receiving():
        pass
    assert kept(tmp_path) == []
