"""An upgrade: a database of the first release, and one of the release before, filled and migrated, lose nothing.

The rows are written with the columns of revision 0001, as that release wrote them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine

from devices.families import FAMILIES
from store import arrays, migrations
from store.connect import connect
from tests.tools.program import BOROUGH, environment
from tests.tools.servers import Cluster

_ALEMBIC = Path(migrations.__file__).parent / "alembic"
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
#: Half-hours of the meter and of the monitor; the last of each is what `latest` knows.
COUNT = 48 * 14
DEVICES = [
    ("air-1", "air-monitor", "native", False, {"street": "Alder Street"}),
    ("bay-1", "parking-bay", "native", False, {"street": "Dock Street", "zone": "A"}),
    ("meter-1", "smart-meter", "native", True, {"interval": "PT30M"}),
    ("hall-1", "movement-sensor", "native", True, {}),
]
SERIES = [
    ("air-1", "no2", False), ("air-1", "pm2_5", False), ("bay-1", "occupied", False),
    ("meter-1", "import_interval", True), ("hall-1", "motion", True),
]  # fmt: skip


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(_ALEMBIC).replace("%", "%%"))
    return ScriptDirectory.from_config(config)


def _upgrade_to(url: str, revision: str) -> None:
    """What the release whose newest revision this is did at its `borough migrate`."""
    config = Config()
    config.set_main_option("script_location", str(_ALEMBIC).replace("%", "%%"))
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connect(url, "an older release"), poolclass=NullPool
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def _before_head() -> str:
    script = _scripts()
    head = script.get_revision(migrations.head())
    assert isinstance(head.down_revision, str)
    return head.down_revision


def _value(series: int, number: int) -> float:
    return float((series * 7 + number) % 2) if series in (3, 5) else round(0.125 * series + 0.001 * (number % 977), 3)


def _fill(url: str) -> None:
    """Two weeks of an open monitor, a bay and a home, rejections and accounts, in the first release's words."""
    rows = [
        (series, BEGIN + timedelta(minutes=30 * number), _value(series, number))
        for series in range(1, len(SERIES) + 1)
        for number in range(COUNT)
    ]
    with connect(url) as connection:
        cursor = connection.cursor()
        for family in FAMILIES.values():
            for item in family.properties.values():
                connection.execute(
                    "insert into public.property values (%s, %s, %s, %s, %s)",
                    (family.name, item.name, item.unit, item.kind, item.personal),
                )
        cursor.executemany(
            "insert into personal.device (id, family, model, origin, personal, lon, lat, attributes) "
            "values (%s, %s, %s, 'real', %s, -0.08, 51.5, %s::jsonb)",
            [(*device[:4], json.dumps(device[4])) for device in DEVICES],
        )
        cursor.executemany("insert into personal.series (device_id, property, personal) values (%s, %s, %s)", SERIES)
        with cursor.copy("copy public.reading (series_id, time, value) from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute(
            "insert into public.latest select distinct on (series_id) series_id, time, value, time from public.reading "
            "order by series_id, time desc"
        )
        days = [(family, (BEGIN + timedelta(days=day)).date()) for day in range(14) for _, family, *_ in DEVICES]
        cursor.executemany("insert into public.touched_day (family, day) values (%s, %s)", days)
        cursor.executemany(
            "insert into public.rejected (arrival, topic, family, device, property, reason, detail) "
            "values (%s, %s, %s, %s, %s, %s, %s)",
            [
                (BEGIN, "borough/air-monitor/air-1/reading", "air-monitor", "air-1", None, "unreadable", "not JSON"),
                (BEGIN, "borough/smart-meter/meter-9/reading", "unknown", "meter-9", None, "unknown_device", ""),
            ],
        )
        connection.execute(
            "insert into public.rejected_bytes select id, '{' from public.rejected where device = 'air-1'"
        )
        connection.execute(
            "insert into personal.rejected_bytes select id, '{}' from public.rejected where device = 'meter-9'"
        )
        connection.execute(
            "insert into public.accounting (minute, collector, family, messages_received, messages_decoded, "
            "messages_rejected, readings_decoded, readings_stored) values (%s, 'borough-collector', 'air-monitor', "
            "%s, %s, 1, %s, %s)",
            (BEGIN, COUNT + 1, COUNT, 2 * COUNT, 2 * COUNT),
        )
        connection.execute("insert into public.sequence values ('air-1', 1, %s, %s, %s)", (COUNT, BEGIN, BEGIN))
        connection.execute("insert into public.collector (name, batch) values ('borough-collector', 7)")


def _borough(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BOROUGH, *arguments],
        env=environment({"BOROUGH_DATABASE_URL": url}),
        capture_output=True,
        text=True,
        timeout=600,
    )


def _json(url: str, *arguments: str) -> Any:
    said = _borough(url, *arguments, "--json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


@pytest.fixture(params=["the first release", "the release before"])
def old(request: pytest.FixtureRequest, timescale: Cluster) -> Iterator[str]:
    """URL of a filled database of an older release."""
    name = timescale.create(migrated=False)
    url = timescale.url(name)
    _upgrade_to(url, "0001")
    _fill(url)
    if request.param == "the release before":
        _upgrade_to(url, _before_head())
    yield url
    timescale.drop(name)


def test_nothing_is_lost_and_everything_goes_on(old: str) -> None:
    refused = _borough(old, "devices", "list")
    assert refused.returncode == 1
    assert "borough migrate" in refused.stderr

    assert _json(old, "migrate") is not None
    assert migrations.current(old) == migrations.head()
    assert _borough(old, "migrate").returncode == 0  # and once more changes nothing

    with connect(old) as connection:
        counted = connection.execute(
            "select series_id, count(*), sum(value) from reading group by 1 order by 1"
        ).fetchall()
        assert [row[:2] for row in counted] == [(series, COUNT) for series in range(1, 6)]
        for series, _, total in counted:
            assert total == pytest.approx(sum(_value(series, number) for number in range(COUNT)))
        begin = int(BEGIN.timestamp()) * 1_000_000
        got = arrays.read_series(connection, [2], begin, begin + 14 * 86_400_000_000)
        np.testing.assert_array_equal(got.values, [_value(2, number) for number in range(COUNT)])
        assert connection.execute("select distinct device from observation order by 1").fetchall() == [
            ("air-1",),
            ("bay-1",),
        ]
        seen = connection.execute("select distinct device from personal.observation order by 1").fetchall()
        assert seen == [("hall-1",), ("meter-1",)]
        row = connection.execute("select sum(messages_received), sum(readings_stored) from accounting").fetchone()
        assert row == (COUNT + 1, 2 * COUNT)

    assert {device["device_id"] for device in _json(old, "devices", "list")} == {device[0] for device in DEVICES}
    assert {rejection["reason"] for rejection in _json(old, "rejected", "list")["rejected"]} == {
        "unreadable",
        "unknown_device",
    }
    # what the first release noted as touched is computed by this one, of days of its own tables
    analysed = _borough(old, "analyse", "--json")
    assert analysed.returncode == 0, analysed.stderr
    with connect(old) as connection:
        assert connection.execute("select count(*) from touched_day where family = 'smart-meter'").fetchone() == (0,)


def test_every_revision_follows_one_other() -> None:
    """One line from the first to the newest: a database of any release has one way to this one."""
    script = _scripts()
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert len(list(script.walk_revisions())) == len(list((_ALEMBIC / "versions").glob("r[0-9]*.py")))
