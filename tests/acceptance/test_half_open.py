"""Connections that are opened and not used, against ``borough serve``: each ends, and pages go on meanwhile."""

from __future__ import annotations

import resource
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from dashboard.web.connections import Patience, patience
from store.connect import connect
from tests.acceptance.test_serve import serving
from tests.tools import site
from tests.tools.servers import PATIENCE, Cluster, wait_for
from tests.worlds import residents

SLOWLY = b"GET / HTTP/1.1\r\nHost: 127"
BODY = (
    b"POST /home/consents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 60000\r\nCookie: %s\r\n\r\npurpose="
)


@dataclass
class Served:
    url: str
    process: subprocess.Popen[str]
    log: Path
    cookie: str

    def open(self, sent: bytes) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2])))
        made.settimeout(60)
        made.sendall(sent)
        return made

    def held(self) -> int:
        return sum(one.status == "ESTABLISHED" for one in psutil.Process(self.process.pid).net_connections("tcp"))


@pytest.fixture(scope="module")
def served(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        cookie = site.make_session(connection, residents.make_resident(connection, 1).tenancy_id)
    log = tmp_path_factory.mktemp("served") / "log"
    with serving(timescale.url(name), log) as (process, url):
        yield Served(url, process, log, cookie)
    timescale.drop(name)


def _ended(one: socket.socket) -> bool:
    """Wait for the other side to end a connection."""
    try:
        while one.recv(4_096):
            pass
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize("sent", [b"", SLOWLY, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + SLOWLY])
def test_a_head_that_does_not_come(served: Served, sent: bytes) -> None:
    """Nothing, half a head, and half a second one on a connection that was used."""
    with ExitStack() as held:
        opened = [held.enter_context(served.open(sent)) for _ in range(20)]
        assert httpx.get(served.url, timeout=PATIENCE).status_code == 200
        assert all(_ended(one) for one in opened)


def test_half_a_head_after_an_answer(served: Served) -> None:
    """The time that a kept connection may wait ends with the first byte of the next request: then the head's begins."""
    with ExitStack() as held:
        opened = [held.enter_context(served.open(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) for _ in range(5)]
        for one in opened:
            assert one.recv(4_096).startswith(b"HTTP/1.1 200")
        for one in opened:
            one.sendall(SLOWLY)
        assert all(_ended(one) for one in opened)


def test_a_body_that_does_not_come(served: Served) -> None:
    with served.open(BODY % f"{site.COOKIE}={served.cookie}".encode()) as one:
        assert _ended(one)
    assert "Traceback" not in served.log.read_text()


def test_an_upload_that_hangs_up_is_no_error(served: Served) -> None:
    for _ in range(200):
        with served.open(BODY % f"{site.COOKIE}={served.cookie}".encode()) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert wait_for(lambda: served.log.read_text().count("POST /home/consents") >= 200, 30)
    log = served.log.read_text()
    assert "Traceback" not in log
    assert "a page failed" not in log
    assert '"error"' not in log


def test_more_connections_than_a_process_holds(timescale: Cluster, tmp_path: Path) -> None:
    """Those that have waited longest without a request go; a page is there all the time."""
    name = timescale.create()
    with serving(timescale.url(name), tmp_path / "log") as (process, url):
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (2_000, 2_000))
        own = Served(url, process, tmp_path / "log", "")
        with ExitStack() as held:
            for number in range(Patience().connections + 50):
                held.enter_context(own.open(SLOWLY))
                if number % 100 == 0:
                    assert httpx.get(url, timeout=PATIENCE).status_code == 200
            assert httpx.get(url, timeout=PATIENCE).status_code == 200
            assert own.held() <= Patience().connections + 20
    timescale.drop(name)


def test_how_many_a_process_holds_leaves_room_for_the_rest() -> None:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert patience(20).connections <= max(most - 128, most // 2)
