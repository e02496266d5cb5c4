"""The time zone of stored days: kept with them, another one refused, and changed only on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.neighbours.runner import run
from borough.cli import run as borough
from devices.homes import FUELS
from store import daily
from store.connect import connect
from tests.tools.load import ask
from tests.worlds.homes import homes_csv
from tests.worlds.neighbourhood import OPTIONS, Street, at

MONDAY = date(2026, 8, 3)
NEW_YORK = ZoneInfo("America/New_York")
TOLD = "select * from personal.comparison order by tenancy_id, kind, from_day, fuel"
LATER = at(MONDAY + timedelta(days=40))


@pytest.fixture
def street(each_database: str) -> Street:
    made = Street(each_database, 3)
    made.build(MONDAY, 14)
    made.analyse(LATER)
    return made


def days(street: Street) -> dict[str, np.ndarray]:
    """What is stored of all homes."""
    with connect(street.url) as connection:
        return {
            fuel: daily.read_days(connection, fuel, MONDAY - timedelta(7), MONDAY + timedelta(28)).watt_hours
            for fuel in FUELS
        }


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[fuel], other[fuel]) for fuel in FUELS)


def late(street: Street) -> object:
    return ask(street.url, "select count(*) from personal.comparison_late")[0][0]


def test_another_zone_changes_no_day(street: Street) -> None:
    before = days(street)
    with connect(street.url) as connection:
        # as after a correction: what is computed again is computed in the zone that the run was given
        connection.execute("insert into personal.touched_home (home_id) select id from personal.home")
    with pytest.raises(daily.OtherZone, match="are of Europe/London, not of America/New_York"):
        street.analyse(LATER, zone=NEW_YORK)
    assert same(days(street), before)
    assert late(street) == 0
    assert street.analyse(LATER).days == 0, "the next run in the right zone goes on"


def test_a_zone_that_is_meant_computes_all_days_again_and_back(street: Street) -> None:
    before, told = days(street), ask(street.url, TOLD)
    assert told
    with connect(street.url) as connection:
        done = run(connection, replace(OPTIONS, zone=NEW_YORK), LATER, change_zone=True)
    assert done.days > 0
    assert not same(days(street), before)
    with pytest.raises(daily.OtherZone):
        street.analyse(LATER)
    with connect(street.url) as connection:
        run(connection, OPTIONS, LATER, change_zone=True)
    assert ask(street.url, TOLD) == told
    assert same(days(street), before)


@pytest.mark.parametrize(
    "command",
    [
        ["analyse"],
        ["analyse", "--watch", "60"],
        ["explain", "1", "2026-W32"],
        ["letters", "--period", "2026-W32", "--out", "{folder}/letters"],
        ["homes", "import", "{folder}/homes.csv"],
        ["homes", "status"],
        ["bays", "import", "--from-devices"],
        ["subject", "{tenancy}", "--json"],
        ["erase", "{tenancy}", "--yes"],
        ["erase", "{tenancy}", "--dry-run"],
        ["erase", "--again"],
        ["serve"],
    ],
    ids=" ".join,
)
def test_every_command_that_needs_days_refuses_another_zone(
    database: str,
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    street = Street(database, 3)
    street.build(MONDAY, 7)
    street.analyse(LATER)
    _, tenancy = street.ids(1, MONDAY)
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "log").write_text("")
    (tmp_path / "homes.csv").write_bytes(homes_csv([street.row(1)]))
    for name, value in {
        "DATABASE_URL": database, "TIME_ZONE": "America/New_York", "WEB_PORT": "0", "COUNCIL_ADDRESS": "Town Hall",
        "TOMBSTONE_KEY_FILE": str(tmp_path / "key"), "TOMBSTONE_LOG": str(tmp_path / "log"),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"BOROUGH_{name}", value)
    before = days(street)
    assert borough([part.format(folder=tmp_path, tenancy=tenancy) for part in command]) == 1
    said = capsys.readouterr().err
    assert "BOROUGH_TIME_ZONE is America/New_York, but the stored days of homes are of Europe/London" in said
    assert "borough analyse --change-zone" in said
    assert same(days(street), before)
