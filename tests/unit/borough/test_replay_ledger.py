"""What a replay says should become of each reading, and the ledger that keeps it."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pytest

import borough.replay.ledger as replay_ledger
from borough.replay.ledger import ExpectedOutcome, ReplayLedger
from borough.replay.messages import Outgoing, Reading
from ingest.subscriptions import Subscription
from simulators import ledger
from simulators.ledger import LedgerWriter
from simulators.stream import EXPECTATIONS

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
SECOND = 1_000_000
NOW = START + 400 * 86_400 * SECOND


def fates(*, ordered: bool) -> ExpectedOutcome:
    return ExpectedOutcome(ordered=ordered, earliest=946_684_800 * SECOND, ahead=300)


def reading(value: float, time: int | None = START, name: str = "pm10", verdict: str = "") -> Reading:
    return Reading("a", "air-monitor", name, time, value, verdict)


def test_what_becomes_of_readings() -> None:
    expected = [
        (reading(1), "stored", ""),
        (reading(1), "duplicate", ""),
        (reading(2), "rejected", "conflict"),
        (reading(-1), "rejected", "out_of_range"),
        (reading(10_000.0), "rejected", "conflict"),
        (reading(10_000.0, START + 1), "stored", ""),
        (reading(1, NOW + 301 * SECOND), "rejected", "time_out_of_range"),
        (reading(1, 0), "rejected", "time_out_of_range"),
        (reading(3, None), "stored", ""),
        (reading(math.nan, None, "", "unreadable"), "rejected", "unreadable"),
        (reading(math.nan, None, "", "ignored"), "ignored", ""),
        (reading(5, START + 2, verdict="thinned"), "thinned", ""),
    ]
    for ordered in (True, False):
        judge = fates(ordered=ordered)
        for row, word, reason in expected:
            place, why = judge.predict(row, NOW)
            assert (EXPECTATIONS[place], why) == (word, reason), row
        assert sum(judge.counts.values()) == len(expected)


def test_a_subscription_that_may_restate_is_known_by_the_topic() -> None:
    """The last value counts from then on; without the right, and on other topics, it is a conflict."""
    subscriptions = [Subscription("fixed/{device}", "native"), Subscription("+/{device}", "native", restates=True)]
    for ordered in (True, False):
        judge = ExpectedOutcome(ordered=ordered, earliest=0, ahead=300.0, subscriptions=subscriptions)
        found = []
        for topic, value in [
            ("a/m", 1),
            ("fixed/m", 2),
            ("a/m", 2),
            ("fixed/m", 1),
            ("a/m", 2),
            ("a/m", 1),
            ("b/m", 1),
        ]:
            place, why = judge.predict(reading(value), NOW, restates=judge.restates(topic))
            found.append(EXPECTATIONS[place] + (f" {why}" if why else ""))
        conflict = "rejected conflict"
        assert found == ["stored", conflict, "restated", conflict, "duplicate", "restated", "duplicate"]
        judge.close()
    assert not fates(ordered=True).restates("a/m")


def test_repeats_of_a_recording_are_told_across_time() -> None:
    judge = fates(ordered=False)
    rows = [reading(1), reading(2, START + 5), reading(1), reading(9, START + 5)]
    found = [judge.predict(row, NOW) for row in rows]
    assert [(EXPECTATIONS[place], why) for place, why in found] == [
        ("stored", ""), ("stored", ""), ("duplicate", ""), ("rejected", "conflict"),
    ]  # fmt: skip


def test_what_was_remembered_in_a_file_is_let_go_with_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect
    monkeypatch.setattr(replay_ledger, "_REMEMBERED", 2)

    def watched(name: str, isolation_level: None) -> sqlite3.Connection:
        opened.append(connect(name, isolation_level=isolation_level))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", watched)
    five = [reading(n, START + n) for n in range(5)]
    with ReplayLedger(LedgerWriter(tmp_path / "l.parquet"), fates(ordered=False)) as book:
        book.append(0, [Outgoing(START, "t", b"", five)], [NOW])
    (one,) = opened
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        one.execute("select 1")


def test_the_ledger_holds_every_reading(tmp_path: Path) -> None:
    path = tmp_path / "l.parquet"
    with ReplayLedger(LedgerWriter(path), fates(ordered=True)) as book:
        two = [reading(1), reading(-1, name="pm1")]
        book.append(
            0, [Outgoing(START, "t", b"", two), Outgoing(START + 7, "t", b"", [reading(5, None)])], [NOW, NOW + 1]
        )
    (rows,) = ledger.read([path])
    assert rows.message.tolist() == [0, 0, 1]
    assert [rows.properties[code] for code in rows.property] == ["pm10", "pm1", "pm10"]
    assert rows.time.tolist() == [START, START, ledger.NO_TIME]
    assert rows.due.tolist() == [START, START, START + 7]
    assert rows.published.tolist() == [NOW, NOW, NOW + 1]
    assert rows.stored_time.tolist() == [START, ledger.NO_TIME, NOW + 1]
    assert [rows.reasons[code] for code in rows.reason] == ["", "out_of_range", ""]
    assert rows.tolerance.tolist() == [0, 0, 60 * SECOND]
    assert book.readings == 3
