"""SensorThings over ten million readings: how long a page and an exact count take, and the same of FROST-Server."""

from __future__ import annotations

import http.client
import random
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import orjson

from devices.device import Device
from store import registry, series, sta_count
from store.connect import Connection, connect
from store.copy import copy_readings
from store.times import microseconds
from tests.benchmarks import frost
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest

MONITORS, PROPERTIES = 20, ("no2", "o3", "pm1", "pm2_5", "pm10", "temperature", "humidity", "co2")
#: Of each series; together ten million. One every five minutes, up to now.
READINGS, STEP = 62_500, 300_000_000
_BLOCK = 500
#: So many pages of each question by each client, in so many turns, after as many to warm up.
CLIENTS, PAGES, TURNS = 2, 400, 4
#: What a JVM is asked to warm up: after some hundred pages it takes twice the time that it takes after thousands.
_WARM_PEER = 2_000
#: What FROST-Server takes seconds for is asked of it once in a turn, and once to warm up.
_SLOW_OF_PEER = ("count_all", "expand")
_ROOT = "/sta/v1.1"


def fill(connection: Connection) -> tuple[list[int], int]:
    """Monitors with their readings, as they would have come; the numbers of the series and the first instant [us]."""
    names = _devices()
    registry.upsert(connection, [Device(name, "air-monitor", "native", -0.1, 51.5) for name in names])
    found = series.resolve(connection, [(name, one) for name in names for one in PROPERTIES])
    ids = np.array([one.series for one in found], np.int32)
    start = microseconds(datetime.now(UTC)) // STEP * STEP - READINGS * STEP
    values = np.array(_values())
    for first in range(0, READINGS, _BLOCK):
        some = np.arange(first, first + _BLOCK)
        copy_readings(
            connection, np.repeat(ids, _BLOCK), np.tile(start + some * STEP, len(ids)), np.tile(values[some], len(ids))
        )
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze reading")
    return ids.tolist(), start


def _devices() -> list[str]:
    return [f"air-{number:02}" for number in range(MONITORS)]


def _values() -> list[float]:
    found: list[float] = np.round(np.random.default_rng(16).gamma(2, 5, READINGS), 1).tolist()
    return found


def sensorthings(world: World, table: Table) -> None:
    """The 95th percentile and the median of pages of a hundred Observations, at the beginning, at an instant and of the
    newest, of exact counts, and of Datastreams with their newest Observation; and how much longer FROST-Server takes
    for the same, median against median, where one is given: both are asked in turn.

    All names that are asked for are figures of one run.
    """
    if "sta_page_p95" in table.rows:
        return
    reason = frost.given()
    if reason is not None:
        print(reason, file=sys.stderr)
    with world.database() as url, connect(url) as connection:
        numbers, start = fill(connection)
        peer = frost.filled(_devices(), PROPERTIES, start, STEP, _values()) if reason is None else None
        while sta_count.keep(connection, 60.0):
            pass
        wait_for_rest()
        with serving(url) as port:
            if peer is not None and _results(peer.port, peer.root, peer.numbers) != _results(port, _ROOT, numbers):
                raise RuntimeError("FROST-Server gives other results than ours: it does not hold the same rows")
            for name, made in _questions(numbers, start).items():
                asked = [_Asked(f"sta_{name}", port, _ROOT, made, PAGES, PAGES // TURNS)]
                if peer is not None:
                    same = _questions(peer.numbers, peer.start)[name]
                    often = (1, 1) if name in _SLOW_OF_PEER else (_WARM_PEER, PAGES // TURNS)
                    asked.append(_Asked(f"sta_frost_{name}", peer.port, peer.root, same, *often))
                _ask_in_turn(asked, table)
                ratio = "sta_vs_frost" if name == "page" else f"sta_vs_frost_{name}"
                table.ratio(ratio, f"sta_frost_{name}_median", f"sta_{name}_median")
    wait_for_rest()


#: A question: its path, and what is right of the answer.
Question = tuple[str, Callable[[dict[str, Any]], bool]]


def _questions(numbers: Sequence[int], start: int) -> dict[str, Callable[[random.Random], Question]]:
    def page(own: random.Random) -> Question:
        return f"/Datastreams({own.choice(numbers)})/Observations?$top=100", _hundred

    def deep(own: random.Random) -> Question:
        time_ = datetime.fromtimestamp((start + own.randrange(READINGS - 200) * STEP) / 1e6, UTC)
        bound = f"phenomenonTime%20ge%20{time_.isoformat().replace('+00:00', 'Z')}"
        return f"/Datastreams({own.choice(numbers)})/Observations?$top=100&$filter={bound}", _hundred

    def newest(own: random.Random) -> Question:
        order = "$orderby=phenomenonTime%20desc"
        return f"/Datastreams({own.choice(numbers)})/Observations?$top=100&{order}", _hundred

    def count(own: random.Random) -> Question:
        path = f"/Datastreams({own.choice(numbers)})/Observations?$count=true&$top=1"
        return path, lambda found: found["@iot.count"] == READINGS

    def count_all(_: random.Random) -> Question:
        return "/Observations?$count=true&$top=1", lambda found: found["@iot.count"] == READINGS * len(numbers)

    def expand(_: random.Random) -> Question:
        inner = "Observations($orderby=phenomenonTime%20desc;$top=1),ObservedProperty,Thing"
        return (
            f"/Datastreams?$top=100&$expand={inner}",
            lambda found: sum(len(one["Observations"]) for one in found["value"]) == 100,
        )

    return {"page": page, "deep": deep, "newest": newest, "count": count, "count_all": count_all, "expand": expand}


def _hundred(found: dict[str, Any]) -> bool:
    return len(found["value"]) == 100


def _results(port: int, root: str, numbers: Sequence[int]) -> list[list[float]]:
    """The first page of the first and of the last Datastream."""
    found = []
    for number in (numbers[0], numbers[-1]):
        address = f"http://{HOST}:{port}{root}/Datastreams({number})/Observations?$top=100"
        with urllib.request.urlopen(address, timeout=60) as answer:
            found.append([one["result"] for one in orjson.loads(answer.read())["value"]])
    return found


class _Asked(NamedTuple):
    """A question to one of both: the figures' name, where, what, and how many pages of it before and in each turn."""

    name: str
    port: int
    root: str
    made: Callable[[random.Random], Question]
    warm: int
    pages: int


def _ask_in_turn(asked: Sequence[_Asked], table: Table) -> None:
    """One after the other, then again, so that what else the machine does meets all."""
    waits: dict[str, list[float]] = {one.name: [] for one in asked}
    for one in asked:
        _ask(one, one.warm, -1)
    for turn in range(TURNS):
        for one in asked:
            waits[one.name] += _ask(one, one.pages, turn)
    for name, some in waits.items():
        some.sort()
        table.add(f"{name}_p95", some[int(0.95 * len(some))], "s")
        table.add(f"{name}_median", some[len(some) // 2], "s")


def _ask(asked: _Asked, pages: int, turn: int) -> list[float]:
    """Ask in each of two clients at once; how long each took [s]."""
    waits: list[float] = []
    faults: list[str] = []

    def client(seed: int) -> None:
        own = random.Random(seed)
        connection = http.client.HTTPConnection(HOST, asked.port, timeout=60)
        for path, right in _some(asked.made, own, pages):
            begun = time.perf_counter()
            connection.request("GET", asked.root + path)
            answer = connection.getresponse()
            body = answer.read()
            waits.append(time.perf_counter() - begun)
            if answer.status != 200 or not right(orjson.loads(body)):
                faults.append(f"status {answer.status}: {path}: {body[:300]!r}")
        connection.close()

    threads = [threading.Thread(target=client, args=(turn * CLIENTS + one + CLIENTS,)) for one in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults or len(waits) != CLIENTS * pages:
        raise RuntimeError(f"{len(faults)} answers of {asked.name} were not right, the first: {faults[:1]}")
    return waits


def _some(made: Callable[[random.Random], Question], own: random.Random, pages: int) -> Iterator[Question]:
    return (made(own) for _ in range(pages))
