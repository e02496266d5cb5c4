"""The proof of completeness: what the store knows and what the arrays show, put together to a verdict by device."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.pipeline.completeness import DAY, balance, cells, disagrees, number_gaps
from devices.counts import counted
from devices.duration import duration
from devices.families import FAMILIES
from devices.models import UNACKNOWLEDGED, model_of
from store import arrays, completeness
from store.completeness import Known, Runs, Series
from store.connect import Connection
from store.times import instant, microseconds

Verdict = Literal["complete", "gaps", "cannot know"]

#: The rhythm of properties of kind `interval` where the device's attribute says nothing [us]: half an hour.
_INTERVAL = 1_800_000_000
#: Devices whose series are looked up together.
_PORTION = 500


@dataclass(slots=True)
class DayProof:
    """One device and day (UTC). ``expected`` and ``present``: readings of its rhythm; ``missing_numbers``: messages
    that lack between two that came; ``difference``: register minus intervals, in the register's unit, where both are.
    """

    day: date
    expected: int = 0
    present: int = 0
    missing_numbers: int = 0
    difference: float | None = None
    disagrees: bool = False

    @property
    def gap(self) -> bool:
        """Whether something of this day is missing."""
        return self.present < self.expected or self.missing_numbers > 0 or self.disagrees


@dataclass(slots=True)
class DeviceProof:
    """What is known of one device, and why."""

    device: str
    family: str
    verdict: Verdict
    because: str
    days: list[DayProof] = field(default_factory=list)


def prove(
    connection: Connection, start: int, end: int, family: str | None = None, device: str | None = None
) -> Iterator[DeviceProof]:
    """Judge every device that was in service between two midnights [us], by id. Raises psycopg.Error."""
    known = in_service(connection, start, family, device)
    for first in range(0, len(known), _PORTION):
        yield from prove_some(connection, known[first : first + _PORTION], start, end)


def in_service(connection: Connection, start: int, family: str | None = None, device: str | None = None) -> list[Known]:
    """The devices that were not retired before ``start`` [us], by id. Raises psycopg.Error."""
    return [
        item
        for item in completeness.devices(connection, family, device)
        if item.retired_at is None or microseconds(item.retired_at) > start
    ]


def prove_some(connection: Connection, portion: Sequence[Known], start: int, end: int) -> Iterator[DeviceProof]:
    """Judge some devices between two midnights [us], in their order, for a proof in pieces. Raises psycopg.Error."""
    ids = [item.id for item in portion]
    every = completeness.series(connection, ids)
    runs = completeness.runs(connection, ids)
    for item in portion:
        yield _judge(connection, item, every.get(item.id, []), runs.get(item.id), start, end)


def _judge(
    connection: Connection, device: Known, series: Sequence[Series], runs: Runs | None, start: int, end: int
) -> DeviceProof:
    days = [DayProof(instant(start + number * DAY).date()) for number in range(-(-(end - start) // DAY))]
    if device.retired_at is not None:
        end = min(end, microseconds(device.retired_at))
    restarted = False
    if runs is not None:
        gaps = number_gaps(*runs)
        restarted = gaps.restarted
        for missing, after, before in zip(*(part.tolist() for part in gaps[:3]), strict=True):
            if before >= start and after < end:
                days[max(0, (after - start) // DAY)].missing_numbers += missing
    rhythm = _rhythm(connection, device, series, days, start, end)
    proof = DeviceProof(device.id, device.family, "complete", "", days)
    gap = any(day.gap for day in days)
    if gap and UNACKNOWLEDGED.issuperset(model_of(device.model).formats):
        proof.verdict, proof.because = (
            "cannot know",
            "the way upstream is QoS 0: what is missing may never have been sent",
        )
    elif gap:
        proof.verdict, proof.because = "gaps", _what_is_missing(days)
    elif restarted:
        proof.verdict, proof.because = "cannot know", "its message numbers began anew: what lacks before is not seen"
    elif runs is not None:
        proof.because = "its message numbers are unbroken" + (" and its rhythm is kept" if rhythm else "")
    elif rhythm:
        proof.because = "its rhythm is kept"
    elif not series:
        proof.verdict, proof.because = "cannot know", "it was never heard"
    else:
        proof.verdict, proof.because = "cannot know", "it neither numbers its messages nor has a known interval"
    return proof


def _rhythm(
    connection: Connection, device: Known, series: Sequence[Series], days: list[DayProof], start: int, end: int
) -> bool:
    """Add what the rhythm of the device's series shows to the days; says whether it has one."""
    steps = _steps(device, series)
    if not steps or end <= start:
        return False
    items = [item for item in series if item.property in steps or item.property == "import_register"]
    # a register at the last midnight belongs to the last day's balance
    read = arrays.read_series(connection, [item.id for item in items], start, end + 1)
    found = {
        item.property: (read.times[low:high], read.values[low:high])
        for item, low, high in zip(items, read.offsets[:-1].tolist(), read.offsets[1:].tolist(), strict=True)
    }
    for item in items:
        if item.property in steps:
            counted = cells(found[item.property][0], item.since, start, end, steps[item.property])
            for day, expected, present in zip(days, counted.expected.tolist(), counted.present.tolist(), strict=False):
                day.expected += expected
                day.present += present
    if "import_interval" in found and "import_register" in found:
        compared = balance(*found["import_register"], *found["import_interval"], start, end, steps["import_interval"])
        differs: list[bool] = disagrees(compared).tolist()
        rest: NDArray[np.float64] = compared.register - compared.summed
        for day, difference, wrong in zip(days, rest.tolist(), differs, strict=False):
            if not math.isnan(difference):
                day.difference, day.disagrees = round(difference, 6), wrong
    return True


def _steps(device: Known, series: Sequence[Series]) -> dict[str, int]:
    """The rhythm [us] of the series that have one: intervals always, gauges where the device says it, registers only
    where no interval series is the rhythm's own."""
    said = duration(device.interval)
    kinds = {item.property: FAMILIES[device.family].properties[item.property].kind for item in series
             if item.property in FAMILIES[device.family].properties}  # fmt: skip
    steps = {name: said or _INTERVAL for name, kind in kinds.items() if kind == "interval"}
    if said is not None:
        wanted = {"gauge"} if steps else {"gauge", "counter"}
        steps |= {name: said for name, kind in kinds.items() if kind in wanted}
    return steps


def _what_is_missing(days: Sequence[DayProof]) -> str:
    parts = []
    if numbers := sum(day.missing_numbers for day in days):
        parts.append(f"{counted(numbers, 'message number is', 'message numbers are')} missing")
    if readings := sum(day.expected - day.present for day in days):
        parts.append(
            f"{readings:,} of {counted(sum(day.expected for day in days), 'reading is', 'readings are')} missing"
        )
    if wrong := sum(day.disagrees for day in days):
        parts.append(f"register and intervals disagree on {counted(wrong, 'day')}")
    return "; ".join(parts)
