"""Completeness on the pages: the same as ``borough complete``, households' devices as counts alone, gaps as files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from borough import cli
from devices.device import Device
from store import registry
from store.batch import SequenceSpan
from store.connect import Connection, connect
from store.spans import write_spans
from tests.tools.servers import Cluster
from tests.tools.site import client, make_session, options, running
from tests.worlds import series_world
from tests.worlds.series_world import DAY, MINUTE, START

PATH = "/engineer/completeness"
DAYS = {"from": "2026-03-01", "to": "2026-03-03"}


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        series_world.town(connection)
        series_world.households(connection)
        # all readings of its first day, none of the second, which messages are known to be of, nothing of the third
        series_world.add(
            connection, series_world.air("air-lost"), "pm10", series_world.minutes(0, 1_440), [1.0] * 1_440
        )
        registry.upsert(connection, [Device(f"bay-{n:03d}", "parking-bay", "native") for n in range(103)])
        with connection.transaction():
            write_spans(connection, [
                SequenceSpan("air-lost", 1, 1_440, START, START + DAY - 1),
                SequenceSpan("bay-1", 1, 10, START, START + DAY + 5),
                SequenceSpan("bay-1", 14, 20, START + DAY + 9, START + 2 * DAY),
                SequenceSpan("bay-050", 1, 5, START, START + DAY),
            ])  # fmt: skip
        with connection.transaction():
            write_spans(connection, [
                SequenceSpan("air-lost", 1_600, 1_601, START + 3 * DAY, START + 3 * DAY + MINUTE),
                SequenceSpan("air-lost", 1_450, 1_460, START + DAY + 5, START + DAY + 9),
            ])  # fmt: skip
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


@pytest.fixture(scope="module")
def url(database: str) -> Iterator[str]:
    with running(options(database)) as found:
        yield found


@pytest.fixture(scope="module")
def web(url: str, connection: Connection) -> Iterator[httpx.Client]:
    with client(url, make_session(connection, None, ["engineer"])) as found:
        yield found


def ask(web: httpx.Client, path: str = "", status: Any = 200, **query: Any) -> str:
    answer = web.get(PATH + path, params=DAYS | query)
    assert answer.status_code == status, answer.text[:2_000]
    return answer.text


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def listed(page: str) -> list[tuple[str, ...]]:
    """Device, verdict, share, messages lost, days with gaps and reason of each row."""
    found = re.findall(r"<tr><th scope=\"row\"><a[^>]*>([^<]+)</a></th>(.*?)</tr>", page)
    return [(device, *re.findall(r"<td[^>]*>([^<]*)</td>", cells)) for device, cells in found]


def test_only_engineers(url: str, connection: Connection) -> None:
    with client(url, make_session(connection, None, ["parking-ops"])) as other:
        for path in ("", "/air-1", ".csv"):
            assert other.get(PATH + path).status_code == 403


def test_the_worst_first_and_the_same_as_the_command(
    web: httpx.Client, database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in os.environ:
        if name.startswith("BOROUGH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    assert cli.run(["complete", "--json", "--from", "2026-03-01", "--until", "2026-03-04"]) == 1
    said = {one["device"]: one for one in json.loads(capsys.readouterr().out)["devices"]}
    page = ask(web, family="air-monitor")
    found = listed(page)
    assert [row[0] for row in found] == ["air-lost", "air-1", "air-2", "air-never"]
    for device, verdict, _, numbers, days, because in found:
        one = said[device]
        assert verdict.lower().replace("cannot be known", "cannot know") == one["verdict"]
        assert because.rstrip(".").lower() == one["because"].lower()
        assert int(numbers) == sum(day["missing_numbers"] for day in one["days"])
        assert int(days) == sum(day["gap"] for day in one["days"])
    assert [row[2] for row in found] == ["33 %", "95 %", "\N{EN DASH}", "\N{EN DASH}"]
    for row in rows(ask(web, ".csv", kind="all", family="air-monitor")):
        (day,) = (day for day in said[row["device"]]["days"] if day["day"] == row["day"])
        assert (int(row["expected"]), int(row["present"]), int(row["missing_numbers"])) == (
            day["expected"], day["present"], day["missing_numbers"])  # fmt: skip


def test_households_devices_are_counted_and_never_named(web: httpx.Client) -> None:
    air = ask(web, family="air-monitor")
    assert re.search(r"counted and not listed\. Complete: <strong>0</strong>\. Gaps: <strong>3</strong>", air)
    meters = ask(web, family="smart-meter")
    assert re.search(r"counted and not listed\. Complete: <strong>0</strong>\. Gaps: <strong>1</strong>", meters)
    files = ask(web, ".csv", kind="all")
    for device in ("meter-1", "move-1", "air-home", "bay-home", "air-moved", "air-taken"):
        assert device not in air + meters + files
        absent = ask(web, "/nobody", 404)
        assert ask(web, f"/{device}", 404) == absent
        ask(web, ".csv", 404, device=device)


def test_a_calendar_tells_silence_loss_and_part_apart(web: httpx.Client) -> None:
    page = ask(web, "/air-lost", **{"from": "2026-02-27", "to": "2026-03-04"})
    days = re.findall(r'<td class="(\w+)"><time datetime="([^"]+)">\d+</time>.*?class="word">([^<]+)<(.*?)</td>', page)
    assert [(day, state, word) for state, day, word, _ in days] == [
        ("2026-02-27", "none", "none due"),
        ("2026-02-28", "none", "none due"),
        ("2026-03-01", "complete", "complete"),
        ("2026-03-02", "missing", "missing"),
        ("2026-03-03", "silent", "silent"),
        ("2026-03-04", "silent", "silent"),
    ]
    # numbers are apart: of the day after which they lack
    assert [re.findall(r'class="more">([^<]+)<', more) for *_, more in days] == [
        [], [], ["9 messages lost"], ["139 messages lost"], [], []]  # fmt: skip
    assert "and 148 messages never came" in page
    part = ask(web, "/air-1")
    assert re.findall(r'class="word">([^<]+)<', part) == ["complete", "87 %", "complete"]


def test_gaps_as_a_file_tell_numbers_from_silence(web: httpx.Client) -> None:
    found = rows(ask(web, ".csv", device="air-lost"))
    assert [(row["day"], row["kind"], row["missing"]) for row in found] == [
        ("2026-03-01", "numbers", "9"),
        ("2026-03-02", "silence", "1440"),
        ("2026-03-02", "numbers", "139"),
        ("2026-03-03", "silence", "1440"),
    ]
    assert {row["device"] for row in rows(ask(web, ".csv", family="parking-bay"))} == {"bay-1"}
    part = rows(ask(web, ".csv", device="air-1"))
    assert [(row["kind"], row["expected"], row["present"], row["missing"]) for row in part] == [
        ("readings", "2880", "2520", "360")]  # fmt: skip


def test_many_devices_page_by_page(web: httpx.Client) -> None:
    first, second = listed(ask(web, family="parking-bay")), listed(ask(web, family="parking-bay", page="2"))
    assert len(first) == 100
    assert len(second) == 4
    assert first[0][0] == "bay-1"
    assert len({row[0] for row in first + second}) == 104
    assert [row[0] for row in listed(ask(web, family="parking-bay", show="complete"))] == ["bay-050"]
    assert listed(ask(web, family="parking-bay", page="99")) == second


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from": "2026-03-03", "to": "2026-03-01"}, "The first day is after the last whole one"),
        ({"from": "2025-01-01", "to": "2026-03-01"}, "No more than 31 days are looked at together"),
    ],
)
def test_days_that_cannot_be_looked_at(web: httpx.Client, query: dict[str, str], words: str) -> None:
    assert words in ask(web, status=400, **query)
    ask(web, ".csv", 400, **query)


def test_a_year_of_a_device_and_no_more(web: httpx.Client) -> None:
    assert ask(web, "/air-1", **{"from": "2025-03-04", "to": "2026-03-04"}).count("<caption>") == 13
    assert "No more than 366 days" in ask(web, "/air-1", 400, **{"from": "2025-03-03", "to": "2026-03-04"})
    ask(web, status=404, family="no-family")
