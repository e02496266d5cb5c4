"""The runner of the homes: what changed in daily use, cells of quarters, comparisons of periods that are over.

Everything is decided from what is stored: a run that was killed is gone on with by the next, and a second run changes
nothing. One transaction a period; one runner at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import numpy as np

from analytics.energy import daily_runner
from analytics.energy.daily_runner import Changed
from analytics.neighbours import programme, quarter_cells
from analytics.neighbours.finalising import finalise
from analytics.neighbours.period_comparison import HomesOptions, PeriodHomes, compare_period, period_use
from analytics.neighbours.quarter_cells import QuarterCells
from analytics.neighbours.schedule import Due, Key, due, end_of, homes_missing, waited_enough
from analytics.neighbours.sight import hide, sight_of
from analytics.periods import Int64, Period, day_edges
from devices.homes import COMPARED, FUELS
from store import cells, comparisons, corrections, daily, meters, session_lock, trials, unpublished
from store.cells import days_since_epoch
from store.comparisons import Run
from store.connect import Connection
from store.daily import lock_daily_use, read_days
from store.programme import Month
from store.times import begin_of, local_day

#: Family of the readings that comparisons are made of.
FAMILY = "smart-meter"
_LOCK = "analyse homes"


@dataclass(slots=True)
class RunSummary:
    """What a run did."""

    #: Days of homes whose use changed.
    days: int = 0
    #: Quarters that got their cells.
    cells: list[date] = field(default_factory=list)
    #: Periods and fuels.
    published: list[Key] = field(default_factory=list)
    #: Periods and fuels.
    finalised: list[Key] = field(default_factory=list)
    #: That were told.
    rows: int = 0
    #: Rows that settling changed.
    revised: int = 0
    #: Entries of what came after settling.
    late: int = 0
    #: Periods that are over and wait for their days to come in.
    waiting: int = 0
    #: Meters of which something was left out, since it is more than their supply carries.
    beyond_supply: list[str] = field(default_factory=list)
    #: Meters with days without a figure, since a register fell more than once in them.
    falling: list[str] = field(default_factory=list)

    def add(self, other: RunSummary) -> None:
        """Add what a later run did; what waits is what waits now."""
        self.beyond_supply = sorted({*self.beyond_supply, *other.beyond_supply})
        self.falling = sorted({*self.falling, *other.falling})
        for item in fields(RunSummary):
            if item.name not in ("waiting", "beyond_supply", "falling"):
                setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))
        self.waiting = other.waiting

    @property
    def compared(self) -> int:
        """How many periods and fuels were compared."""
        return len({*self.published, *self.finalised})


def run(
    connection: Connection,
    options: HomesOptions,
    now: datetime,
    hidden: set[date] | None = None,
    stopping: Callable[[], bool] = lambda: False,
    *,
    change_zone: bool = False,
) -> RunSummary:
    """Bring daily use, cells and comparisons up to date. Commits.

    ``hidden``: for a service, the same set every time: the days on which trials' members were looked at.
    ``stopping`` is asked between periods whether to leave the rest to the next run. ``change_zone``: take the options'
    time zone in place of the stored days' and compute all of them again; what was published stays as it was told.
    Raises session_lock.Busy, daily.OtherZone, psycopg.Error.
    """
    with session_lock.alone(connection, _LOCK):
        if change_zone:
            daily.change_zone(connection, options.zone)
            connection.commit()  # a run that is cut off from here on is gone on with by the next, in the new zone
        return _Runner(connection, options, now, set() if hidden is None else hidden).run(stopping)


class _Runner:
    """One run. ``changed``: days of fuels that changed in it; ``quarters``: cells that it has read."""

    def __init__(self, connection: Connection, options: HomesOptions, now: datetime, hidden: set[date]) -> None:
        self.connection, self.options, self.now = connection, options, now
        self.summary = RunSummary()
        self.hidden = hidden
        self.changed: set[tuple[str, int]] = set()
        self.quarters: dict[date, QuarterCells] = {}
        self.today = local_day(now, options.zone)
        self.sights: trials.Sights

    def run(self, stopping: Callable[[], bool]) -> RunSummary:
        self._hide()
        self._daily(stopping)
        finalised = {
            (run.kind, run.from_day, run.fuel): run.settled_at is not None for run in comparisons.runs(self.connection)
        }
        items = due(comparisons.months(self.connection), finalised, COMPARED, self.now, self.options.zone)
        known = unpublished.known(self.connection, self.options.coverage)
        self.connection.commit()
        for period, group in groupby(items, key=lambda item: item.period):
            worth_it = [item for item in group if not self._in_vain(item, known.get(item.key))]
            if stopping():
                break
            if worth_it:
                self._period(period, worth_it)
        return self.summary

    def _hide(self) -> None:
        """Once a day take out of published rows what trials' members may see no more: one has begun, an arm ends.

        Rows that are written later that day are without it.
        """
        if self.today not in self.hidden:
            comparisons.hide(self.connection, self.today)
            self.connection.commit()
            self.hidden.add(self.today)

    def _daily(self, stopping: Callable[[], bool]) -> None:
        """Bring daily use up to date, and list in the same transactions what came too late for settled periods."""
        more = True
        while more and not stopping():
            changed = daily_runner.update(self.connection, self.options.zone, self.options.energy)
            more = changed.more
            self.summary.days += len(changed.home)
            found = meters.devices_of(self.connection, changed.beyond)
            self.summary.beyond_supply = sorted({*self.summary.beyond_supply, *found})
            found = meters.devices_of(self.connection, changed.falling)
            self.summary.falling = sorted({*self.summary.falling, *found})
            self._count_down(changed)
            settled = comparisons.runs(self.connection) if len(changed.home) else []
            for fuel in COMPARED:
                mine = changed.fuel == FUELS.index(fuel)
                self.changed |= {(fuel, day) for day in np.unique(changed.day[mine]).tolist()}
            for run in settled:
                if run.settled_at is not None:
                    self._late(run, _homes_in(changed, run.fuel, run.from_day, run.to_day))
            self.connection.commit()

    def _count_down(self, changed: Changed) -> None:
        """Count what changed in periods that could not be published.

        A home that was computed anew may have come or gone in each. Of those in which no home has a figure only homes
        count that have one now.
        """
        if not len(changed.home) and not len(changed.anew):
            return
        for span in unpublished.spans(self.connection):
            homes = np.union1d(_homes_in(changed, span.fuel, span.from_day, span.to_day), changed.anew)
            if not span.waits and len(homes):
                use = read_days(self.connection, span.fuel, span.from_day, span.to_day, homes)
                homes = use.homes[period_use(use.watt_hours, self.options.coverage) >= 0]
            if len(homes):
                unpublished.count_down(self.connection, span, len(homes))

    def _late(self, run: Run, homes: Int64) -> None:
        """List what days of these homes that changed would change of a settled period."""
        if not len(homes):
            return
        over = begin_of(run.to_day, self.options.zone)
        residents = cells.residents(self.connection, run.from_day, run.to_day, over, homes)
        mine = np.intersect1d(homes, residents.home)
        use = read_days(self.connection, run.fuel, run.from_day, run.to_day, mine)
        would_be = period_use(use.watt_hours, self.options.coverage)
        self.summary.late += comparisons.note_late(
            self.connection, run.kind, run.from_day, run.fuel, use.homes, would_be, self.now
        )

    def _touched(self, item: Due) -> bool:
        """Whether a day of a period changed in this run."""
        days = range(days_since_epoch(item.period.start), days_since_epoch(item.period.end))
        return any((item.fuel, day) in self.changed for day in days)

    def _in_vain(self, item: Due, waits: bool | None) -> bool:
        """Whether nothing that came since a period was looked at can make it ready. ``waits``: for its last day, or for
        any figure; None: nobody looked at it."""
        if waits is None or item.published:
            return False
        if waits and waited_enough(end_of(item.period, self.options.zone), self.now):
            return False
        self.summary.waiting += waits
        return True

    def _period(self, period: Period, items: Sequence[Due]) -> None:
        """Publish or settle the fuels of one period, in one transaction; nobody is erased meanwhile."""
        lock_daily_use(self.connection)
        # read under the lock, which a trial that begins takes too: what is written now it would miss
        self.sights = trials.sights(self.connection, self.today)
        homes = PeriodHomes(self.connection, self.options, period)
        for item in items:
            if item.published or self._ready(homes, item):
                self._compare(homes, item)
        self.connection.commit()

    def _ready(self, homes: PeriodHomes, item: Due) -> bool:
        """Whether a period that was never published can be."""
        days = homes.within(item.fuel)
        if not (period_use(days.watt_hours, self.options.coverage) >= 0).any():
            unpublished.keep(self.connection, _span(item, waits=False), 1, self.options.coverage)
            return False
        over = end_of(item.period, self.options.zone)
        if item.finalises:
            ready = not (self.options.patient and self._touched(item))
        else:
            edges = day_edges(item.period.end - timedelta(days=1), 1, self.options.zone)
            minutes = int(edges[1] - edges[0]) // 60_000_000
            any_day = int((days.watt_hours >= 0).any(axis=1).sum())
            missing = homes_missing(days.minutes[:, -1].astype(np.int64), minutes, any_day)
            ready = waited_enough(over, self.now) or not missing
            if not ready:
                unpublished.keep(self.connection, _span(item, waits=True), missing, self.options.coverage)
        self.summary.waiting += not ready
        return ready

    def _compare(self, homes: PeriodHomes, item: Due) -> None:
        period, options = item.period, self.options
        quarter = self._quarter(period.quarter)
        result = compare_period(homes, quarter, item.fuel)
        published = comparisons.figures(self.connection, *item.key) if item.published else None
        rows = result.rows if published is None else finalise(result, quarter, published)
        rows = hide(rows, sight_of(rows, self.sights, published))
        if not item.published:
            settled_at = self.now if item.finalises else None
            run = Run(
                period.kind, period.start, period.end, item.fuel, period.quarter, options.program, self.now, settled_at
            )
            comparisons.add_run(self.connection, run, result.members)
            unpublished.published(self.connection, *item.key)
        written, gone = comparisons.write(self.connection, *item.key, rows)
        if item.published:
            comparisons.finalise_run(self.connection, item.key, options.program, self.now)
            self.summary.revised += written + gone
        else:
            begin, end = begin_of(period.start, options.zone), end_of(period, options.zone)
            corrections.publish(
                self.connection, "comparison", f"{period.key} {item.fuel}", FAMILY,
                begin.astimezone(UTC).date(), (end - timedelta(microseconds=1)).astimezone(UTC).date(),
            )  # fmt: skip
            self.summary.rows += written
            self.summary.published.append(item.key)
        if item.finalises:
            self.summary.finalised.append(item.key)
            if period.kind == "month":
                # in the transaction in which it settles: later some who counted have left
                programme.published(self.connection, Month(period.start, item.fuel, period.quarter))

    def _quarter(self, quarter: date) -> QuarterCells:
        if quarter not in self.quarters:
            if quarter_cells.ensure(self.connection, quarter, self.options.zone, self.options.program):
                self.summary.cells.append(quarter)
            self.quarters[quarter] = quarter_cells.load(self.connection, quarter)
        return self.quarters[quarter]


def _homes_in(changed: Changed, fuel: str, start: date, end: date) -> Int64:
    """Homes with days from ``start`` to ``end`` (not included) that changed, rising, each once."""
    days = (changed.day >= days_since_epoch(start)) & (changed.day < days_since_epoch(end))
    found: Int64 = np.unique(changed.home[days & (changed.fuel == FUELS.index(fuel))])
    return found


def _span(item: Due, *, waits: bool) -> unpublished.Span:
    return unpublished.Span(item.period.kind, item.period.start, item.period.end, item.fuel, waits)
