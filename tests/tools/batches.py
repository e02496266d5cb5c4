"""Batches as the collector would seal them, made from plain rows, and what the tables then hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from store import accounting
from store.batch import Batch, Counts, Outcome, Rejected, TouchedDay
from store.connect import connect
from store.times import instant
from tests.tools import kept

T0 = 1_769_904_000_000_000  # 2026-02-01T00:00:00Z [us], a Sunday: chunks begin on Thursdays
HALF_HOUR = 1_800_000_000
DAY = 86_400_000_000
#: Even series are bays, odd ones meters.
FAMILIES = ("parking-bay", "smart-meter")

Row = tuple[int, int, float]  # series, time [us], value


def make(
    rows: Sequence[Row],
    number: int = 1,
    late: Sequence[Row] = (),
    *,
    touched: Sequence[TouchedDay] | None = None,
    **changes: Any,
) -> Batch:
    """A batch of rows with unique keys, each a message of its own; ``late`` ones follow a keep rule of half-hours.

    ``touched``: notes of their days, in place of those that name no series.
    """
    every = sorted([*((*row, 0) for row in rows), *((*row, HALF_HOUR) for row in late)])
    series = np.array([row[0] for row in every], np.int32)
    time = np.array([row[1] for row in every], np.int64)
    newest = sorted({row[0]: row for row in every}.values())
    counts = {name: Counts() for name in FAMILIES}
    for row in every:
        counts[FAMILIES[row[0] % 2]].add(Counts(1, 1, 0, 0, 1))
    batch = Batch(
        number=number,
        collector="c1",
        minute=T0,
        families=FAMILIES,
        series=series,
        time=time,
        value=np.array([row[2] for row in every], np.float64),
        family=(series % 2).astype(np.uint8),
        thin=np.array([row[3] for row in every], np.int64),
        message=np.arange(len(every), dtype=np.int32),
        latest_series=np.array([row[0] for row in newest], np.int32),
        latest_time=np.array([row[1] for row in newest], np.int64),
        latest_value=np.array([row[2] for row in newest], np.float64),
        touched=sorted({TouchedDay(FAMILIES[row[0] % 2], instant(row[1]).date()) for row in every})
        if touched is None
        else touched,
        counts=counts,
        rejected=[],
        sequences=[],
        remember=[],
        forget=[],
        conflicts=lambda rows: [
            rejection(device=f"d{series[row]}", reason="conflict", detail=str(time[row])) for row in rows
        ],
    )
    return replace(batch, **changes)


def rejection(
    device: str | None = "d1",
    reason: str = "unreadable",
    detail: str = "not JSON",
    topic: str = "a/b",
    payload: bytes = b"\x00\xffbytes",
    personal: bool = False,
    arrival: int = T0,
) -> Rejected:
    """A rejected message of a parking bay."""
    return Rejected(arrival, topic, "parking-bay", device, None, reason, detail, payload, personal, None)


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return kept.rows(url, text)


def stored(url: str) -> dict[tuple[int, int], float]:
    """The table ``reading``."""
    rows = query(url, "select series_id, (extract(epoch from time) * 1000000)::int8, value from reading")
    return {(series, time): value for series, time, value in rows}


def totals(url: str) -> dict[str, Counts]:
    """The table ``accounting``, by family."""
    with connect(url) as connection:
        return accounting.totals(connection)


def fates(outcome: Outcome) -> tuple[int, int, int, int]:
    """Stored, duplicates, conflicts, thinned, over all families; the account adds up."""
    total = Counts()
    for count in outcome.counts.values():
        total.add(count)
    assert total.adds_up()
    return total.readings_stored, total.readings_duplicates, total.readings_rejected, total.readings_thinned
