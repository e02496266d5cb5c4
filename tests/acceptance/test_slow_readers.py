"""Downloads that nobody reads, against ``borough serve``: pages go on, and everything is given back."""

from __future__ import annotations

import itertools
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from dashboard.web.lane import WAITING
from store.connect import connect
from tests.acceptance.test_serve import serving
from tests.tools import site
from tests.tools.servers import Cluster, wait_for
from tests.worlds import residents
from tests.worlds.resident_world import TODAY

#: Half-hours of so many days are two megabytes: more than the kernel and we keep for a reader.
DAYS = 900
TIMES = 24
PATH = "/home/data/half-hours.csv"
#: Of the tests: seconds after which a reader that takes nothing is cut.
STALL = 1.0
_ADDRESSES = itertools.count(1)  # fewer than 250 are asked for


@dataclass
class Served:
    """A running server, the cookies of two households, and sessions of further ones of the first's home."""

    url: str
    process: subprocess.Popen[str]
    log: Path
    database: str
    cookies: list[str]
    other: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def ask(self, cookie: str, path: str = PATH) -> socket.socket:
        """A connection on which a file was asked for; it takes in little by itself."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        made.settimeout(20)
        made.connect(("127.0.0.1", self.port))
        # each from an address of its own: how often one may ask is not what is tested here
        head = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {site.COOKIE}={cookie}\r\n"
            f"X-Forwarded-For: 198.51.{next(_ADDRESSES)}.1\r\n\r\n"
        )
        made.sendall(head.encode())
        return made

    def page(self) -> None:
        """Another household's page and the health check are there."""
        with site.client(self.url, self.other) as web:
            assert web.get("/home").status_code == 200
            assert web.get("/health/ready").status_code == 200

    def pages_until(self, done: Callable[[], bool]) -> None:
        """Pages are there until it is done, one every while: they are not what keeps the machine busy."""
        while not done():
            self.page()
            time.sleep(0.2)

    def connections(self) -> int:
        """Sockets of clients that the server holds."""
        found = psutil.Process(self.process.pid).net_connections("tcp")
        return sum(one.laddr.port == self.port and one.status in ("ESTABLISHED", "CLOSE_WAIT") for one in found)

    def idle(self) -> bool:
        """Whether no connection of the database does anything for a page or a download, nor is kept for one."""
        with psycopg.connect(self.database) as connection:
            row = connection.execute(
                "select count(*) from pg_stat_activity where application_name like 'borough dashboard%%'"
                " and datname = current_database() and state <> 'idle'"
            ).fetchone()
        return row == (0,)

    def whole(self, cookie: str, path: str = PATH) -> int:
        """The length of a file that is read as people do."""
        with site.client(self.url, cookie, address=f"198.51.{next(_ADDRESSES)}.1") as web:
            answer = web.get(path)
            assert answer.status_code == 200, answer.text
            return len(answer.content)


@contextmanager
def world(timescale: Cluster, log: Path) -> Iterator[Served]:
    name = timescale.create()
    database = timescale.url(name)
    with connect(database, autocommit=True) as connection:
        one, other = residents.make_resident(connection, 1), residents.make_resident(connection, 2)
        residents.furnish(connection, other)
        begin = TODAY - timedelta(days=DAYS)
        residents.use_days(connection, one, begin, TODAY)
        residents.add_meter(connection, one, begin, DAYS)
        cookies = [site.make_session(connection, one.tenancy_id) for _ in range(TIMES)]
        seen = site.make_session(connection, other.tenancy_id)
    with serving(database, log, BOROUGH_WEB_STALL=str(STALL)) as (process, url):
        yield Served(url, process, log, database, cookies, seen)
        # on purpose not asked for at its end alone: a failure in between would be hidden by the one here
    assert "Traceback" not in log.read_text()
    timescale.drop(name)


@pytest.fixture(scope="module")
def served(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with world(timescale, tmp_path_factory.mktemp("served") / "log") as found:
        yield found


def _answered(one: socket.socket) -> bool:
    """Whether something of an answer has come; on a busy machine a request waits long for its turn."""
    return bool(select.select([one], [], [], 0)[0])


def _is_cut(one: socket.socket) -> bool:
    """Read to the end: whether a file was begun and cut, and did not end like a whole answer."""
    last = one.recv(12)
    assert last == b"HTTP/1.1 200"
    try:
        while data := one.recv(65_536):
            last = (last + data)[-5:]
    except ConnectionError:
        return True
    return not last.endswith(b"0\r\n\r\n")


def test_eight_at_once_that_are_not_read(served: Served) -> None:
    with ExitStack() as held:
        asked = [held.enter_context(served.ask(cookie)) for cookie in served.cookies[:8]]
        for one in asked:
            assert one.recv(12) == b"HTTP/1.1 200"
            served.page()
    assert wait_for(lambda: served.connections() == 0, 30)
    served.page()
    assert served.whole(served.cookies[8]) > 1_500_000


def test_readers_that_never_read(served: Served) -> None:
    """Each is cut after a while, whether or not it has hung up, and sees that its file is not whole."""
    with ExitStack() as held:
        asked = [held.enter_context(served.ask(cookie)) for cookie in served.cookies]
        served.pages_until(lambda: all(map(_answered, asked)) and not served.connections())
        # on a busy machine some have waited for their turn until they were told to come again
        begun = [one for one in asked if one.recv(12, socket.MSG_PEEK) != b"HTTP/1.1 429"]
        assert begun
        assert all(_is_cut(one) for one in begun)
    assert wait_for(served.idle, 20)
    assert served.whole(served.cookies[0]) > 1_500_000


def test_readers_that_vanish(served: Served) -> None:
    for cookie in served.cookies:
        with served.ask(cookie) as one:
            assert one.recv(12) == b"HTTP/1.1 200"
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        served.page()
    assert wait_for(lambda: served.connections() == 0 and served.idle(), 30)
    assert served.whole(served.cookies[0]) > 1_500_000


def test_readers_that_take_a_byte_a_second(served: Served) -> None:
    """What is taken now and then does not keep a connection."""
    over = threading.Event()

    def trickle(one: socket.socket) -> None:
        try:
            while not over.wait(1.0) and one.recv(1):
                pass
        except OSError:
            return

    with ExitStack() as held:
        asked = [held.enter_context(served.ask(cookie)) for cookie in served.cookies]
        readers = [threading.Thread(target=trickle, args=(one,)) for one in asked]
        for reader in readers:
            reader.start()
        served.pages_until(lambda: not served.connections())
        over.set()
        for reader in readers:
            reader.join()
    assert wait_for(served.idle, 20)
    assert served.whole(served.cookies[0]) > 1_500_000


def test_two_hundred_of_one_sign_in(served: Served) -> None:
    """No 503 for anybody: one account has its share, the others wait; whoever waits too long is told when to come."""
    path = f"{PATH}?from={TODAY - timedelta(days=20)}"
    statuses: list[int] = []

    def load() -> None:
        with httpx.Client(base_url=served.url, cookies={site.COOKIE: served.cookies[0]}, timeout=120) as web:
            answer = web.get(path)
            assert answer.status_code == 200 or int(answer.headers["Retry-After"]) > 0
            statuses.append(answer.status_code)

    loads = [threading.Thread(target=load) for _ in range(200)]
    for one in loads:
        one.start()
    served.pages_until(lambda: not any(one.is_alive() for one in loads))
    for one in loads:
        one.join()
    assert len(statuses) == 200
    assert set(statuses) <= {200, 429}
    assert 200 in statuses


def test_a_fault_in_the_middle_is_seen(served: Served) -> None:
    """A file that breaks off never ends like a whole one."""
    with served.ask(served.cookies[0]) as one:
        assert one.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
        with psycopg.connect(served.database, autocommit=True) as connection:
            connection.execute("alter table personal.home_meter rename to away")
            try:
                assert _is_cut(one)
            finally:
                connection.execute("alter table personal.away rename to home_meter")
    served.page()


def test_it_ends_while_nobody_reads(timescale: Cluster, tmp_path: Path) -> None:
    with world(timescale, tmp_path / "log") as own, ExitStack() as held:
        for cookie in own.cookies[:8]:
            assert held.enter_context(own.ask(cookie)).recv(12) == b"HTTP/1.1 200"
        own.process.terminate()
        assert own.process.wait(60) == 0


def test_one_who_asks_for_hundreds_of_files_leaves_others_theirs(served: Served) -> None:
    """More requests of one session than may wait at all: they are told to come again, and nobody else is."""
    with ExitStack() as held:
        asked = [held.enter_context(served.ask(served.cookies[0])) for _ in range(WAITING + 20)]
        assert served.whole(served.other, "/home/data/days.csv") > 0
        served.page()
        # the last of them is answered at once: there were enough
        assert asked[-1].recv(12) == b"HTTP/1.1 429"
