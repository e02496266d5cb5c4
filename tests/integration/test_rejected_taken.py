"""Rejected messages tried and taken on the engineers' pages: by what is installed, portion by portion, each once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import psycopg
import pytest

from borough import cli
from borough.commands import rejected as commands
from borough.settings.collector import collector_options
from dashboard.engineer import rejected_portions
from devices.device import Device
from ingest.decoder_version import format_marks
from store import registry, session_lock
from store.connect import connect
from tests.tools.servers import Cluster
from tests.worlds import rejections as worlds
from tests.worlds.rejections import RIGHT, WRONG, World, number, text_of

ROOT = "/engineer/rejected"


@pytest.fixture(scope="module")
def shared(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, httpx.Client]]:
    with worlds.engineering(timescale, tmp_path_factory.mktemp("rejected")) as found:
        yield found


@pytest.fixture
def fresh(timescale: Cluster, tmp_path: Path) -> Iterator[tuple[World, httpx.Client]]:
    with worlds.engineering(timescale, tmp_path) as found:
        yield found


def retried(connection: psycopg.Connection) -> int:
    """How many messages the account says were tried again."""
    row = connection.execute("select sum(messages_received) from accounting where collector = 'retry'").fetchone()
    assert row is not None
    return int(row[0])


def test_a_mapping_of_a_form_is_tried_and_never_taken(shared: tuple[World, httpx.Client]) -> None:
    world, engineer = shared
    query = "reason=bad_value"
    page = engineer.post(f"{ROOT}/try?{query}", data={"how": "mapping", "mapping": RIGHT}).text
    assert "6 of 6 messages would be taken" in page
    assert "This mapping stands in this form alone" in page
    assert f'action="{ROOT}/take' not in page
    # whoever sends it to the other address takes what is installed, and that reads nothing
    taken = engineer.post(f"{ROOT}/take?{query}", data={"how": "mapping", "mapping": RIGHT}).text
    assert "0 rejections were taken" in taken
    with psycopg.connect(world.url) as connection:
        assert connection.execute("select count(*) from rejected where reason = 'bad_value'").fetchone() == (6,)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"mapping": ""}, "Paste the text of a mapping file"),
        ({"mapping": "x = "}, "The mapping: "),
        ({"mapping": RIGHT.replace('"occupied"', '"colour"')}, "no family has a property"),
        ({"mapping": RIGHT.replace('"bay-vendor"', '"other"')}, "say which it stands in for, bay-vendor, native"),
        ({"mapping": RIGHT, "instead": "zork"}, "subscription names the format"),
        ({"mapping": "# " + "x" * 20_000}, "more than 20,000 signs"),
        ({"mapping": RIGHT + "# \u202e"}, "turns the order of text round"),
    ],
)
def test_a_wrong_mapping_is_told_beside_its_text(
    shared: tuple[World, httpx.Client], form: dict[str, str], said: str
) -> None:
    answer = shared[1].post(f"{ROOT}/try", data={"how": "mapping", **form})
    assert answer.status_code == 400
    assert said in text_of(answer.text)
    assert "Traceback" not in answer.text
    kept = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.DOTALL)
    assert kept is not None
    assert unescape(kept[1]).strip() == form["mapping"].strip(), "what was typed is not lost"


def test_mended_tried_and_taken_and_the_account_closes(fresh: tuple[World, httpx.Client]) -> None:
    world, engineer = fresh
    query = "reason=bad_value"
    (world.mappings / "bay.toml").write_text(RIGHT)
    page = engineer.post(f"{ROOT}/try?{query}", data={"how": "mapping", "mapping": RIGHT}).text
    assert "This very mapping is installed." in page
    assert "Take 6 messages" in page
    first = text_of(engineer.post(f"{ROOT}/take?{query}").text)
    assert "6 rejections were taken" in first
    again = text_of(engineer.post(f"{ROOT}/take?{query}").text)
    assert "0 rejections were taken" in again
    said = text_of(engineer.get(ROOT).text)
    assert "7 rejections are kept." in said
    assert "parking-bay 10 4 0 6 0" in said
    assert re.search(r"account \d+ parking-bay bad_value 6 0 0\.1\.0\+[0-9a-f]{12}", said)
    with psycopg.connect(world.url) as connection:
        stored = connection.execute(
            "select device, value from observation where device like 'v-%' order by time"
        ).fetchall()
        assert stored[:6] == [("v-1", 1.0), ("v-2", 1.0)] * 3
        counted = connection.execute(
            "select sum(messages_received) from accounting where collector = 'retry'"
        ).fetchone()
        assert counted == (6,)


def test_one_is_taken_once(fresh: tuple[World, httpx.Client]) -> None:
    world, engineer = fresh
    (world.mappings / "bay.toml").write_text(RIGHT)
    with psycopg.connect(world.url, autocommit=True) as connection:
        one = number(connection, "parking-bay", "bad_value")
    assert "Take it" in engineer.post(f"{ROOT}/try?id={one}", data={"how": "now"}).text
    assert "1 rejection was taken" in text_of(engineer.post(f"{ROOT}/take?id={one}").text)
    again = text_of(engineer.post(f"{ROOT}/take?id={one}").text)
    assert "0 rejections were taken" in again
    assert "1 was there no more" in again


def test_many_go_portion_by_portion(fresh: tuple[World, httpx.Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer says how far it is and offers the next; sent twice, a portion takes nothing twice."""
    world, engineer = fresh
    (world.mappings / "bay.toml").write_text(RIGHT)
    monkeypatch.setattr(rejected_portions, "PORTION", 2)
    monkeypatch.setattr(rejected_portions, "SECONDS", 0.0)
    monkeypatch.setattr(rejected_portions, "TRIED", 2)
    address = f"{ROOT}/try?reason=bad_value"
    given: dict[str, str] = {"how": "now"}
    tried = 0
    while given:
        page = engineer.post(address, data=given).text
        if "There is nothing to try" not in page:
            assert "2 of 2 messages would be taken" in page
            tried += 2
        found = re.search(r'name="before" value="(\d+)"', page)
        given = {"how": "now", "before": found[1]} if found else {}
    assert tried == 6
    take, forms, seen = f"{ROOT}/take?reason=bad_value", [dict[str, str]()], list[str]()
    while forms[-1] or not seen:
        page = engineer.post(take, data=forms[-1]).text
        seen.append(text_of(page))
        fields = page.partition('id="go-on"')[2].partition("</form>")[0]
        forms.append(dict(re.findall(r'name="(\w+)" value="(\d+)"', fields)))
    assert "2 of 6 messages are done" in seen[0]
    assert "6 rejections were taken" in seen[-1]
    for form in forms:
        engineer.post(take, data=form)
    with psycopg.connect(world.url) as connection:
        counted = connection.execute(
            "select sum(messages_received) from accounting where collector = 'retry'"
        ).fetchone()
        assert counted == (6,)
        assert connection.execute("select sum(taken) from rejected_taken").fetchone() == (6,)


@pytest.mark.parametrize("way", ["command", "page"])
def test_in_portions_too_the_first_is_stored_and_what_came_later_is_another_value(
    fresh: tuple[World, httpx.Client], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    world, engineer = fresh
    text = world.now.isoformat()
    came = [
        ("borough/air-monitor/late-1/reading", b'{"time": "%s", "no2": %d}' % (text.encode(), value), world.now)
        for value in range(1, 6)
    ]
    worlds.collect(collector_options(world.settings), came)
    with connect(world.url, autocommit=True) as connection:
        registry.upsert(connection, [Device("late-1", "air-monitor", "native")])
    if way == "command":
        monkeypatch.setattr(commands, "_PORTION", 2)
        monkeypatch.setattr(commands, "_LISTED", 3)
        monkeypatch.setenv("BOROUGH_DATABASE_URL", world.url)
        assert cli.run(["rejected", "retry", "--device", "late-1"]) == 0
    else:
        monkeypatch.setattr(rejected_portions, "PORTION", 2)
        page = engineer.post(f"{ROOT}/take?device=late-1").text
        assert "5 rejections were taken" in text_of(page)
        assert "4 readings of what was taken have a rejection of their own now" in text_of(page)
    with psycopg.connect(world.url) as connection:
        stored = "select value from public.reading r join personal.series s on s.id = r.series_id"
        assert connection.execute(f"{stored} where s.device_id = 'late-1'".encode()).fetchall() == [(1.0,)]
        left = "select reason, count(*) from public.rejected where device = 'late-1' group by reason"
        assert connection.execute(left).fetchall() == [("conflict", 4)]


def test_what_comes_meanwhile_is_not_taken(fresh: tuple[World, httpx.Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that goes on by itself must end, however many are rejected while it does."""
    world, engineer = fresh
    monkeypatch.setattr(rejected_portions, "PORTION", 2)
    monkeypatch.setattr(rejected_portions, "SECONDS", 0.0)
    form: dict[str, str] = {}
    page = ""
    for _ in range(12):
        # as many come as a portion takes: whoever took these too would never end
        worlds.collect(collector_options(world.settings), [("vendor/v-1", b'{"state": "taken"}', world.now)] * 2)
        page = engineer.post(f"{ROOT}/take?reason=bad_value", data=form).text
        fields = page.partition('id="go-on"')[2].partition("</form>")[0]
        form = dict(re.findall(r'name="(\w+)" value="(\d+)"', fields))
        if not form:
            break
    assert not form
    assert "were rejected again and stay in the list" in text_of(page)


def test_nothing_is_taken_before_the_collector_reads_the_same(fresh: tuple[World, httpx.Client]) -> None:
    world, engineer = fresh
    with connect(world.url, autocommit=True) as collector:
        session_lock.take(collector, ["c-1"])
        session_lock.note(collector, "c-1", format_marks(collector_options(world.settings)))
        (world.mappings / "bay.toml").write_text(RIGHT)
        page = engineer.post(f"{ROOT}/try?reason=bad_value", data={"how": "now"}).text
        assert "Nothing can be taken now." in page
        assert "bay-vendor by c-1" in text_of(page)
        assert f'action="{ROOT}/take' not in page
        answer = engineer.post(f"{ROOT}/take?reason=bad_value")
        assert answer.status_code == 409
        assert "collector c-1 reads the format bay-vendor with another decoder" in text_of(answer.text).replace(
            "C", "c"
        )
        (world.mappings / "bay.toml").write_text(WRONG)
        assert engineer.post(f"{ROOT}/take?reason=bad_value").status_code == 200


def test_a_wrong_setting_is_said_on_the_page(fresh: tuple[World, httpx.Client]) -> None:
    world, engineer = fresh
    (world.mappings / "bay.toml").write_text("name = ")
    for answer in (engineer.get(f"{ROOT}/try"), engineer.post(f"{ROOT}/try", data={"how": "now"})):
        assert "BOROUGH_MAPPINGS" in answer.text
        assert "Traceback" not in answer.text
    assert engineer.post(f"{ROOT}/take").status_code == 409
