"""A long export is whole or its reader notices, directly and behind nginx; and whoever reads it holds nobody up."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from devices.device import Device
from store import registry, series
from store.connect import connect
from store.copy import copy_readings
from store.times import microseconds
from tests.tools import site
from tests.tools.nginx import nginx
from tests.tools.servers import Cluster, wait_for
from tests.worlds.open_town import BEGIN

if TYPE_CHECKING:
    from tests.tools.chromium import Chromium

READINGS = 500_000
PATH = "/open-data/exports/air-monitor.csv?from=2026-06-01&to=2026-06-07"
#: How often it is tried to break an export off before it is done.
TRIES = 60

#: What docs and deploy/ tell to include.
LOCATION = Path(__file__).parents[2] / "deploy/nginx-location.conf"

Break = Callable[[], bool]
_ADDRESSES = count(1)


def elsewhere() -> dict[str, str]:
    """Each from an address of its own: how often one may ask is not what is tested here."""
    number = next(_ADDRESSES)
    return {"X-Forwarded-For": f"198.51.{number // 250}.{number % 250}"}


def ask(method: str, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """The whole answer."""
    return httpx.request(method, url + PATH, headers={**elsewhere(), **(headers or {})}, timeout=120)


@pytest.fixture(scope="module")
def filled(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        registry.upsert(connection, [Device("007", "air-monitor", "native")])
        (one,) = series.resolve(connection, [("007", "no2")])
        times = microseconds(BEGIN) + np.arange(READINGS, dtype=np.int64) * 1_000_000
        values = np.round(np.random.default_rng(5).normal(20, 8, READINGS), 1)
        with connection.transaction():
            copy_readings(connection, np.full(READINGS, one.series, np.int32), times, values)
        connection.execute("analyze")
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def served(filled: str) -> Iterator[str]:
    with site.running(site.options(filled)) as url:
        yield url


@pytest.fixture(scope="module")
def whole(served: str) -> str:
    """The hash of it, read directly."""
    answer = ask("GET", served)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["accept-ranges"] == "none"
    assert answer.text.count("\r\n") == READINGS + 1
    return hashlib.sha256(answer.content).hexdigest()


def exporting(url: str) -> int:
    """How many exports read in the database."""
    with connect(url, autocommit=True) as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity"
            " where application_name = 'borough export' and datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def spools() -> int:
    """How many files without a name this process holds for exports."""
    found = 0
    for one in os.listdir("/proc/self/fd"):
        try:
            found += "borough-export-" in os.readlink(f"/proc/self/fd/{one}")
        except FileNotFoundError:
            continue
    return found


@pytest.fixture
def breaker(filled: str) -> Break:
    """Ends the database's side of the exports that are made; whether there was one."""

    def broken() -> bool:
        with connect(filled, autocommit=True) as connection:
            row = connection.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where application_name = 'borough export' and datname = current_database()"
            ).fetchone()
        return row is not None and row[0] > 0

    return broken


@pytest.fixture
def ways(served: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Directly, behind nginx as it comes, and behind nginx that speaks HTTP/1.1 to us."""
    with (
        nginx(tmp_path / "defaults", served) as defaults,
        nginx(tmp_path / "newer", served, f"include {LOCATION};") as newer,
    ):
        yield {"directly": served, "defaults": defaults, "1.1": newer}


def test_http_1_0_gets_it_whole_with_its_length(served: str, whole: str) -> None:
    address = urlsplit(served)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 80), timeout=120) as line:
        line.sendall(f"GET {PATH} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        data = b""
        while piece := line.recv(1 << 20):
            data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    said = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert "transfer-encoding" not in said
    assert int(said["content-length"]) == len(body)
    assert hashlib.sha256(body).hexdigest() == whole


def test_behind_nginx_it_is_the_same(ways: dict[str, str], whole: str) -> None:
    for way, url in ways.items():
        answer = ask("GET", url)
        assert hashlib.sha256(answer.content).hexdigest() == whole, way
        assert ("content-length" in answer.headers) == (way == "defaults")


@pytest.mark.parametrize("way", ["directly", "defaults", "1.1"])
def test_curl_notices_what_broke_off(ways: dict[str, str], breaker: Break, tmp_path: Path, way: str) -> None:
    def curl() -> bool:
        address = [word for name, text in elsewhere().items() for word in ("--header", f"{name}: {text}")]
        with subprocess.Popen(
            ["curl", "--silent", "--fail", "--output", str(tmp_path / "out"), *address, ways[way] + PATH]
        ) as process:
            broken = wait_for(lambda: breaker() or process.poll() is not None, 60)
            assert broken
            return process.wait() != 0

    # one that was done before it could be broken off ends well: then once more
    assert any(curl() for _ in range(TRIES))


# to HTTP/1.0 nothing goes out before it is whole: there the test with curl sees the status
@pytest.mark.parametrize("way", ["directly", "1.1"])
def test_httpx_notices_what_broke_off(ways: dict[str, str], breaker: Break, way: str) -> None:
    def read() -> str | None:
        """What a reader sees of it: an error, a status that is none of success, or None where it was whole."""
        with httpx.stream("GET", ways[way] + PATH, headers=elsewhere(), timeout=120) as answer:
            if answer.status_code != 200:
                return str(answer.status_code)
            try:
                over = False
                for _ in answer.iter_raw():
                    over = over or breaker()
            except httpx.RemoteProtocolError as error:
                return str(error)
        return None

    found = next((one for _ in range(TRIES) if (one := read()) is not None), None)
    assert found is not None
    assert "incomplete chunked read" in found or "without sending complete" in found


@pytest.mark.browser
@pytest.mark.parametrize("way", ["directly", "1.1"])
def test_chromium_notices_what_broke_off(chromium: Chromium, ways: dict[str, str], breaker: Break, way: str) -> None:
    with chromium.lent() as browser:
        page = browser.new_page()
        page.goto(ways[way] + "/accessibility")

        def download() -> bool:
            with page.expect_download(timeout=120_000) as told:
                page.evaluate("path => { location.href = path }", PATH)
            breaker()
            return told.value.failure() is not None

        assert any(download() for _ in range(TRIES))


def test_a_reader_that_stands_holds_no_transaction_and_gets_it_whole(served: str, filled: str, whole: str) -> None:
    with httpx.stream("GET", served + PATH, headers=elsewhere(), timeout=120) as answer:
        pieces = answer.iter_raw()
        data = hashlib.sha256(next(pieces))
        assert wait_for(lambda: exporting(filled) == 0, 60), "it is made at our pace, not at the reader's"
        with connect(filled, autocommit=True, lock_timeout=60) as connection:
            connection.execute("begin; lock table public.reading in access exclusive mode; rollback")
        for piece in pieces:
            data.update(piece)
    assert data.hexdigest() == whole
    assert wait_for(lambda: spools() == 0, 60)


def test_a_reader_that_goes_away_frees_all(served: str, filled: str) -> None:
    for _ in range(5):
        with httpx.stream("GET", served + PATH, headers=elsewhere(), timeout=120) as answer:
            next(answer.iter_raw())
        assert wait_for(lambda: exporting(filled) == 0 and spools() == 0, 60)
    assert ask("GET", served).status_code == 200, "its turns were given back"


def test_head_of_a_long_one_makes_no_more_than_its_beginning(served: str, filled: str) -> None:
    answer = ask("HEAD", served)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"].startswith('"')
    assert wait_for(lambda: exporting(filled) == 0 and spools() == 0, 60)


def test_while_the_database_stands_still_it_is_not_sent_again(served: str) -> None:
    def same() -> bool:
        etag = ask("HEAD", served).headers["etag"]
        return ask("GET", served, {"If-None-Match": etag}).status_code == 304

    # other tests' databases stand on the same server, and what is written there may be of this moment too
    assert any(same() for _ in range(TRIES))


_GROWTH = """
import sys
from datetime import datetime
from analytics.tables.{module} import {function}
from store import open_data
from tests.benchmarks.memory import highest_memory

def run(days):
    with open_data.one_state(sys.argv[1]) as connection:
        series = open_data.open_series(connection, "air-monitor", origin="real")
        start = int(sys.argv[2])
        blocks = open_data.readings(connection, series, start, start + days * 86_400_000_000)
        return sum(map(len, {function}(series, blocks)))

run(1)
before = highest_memory()
print(run(7), highest_memory() - before)
"""


@pytest.mark.parametrize(("module", "function"), [("csv_text", "csv_blocks"), ("parquet", "parquet_blocks")])
def test_memory_stays_where_it_was(filled: str, module: str, function: str) -> None:
    """A day and then a week: 86,400 readings and 500,000."""
    script = _GROWTH.format(module=module, function=function)
    found = subprocess.run(
        [sys.executable, "-c", script, filled, str(microseconds(BEGIN))], capture_output=True, text=True, check=True
    )
    size, growth = map(int, found.stdout.split())
    assert size > 1_000_000
    assert growth < 64 << 20, f"{growth >> 20} MB more"
