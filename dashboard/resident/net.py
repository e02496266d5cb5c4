"""What a home took from the grid less what it gave to it: its own figures alone, for neighbours are compared by import.

Only days of which both are known are netted. A day without a figure of what was given is not a day on which nothing was
given: panels may be younger than the meter, and their readings may be late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.energy.daily_use import NONE
from analytics.energy.prices import filled
from analytics.report.words import shown
from dashboard import figures
from dashboard.figures import Cell, Column, Figure, Key
from dashboard.labels import amount, month_words
from dashboard.resident.household import is_whole
from dashboard.web.household import Household
from store import daily
from store.connect import Connection
from store.times import next_month

Int64 = NDArray[np.int64]


class NetDays(NamedTuple):
    """Local days from the first asked for, ``(days,)`` each: ``known`` where both uses are.

    ``taken``, ``given`` [Wh], -1 where not known; ``minutes``: how many of the day's minutes were measured by both.
    """

    known: NDArray[np.bool_]
    taken: Int64
    given: Int64
    minutes: NDArray[np.int16]

    @property
    def net(self) -> list[int | None]:
        """Taken less given [Wh], below zero where more was given; None where one of them is not known."""
        less = (self.taken - self.given).tolist()
        return [value if known else None for value, known in zip(less, self.known.tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class NetMonth:
    """One month by its days of which both uses are ``known``: ``taken`` and ``given`` [Wh], None where there are none.

    ``part``: they are the sums of these days; otherwise the others count as their mean.
    """

    first: date
    taken: int | None
    given: int | None
    part: bool
    known: int

    @property
    def net(self) -> int | None:
        """Taken less given [Wh]; below zero where more was given."""
        return None if self.taken is None or self.given is None else self.taken - self.given


def read_net_days(connection: Connection, home_id: int, start: date, end: date) -> NetDays:
    """Electricity from the grid and to it by day, from ``start`` to ``end`` (not included). Raises psycopg.Error."""
    one = np.array([home_id], np.int64)
    taken, given = (daily.read_days(connection, fuel, start, end, one) for fuel in ("electricity", "export"))
    return NetDays(
        (taken.watt_hours[0] != NONE) & (given.watt_hours[0] != NONE),
        taken.watt_hours[0],
        given.watt_hours[0],
        np.minimum(taken.minutes[0], given.minutes[0]),
    )


def read_net_months(connection: Connection, household: Household, count: int, coverage: float) -> list[NetMonth]:
    """The last ``count`` months with a day of one's own, the earliest first. Raises psycopg.Error."""
    firsts = household.months(count)
    if not firsts:
        return []
    begin, end = household.clip(firsts[0], household.end)
    days = read_net_days(connection, household.home.id, begin, end)
    found = []
    for first in firsts:
        following = next_month(first)
        inside = slice((max(first, begin) - begin).days, (min(following, end) - begin).days)
        known = days.known[inside]
        whole = is_whole(known, (following - first).days, coverage)
        taken, given = (_sum(use[inside], known, whole=whole) for use in (days.taken, days.given))
        found.append(NetMonth(first, taken, given, not whole, int(known.sum())))
    return found


def _sum(watt_hours: Int64, known: NDArray[np.bool_], *, whole: bool) -> int | None:
    if not known.any():
        return None
    return int(filled(np.where(known, watt_hours, NONE)[None, :]).sum() if whole else watt_hours[known].sum())


def net_figure(months: Sequence[NetMonth]) -> Figure | None:
    """Months as columns, below zero where more was given than taken; None where there is nothing."""
    known = [(month.first, month.net) for month in months if month.net is not None]
    if not known:
        return None
    said = "; ".join(f"{month_words(first)} {signed(net)}" for first, net in known)
    keys = [Key("column", "Your home; below zero: you gave more than you took")]
    if any(month.part and month.net is not None for month in months):
        keys.append(Key("part", "Your home, some days missing"))
    return Figure(
        name="year",
        headline=_headline(
            [(month.first, month.net) for month in months if month.net is not None and not month.part] or known
        ),
        drawing=figures.year(
            [
                Column(
                    month_words(month.first),
                    f"{month.first:%b}",
                    None if month.net is None else month.net / 1000,
                    part=month.part,
                )
                for month in months
            ],
            f"Column chart of your electricity by month, what you took from the grid less what you gave to it: {said}.",
        ),
        caption="Electricity by month, what you took less what you gave, in kWh",
        columns=("Month", "Net", "You took", "You gave", "Days known"),
        rows=[
            [
                Cell(month_words(month.first), f"{month.first:%Y-%m}"),
                *(_energy(value) for value in (month.net, month.taken, month.given)),
                Cell(str(month.known)),
            ]
            for month in months
        ],
        keys=keys,
        csv="/home/data/months.csv?fuel=electricity&net=true",
        unit="kWh a month",
        chart="bar",
        lines=("Net",),
    )


def _headline(known: Sequence[tuple[date, int]]) -> str:
    """``known``: months with their net use [Wh]."""
    ranked = sorted(known, key=lambda pair: pair[1])
    (low, least), (high, most) = ranked[0], ranked[-1]
    if len(ranked) == 1:
        verb = "gave the grid" if least < 0 else "took"
        rest = "more than you took from it" if least < 0 else "more from the grid than you gave to it"
        return f"You {verb} {amount(abs(least))} {rest} in {month_words(low)}"
    if most < 0:
        return (
            f"You gave the grid more than you took from it, most of all in {month_words(low)} ({amount(-least)} more)"
        )
    taken = f"You took most from the grid, less what you gave, in {month_words(high)} ({amount(most)})"
    if least < 0:
        return f"{taken}; in {month_words(low)} you gave {amount(-least)} more than you took"
    return f"{taken} and least in {month_words(low)} ({amount(least)})"


def signed(watt_hours: int) -> str:
    """An amount [Wh], rounded as it is shown, with a minus sign below zero."""
    return f"\N{MINUS SIGN}{amount(-watt_hours)}" if watt_hours < 0 else amount(watt_hours)


def _energy(watt_hours: int | None) -> Cell:
    if watt_hours is None:
        return Cell("not known")
    value = shown(abs(watt_hours)) / 1000
    # the unit stands in the table's caption: with it five columns do not fit a phone
    return Cell(signed(watt_hours).removesuffix(" kWh"), -value if watt_hours < 0 else value)
