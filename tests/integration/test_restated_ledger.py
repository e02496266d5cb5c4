"""A replay of restated half-hours: its ledger says what should become of each, and the score finds it so."""

from __future__ import annotations

import time
from pathlib import Path

from borough.replay.ledger import ExpectedOutcome, ReplayLedger
from borough.replay.messages import Outgoing, Reading
from borough.scoring.reconcile import reconcile, survey
from borough.scoring.result import Score
from simulators.ledger import LedgerWriter
from store.connect import connect
from tests.tools.batches import HALF_HOUR, T0
from tests.tools.restating import SUBSCRIPTIONS, Restated

SENT = [
    ("settled", 0, 1.0, "stored"),
    ("estimates", 1, 1.0, "stored"),
    ("settled", 0, 2.0, "restated"),
    ("estimates", 0, 1.0, "rejected"),
    ("settled", 0, 2.0, "duplicate"),
    ("revised", 0, 1.0, "restated"),
    ("revised", 1, 3.0, "restated"),
]


def replayed(url: str, path: Path) -> Score:
    world = Restated(url)
    # published before they are counted, as always: the account is read from the first one's minute on
    world.arrival = time.time_ns() // 1000 - 60_000_000
    with ReplayLedger(
        LedgerWriter(path), ExpectedOutcome(ordered=False, earliest=0, ahead=300.0, subscriptions=SUBSCRIPTIONS)
    ) as ledger:
        for number, (source, place, value, _) in enumerate(SENT):
            moment = T0 + place * HALF_HOUR
            reading = Reading("m1", "smart-meter", "import_interval", moment, value)
            world.send(source, moment, import_interval=value)
            sent = world.arrival
            ledger.append(number, [Outgoing(sent, f"{source}/m1", b"", [reading])], [sent])
            if number == 3:
                world.commit()
        world.commit()
        assert {word: count for word, count in ledger.fates.counts.items() if count} == {
            "stored": 2, "restated": 3, "rejected": 1, "duplicate": 1,
        }  # fmt: skip
    world.close()
    with connect(url) as connection:
        return reconcile(connection, [path], survey([path]))


def test_every_reading_is_where_the_ledger_says(database: str, tmp_path: Path) -> None:
    score = replayed(database, tmp_path / "ledger.parquet")
    assert {word: count for word, count in score.families["smart-meter"].items() if count} == {
        "published": 7, "stored": 2, "restated": 3, "duplicates": 1, "rejected": 1,
    }  # fmt: skip


def test_a_restated_value_that_is_not_there_is_wrong(database: str, tmp_path: Path) -> None:
    replayed(database, tmp_path / "ledger.parquet")
    with connect(database) as connection:
        connection.execute("update reading set value = 2.0 where value = 3.0")
        connection.commit()
        path = tmp_path / "ledger.parquet"
        score = reconcile(connection, [path], survey([path]))
    assert score.families["smart-meter"]["wrong_value"] == 2
