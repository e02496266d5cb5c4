"""The score of a run that goes on: what may be on its way is open, what was overtaken is lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from borough.replay.ledger import ExpectedOutcome, ReplayLedger
from borough.replay.messages import Outgoing, Reading
from borough.scoring.reconcile import reconcile, survey
from simulators.ledger import LedgerWriter
from store.connect import connect
from tests.tools.batches import HALF_HOUR, T0
from tests.tools.restating import SUBSCRIPTIONS, Restated

SECOND = 1_000_000


class Run:
    """Readings of one meter that went out some seconds ago, and what of it has come."""

    def __init__(self, url: str, path: Path) -> None:
        self.url, self.path = url, path
        self.world = Restated(url)
        self.now = self.world.arrival = time.time_ns() // 1000

    def play(self, readings: Sequence[tuple[int, float, bool]]) -> None:
        """``readings``: how long ago each went out [s], its value (10,000 is none of a meter), whether it has come."""
        fates = ExpectedOutcome(ordered=False, earliest=0, ahead=300.0, subscriptions=SUBSCRIPTIONS)
        with ReplayLedger(LedgerWriter(self.path), fates) as book:
            for number, (ago, value, come) in enumerate(readings):
                sent = self.now - ago * SECOND
                moment = T0 + number * HALF_HOUR
                if come:
                    self.world.send("estimates", moment, import_interval=value)
                reading = Reading("m1", "smart-meter", "import_interval", moment, value)
                book.append(number, [Outgoing(sent, "estimates/m1", b"", [reading])], [sent])
        self.world.commit()
        self.world.close()

    def score(self, **options: Any) -> dict[str, Any]:
        with connect(self.url) as connection:
            return reconcile(connection, [self.path], survey([self.path]), **options).document()


def counts(score: dict[str, Any]) -> dict[str, int]:
    words = ("published", "stored", "open", "lost", "rejected", "wrong_value", "wrong_time", "rejected_unexpectedly")
    return {word: score[word] for word in words if score.get(word)}


def test_what_went_out_after_the_last_that_is_stored_is_open(database: str, tmp_path: Path) -> None:
    run = Run(database, tmp_path / "l.parquet")
    run.play([(60, 0.1, True), (50, 0.2, False), (25, 0.3, False), (20, 0.4, True), (15, 0.5, False), (1, 0.6, False)])
    so_far = run.score(so_far=True)
    assert so_far["so_far"] is True
    assert counts(so_far) == {"published": 6, "stored": 2, "open": 3, "lost": 1}
    assert so_far["families"]["smart-meter"]["open"] == 3
    assert len(so_far["examples"]) == 1, "what is open is no example of anything"
    over = run.score()
    assert "so_far" not in over
    assert counts(over) == {"published": 6, "stored": 2, "lost": 4}


def test_nothing_is_lost_before_anything_has_come(database: str, tmp_path: Path) -> None:
    run = Run(database, tmp_path / "l.parquet")
    run.play([(600, 0.1, False), (500, 1_000_000.0, False)])
    assert counts(run.score(so_far=True)) == {"published": 2, "open": 2}
    assert counts(run.score()) == {"published": 2, "lost": 2}


def test_a_rejection_that_has_not_come_is_open_likewise(database: str, tmp_path: Path) -> None:
    run = Run(database, tmp_path / "l.parquet")
    run.play([(60, 1_000_000.0, False), (20, 0.2, True), (12, 1_000_000.0, False), (11, 1_000_000.0, True)])
    so_far = counts(run.score(so_far=True))
    assert so_far.pop("rejected") == 1
    assert so_far == {"published": 4, "stored": 1, "open": 2}, "which of the three has come nobody can tell"
    assert counts(run.score())["lost"] == 2
