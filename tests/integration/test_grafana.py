"""The dashboards: as their builder makes them; every query on the real schema with the rights of Grafana."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from scripts import grafana
from store import alarms, flow
from store.connect import connect
from store.flow import Figures, Minute
from tests.tools.grafana import FOLDER, Asked, boards, expand, queries, variables
from tests.tools.servers import Cluster
from tests.worlds import parking_board

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
SQL = [one for one in queries() if one.sql]


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    """Something of all that is shown."""
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        parking_board.town(connection, NOW)
        parking_board.weeks(connection, NOW.date())
        connection.execute(
            "insert into public.accounting (minute, collector, family, messages_received, messages_rejected,"
            " readings_stored) select %s - n * interval '1 minute', 'a', 'car-park', 10, 1, 9"
            " from generate_series(0, 9) n",
            (NOW,),
        )
        connection.execute("insert into public.rejection_minute values (%s, 'a', 'car-park', 'bad_time', 10)", (NOW,))
        connection.execute(
            "insert into public.absence values ('a', %s, 'car-park', %s, %s, 5, 5)",
            (NOW, NOW - timedelta(hours=1), NOW),
        )
        connection.execute(
            "insert into public.zone_forecast values ('Zone A', 15, %s, 0.5, 0.1, 0.2, 0.2, true, %s, 28)",
            (NOW, NOW.date()),
        )
        flow.note(
            connection, "a", Figures([Minute(int(NOW.timestamp() * 1e6), 1, 10, 0.1, 0.1, 0.05, broker_dropped=2)])
        )
        alarms.looked(connection, NOW)
        alarms.add(connection, alarms.Alarm(None, "silent", "car-park", "urgent", "quiet", "", NOW, NOW))
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def reader(database: str) -> Iterator[psycopg.Connection[Any]]:
    """Grafana: the role borough_open and no more."""
    with psycopg.connect(database, autocommit=True) as found:
        found.execute("set role borough_open")
        found.execute("set timezone = 'UTC'")
        yield found


@pytest.mark.parametrize("one", SQL, ids=lambda one: f"{one.board}: {one.panel}")
@pytest.mark.parametrize(("interval", "buckets"), [("15m", True), ("1h", False)])
def test_every_query_runs_with_the_rights_of_open_data_and_shows_something(
    reader: psycopg.Connection[Any], one: Asked, interval: str, buckets: bool
) -> None:
    assert "personal." not in one.sql
    start, end = NOW - timedelta(days=10), NOW + timedelta(minutes=1)
    sql = expand(one.sql, start, end, interval, variables(boards()[one.board]), timescale=buckets)
    cursor = reader.execute(sql)
    rows = cursor.fetchall()
    assert rows, sql
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    if one.form == "table":
        return
    assert one.form == "time_series"
    assert names[0] == "time"
    times = [row[0] for row in rows]
    assert times == sorted(times)
    for name, value in zip(names[1:], rows[0][1:], strict=True):
        assert isinstance(value, str if name == "metric" else (int, float, Decimal, type(None))), name
    if "metric" not in names:
        assert len(set(times)) == len(times)


def test_the_numbers_are_right(reader: psycopg.Connection[Any]) -> None:
    def rows(panel: str) -> list[tuple[Any, ...]]:
        (one,) = (one for one in SQL if one.panel == panel and one.board != "borough-collectors")
        sql = expand(one.sql, NOW - timedelta(days=10), NOW, "1d", variables(boards()[one.board]), timescale=False)
        return reader.execute(sql).fetchall()

    received = sum(value for _, family, value in rows("Messages received") if family == "car-park")
    assert received == 100
    assert sum(value for _, _, value in rows("Rejections")) == 10
    shown = {(at, zone): value for at, zone, value in rows("Occupancy")}
    assert all(0 <= value <= 1 for value in shown.values())
    # as the record's own bytes have it, by days (UTC) that are whole
    expected: dict[tuple[int, str], list[int]] = {}
    for zone, day, quarters in reader.execute("select zone, day, quarters from public.zone_day").fetchall():
        row = reader.execute("select %s::timestamp at time zone 'Europe/London'", (day,)).fetchone()
        assert row is not None
        for place in range(len(quarters) // 16):
            at = row[0] + place * timedelta(minutes=15)
            occupied, free = (int.from_bytes(quarters[place * 16 + n : place * 16 + n + 4], "big") for n in (0, 4))
            if NOW - timedelta(days=10) <= at <= NOW and occupied + free:
                sums = expected.setdefault((int(at.timestamp()) // 86_400 * 86_400, zone), [0, 0])
                sums[0] += occupied
                sums[1] += occupied + free
    assert {key: pytest.approx(occupied / known) for key, (occupied, known) in expected.items()} == {
        (int(at), zone): value for (at, zone), value in shown.items()
    }


def test_they_are_as_their_builder_makes_them_and_the_sdk_reads_them() -> None:
    register_default_plugins()
    assert boards().keys() == {f"borough-{name}" for name in grafana.BOARDS}
    for name, make in grafana.BOARDS.items():
        kept = (FOLDER / f"dashboards/borough-{name}.json").read_text()
        assert kept == grafana.text(make()), "run: python -m scripts.grafana"
        read = json.loads(json.dumps(Dashboard.from_json(json.loads(kept)), cls=JSONEncoder))
        assert [panel["title"] for panel in read["panels"]] == [panel["title"] for panel in json.loads(kept)["panels"]]
        assert [panel["targets"] for panel in read["panels"]] == [
            panel["targets"] for panel in json.loads(kept)["panels"]
        ]


def test_sources_and_folder_are_those_that_are_provisioned() -> None:
    given = yaml.safe_load((FOLDER / "provisioning/datasources/borough.yml").read_text())["datasources"]
    kinds = {one["uid"]: one["type"] for one in given}
    for board in boards().values():
        assert re.fullmatch(r"borough-[a-z]+", board["uid"])
        for panel in board["panels"]:
            for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
                assert kinds[source["uid"]] == source["type"]
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/borough.yml").read_text())["providers"]
    page = (FOLDER.parents[1] / "docs/how-to/be-woken.md").read_text()
    assert provider["options"]["path"] in page


def test_no_two_panels_overlap() -> None:
    for name, board in boards().items():
        cells: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            mine = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert place["x"] + place["w"] <= 24, (name, panel["title"])
            assert not mine & cells, (name, panel["title"])
            cells |= mine


@pytest.mark.parametrize("sql", ["select $__unixEpochFilter(x)", "select $family", "select $__timeGroup(x, soon)"])
def test_a_macro_or_variable_that_is_none_is_told(sql: str) -> None:
    with pytest.raises(ValueError, match=r"no macro|left|no interval"):
        expand(sql, NOW, NOW, "1m", {}, timescale=True)
