"""What was told of simulated emergencies, scored by the truth beside the ledger."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from borough.scoring.homes import HomesScore, compare, score_homes
from borough.simulate import Asked, simulation_of, write_truth
from simulators import home_truth_file
from simulators.home_truth_file import ToldHomes
from simulators.ledger import LedgerWriter
from simulators.movement_life import Spans
from simulators.movement_truth import truth_of
from simulators.run import dry_run
from simulators.truth_table import TruthError
from store import registry
from store.connect import connect
from store.scoring import RecordedAlerts
from store.times import instant
from tests.tools.site import make_home

HOUR = 3_600_000_000
NEVER = np.iinfo(np.int64).max
FLEET = """
name = "homes"
start = 2026-02-02T00:00:00Z
days = 8
[movement-sensor]
count = 60
rooms = ["hall", "kitchen", "door"]
emergencies = 1
"""


def truth(folder: Path) -> tuple[Path, ToldHomes]:
    fleet, ledger = folder / "homes.toml", folder / "homes.parquet"
    fleet.write_text(FLEET)
    simulation = simulation_of(Asked(fleet, None, None, None, None, 1))
    with LedgerWriter(ledger) as writer:
        dry_run(simulation, writer, lambda _: None)
    write_truth(simulation, simulation.span[1], ledger)
    return ledger, home_truth_file.read(home_truth_file.beside(ledger))


def test_a_truth_of_homes_is_that_of_the_simulation_and_the_same_bytes_again(tmp_path: Path) -> None:
    ledger, told = truth(tmp_path)
    path = home_truth_file.beside(ledger)
    simulation = simulation_of(Asked(tmp_path / "homes.toml", None, None, None, None, 1))
    assert simulation.fleet is not None
    true = truth_of(simulation.fleet, *simulation.span)
    assert (told.homes, told.start, told.end) == (list(true.homes), *simulation.span)
    assert len(told.emergencies.home) > 5
    for mine, other in ((told.emergencies, true.emergencies), (told.hospital, true.hospital)):
        assert all((one == two).all() for one, two in zip(mine, other, strict=True))
    assert told.sensors == [(one.id, place // 3) for place, one in enumerate(simulation.devices["movement-sensor"])]
    rows = pq.read_table(path).to_pydict()
    assert [one for one, what in zip(rows["people"], rows["what"], strict=True) if what == "home"] == [1] * 60
    assert {"away", "visitor"} <= set(rows["what"])
    before = path.read_bytes()
    write_truth(simulation, simulation.span[1], ledger)
    assert path.read_bytes() == before
    # what is none is told by its name
    path.write_bytes(before[:-9])
    with pytest.raises(TruthError, match=r"homes\.homes"):
        home_truth_file.read(path)


def test_alerts_are_found_told_or_false() -> None:
    spans = [(0, 10, 20), (1, 30, 40), (2, 10, 20), (3, 90, 99)]
    away = Spans(np.array([0]), np.array([20 * HOUR]), np.array([50 * HOUR]))
    told = ToldHomes(["a", "b", "c", "d"], [], 0, 100 * HOUR, _spans(spans), away)
    # home, noted, ended, in shadow: within; of the hospital; of another time; before, and it stands; too late
    rows = [(0, 12, 21, False), (0, 30, 31, False), (1, 10, 20, False), (1, 25, NEVER // HOUR, True), (0, 60, 61, True)]
    home, noted, ended, shadow = (np.array(column) for column in zip(*rows, strict=True))
    recorded = RecordedAlerts(home, noted * HOUR, ended * HOUR, shadow, {0, 1, 3})
    found = HomesScore()
    compare(found, told, recorded, 80 * HOUR)
    # the last home's has not begun yet, the third home is nobody's
    assert found.document() == {
        "emergencies": {"true": 2, "found": 2, "told": 1, "unwatched": 1},
        "false": 2,
        "delay_hours": 1.0,
    }


def _spans(rows: list[tuple[int, int, int]]) -> Spans:
    home, start, end = (np.array(column) for column in zip(*rows, strict=True))
    return Spans(home, start * HOUR, end * HOUR)


def test_emergencies_are_compared_with_what_is_in_the_tables(database: str, tmp_path: Path) -> None:
    ledger, told = truth(tmp_path)
    simulation = simulation_of(Asked(tmp_path / "homes.toml", None, None, None, None, 1))
    alone = {home: place for place, home in enumerate(told.emergencies.home.tolist())}
    (one, first), (two, second), *_ = alone.items()
    quiet = next(home for home in range(60) if home not in told.emergencies.home)
    with connect(database, autocommit=True) as connection:
        assert score_homes(connection, [tmp_path / "none.parquet"], told.end) is None
        registry.upsert(connection, simulation.registered())
        for number, home in enumerate((one, two, quiet)):
            own, tenancy = 10_000_000_000_000 + number, 20_000_000_000_000 + number
            make_home(connection, home_id=own, tenancy_id=tenancy, uprn=str(100_000_000_000 + number))
            for device, place in told.sensors:
                if place == home:
                    connection.execute(
                        "insert into personal.home_sensor (device_id, from_day, home_id) values (%s, '2020-01-01', %s)",
                        (device, own),
                    )
            begun = instant(int(told.emergencies.start[first if home == one else second]))
            # of the first home a spell that nobody was told of, of the second one a silent sensor, of the third a spell
            connection.execute(
                "insert into personal.quiet_alert (tenancy_id, home_id, kind, since, noted_at, ended_at, shadow)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                (tenancy, own, "silent" if home == two else "quiet", begun - timedelta(hours=1),
                 begun + timedelta(minutes=3), begun + timedelta(days=3), home == one),
            )  # fmt: skip
        found = score_homes(connection, [ledger], told.end)
    assert found is not None
    assert (found.found, found.told, found.false) == (1, 0, 1)
    assert found.delay == pytest.approx([0.05])
    watched = int(np.isin(told.emergencies.home, (one, two)).sum())
    assert (found.true, found.unwatched) == (watched, len(told.emergencies.home) - watched)
    assert json.dumps(found.document())
