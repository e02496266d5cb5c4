"""One period compared: the days of all homes in, what each household is told out. Nothing is written here.

`PeriodHomes` is what all fuels of a period have in common: who lived where, who agreed, whom not to judge.
`compare_period` makes of it the rows of one fuel, by the rules of docs/decisions/005-homes.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.energy.period_costs import carbon, costs
from analytics.energy.prices import Energy, filled
from analytics.neighbours import comparison, differencing, disclosure, hardship
from analytics.neighbours.cells import Cells
from analytics.neighbours.comparison import Compared
from analytics.neighbours.hardship import CODES
from analytics.neighbours.joining import Joined
from analytics.neighbours.quarter_cells import QuarterCells, homes_of_site
from analytics.neighbours.schedule import end_of
from analytics.periods import Int64, Period, day_edges
from devices.homes import HARDSHIPS, Reason, State
from store import cells
from store.cells import Residents, days_since_epoch, find_rows
from store.comparisons import Rows
from store.connect import Connection
from store.daily import read_days
from store.times import begin_of

Int32 = NDArray[np.int32]
Bools = NDArray[np.bool_]
CompareAll = Callable[[Cells, Joined, Int64, Bools], Compared]

_NEUTRAL, _SUPPRESSED = State.NEUTRAL.place, State.SUPPRESSED.place


@dataclass(frozen=True, slots=True)
class HomesOptions:
    """How homes are compared: settings of the site."""

    #: Of local days.
    zone: ZoneInfo
    energy: Energy
    #: [Wh a day] under which nobody lives in a home.
    vacant_watt_hours: int = 1_000
    #: So much of a period's days must have a value.
    coverage: float = 0.9
    #: Noted with what it makes.
    program: str = version("borough-telemetry")
    #: For a service: an old period that was never published waits until its days have come to rest.
    patient: bool = False
    #: How all homes are compared: what does it elsewhere says the same (`analytics.neighbours.cell_groups`).
    compare: CompareAll = comparison.compare


@dataclass(frozen=True, slots=True)
class Days:
    """Daily use of homes, ``(homes, days)``: ``watt_hours``, -1 for no value; ``minutes`` that were measured."""

    watt_hours: Int64
    minutes: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """One fuel of a period: the rows, and what they were made of, for who asks how.

    By home of the quarter's cells: ``counts``; ``compared``: exact figures of the neighbours; ``rounded``: the same
    with totals that do not give one home away. ``members`` ``(cells,)``: tells who counts.
    """

    rows: Rows
    counts: Bools
    members: Int64
    compared: Compared
    rounded: Compared


def period_use(watt_hours: Int64, coverage: float) -> Int64:
    """Use [Wh] of a period by home, -1 where too few days have a value, from ``(homes, days)`` with -1 for no value.

    Days without a value count as the mean of the others (`analytics.energy.prices.filled`).
    """
    known = (watt_hours >= 0).sum(axis=1)
    enough = known >= max(1, math.ceil(coverage * watt_hours.shape[1] - 1e-9))
    use: Int64 = np.where(enough, filled(watt_hours).sum(axis=1), -1)
    return use


class PeriodHomes:
    """Who lived where over a period and what they used, by home in rising order. Reads what is asked for once."""

    def __init__(self, connection: Connection, options: HomesOptions, period: Period) -> None:
        """Raises psycopg.Error."""
        self.connection, self.options, self.period = connection, options, period
        self.first = min(period.before().start, period.end - timedelta(days=hardship.WINDOW))
        self.length = (period.end - self.first).days
        self.residents: Residents = cells.residents(connection, period.start, period.end, end_of(period, options.zone))
        home = self.residents.home
        metered, of_site = homes_of_site(connection)
        place, known = find_rows(metered, home)
        self.of_site: Bools = np.zeros(len(home), bool)
        self.of_site[known] = of_site[place[known]]
        self._days: dict[str, Days] = {}
        self._kinds: tuple[NDArray[np.int8], Bools] | None = None

    def days(self, fuel: str) -> Days:
        """Daily use of the residents from ``first`` to the period's end. Raises psycopg.Error."""
        if fuel not in self._days:
            found = read_days(self.connection, fuel, self.first, self.period.end)
            place, known = find_rows(found.homes, self.residents.home)
            shape = (len(self.residents.home), self.length)
            days = Days(np.full(shape, -1, np.int64), np.zeros(shape, np.int16))
            days.watt_hours[known] = found.watt_hours[place[known]]
            days.minutes[known] = found.minutes[place[known]]
            self._days[fuel] = days
        return self._days[fuel]

    def within(self, fuel: str) -> Days:
        """Daily use within the period."""
        days, number = self.days(fuel), self.period.days
        return Days(days.watt_hours[:, -number:], days.minutes[:, -number:])

    def before(self, fuel: str) -> Int64:
        """Use [Wh] of the period before by those who lived there then already, -1 where there is no figure."""
        before = self.period.before()
        start = (before.start - self.first).days
        use = period_use(self.days(fuel).watt_hours[:, start : start + before.days], self.options.coverage)
        use[self.residents.since > days_since_epoch(before.start)] = -1
        return use

    def kinds(self) -> tuple[NDArray[np.int8], Bools]:
        """What each home looks like (places in KINDS; only those that agreed are looked at), and which are vacant."""
        if self._kinds is None:
            electricity = self.days("electricity").watt_hours
            codes = np.zeros(len(electricity), np.int8)
            looked = self.residents.consent & self.of_site & (electricity >= 0).any(axis=1)
            if looked.any():
                codes[looked] = self._judge(looked)
            use = period_use(self.within("electricity").watt_hours, self.options.coverage)
            vacant = hardship.vacant(use, self.period.days, self.options.vacant_watt_hours)
            # a home that was cut off uses as little as an empty one, and needs the help line
            codes[vacant & looked & (codes == 0)] = CODES.index(Reason.EMPTY)
            self._kinds = codes, vacant
        return self._kinds

    def _judge(self, looked: Bools) -> NDArray[np.int8]:
        homes = self.residents.home[looked]
        kinds = cells.kinds(self.connection, begin_of(self.period.start, self.options.zone))
        place, known = find_rows(kinds.home, homes)
        assert known.all(), "every home has details"
        heating = kinds.heating[place].astype(np.int64)
        electricity, gas, heat = (
            self.days(fuel).watt_hours[looked, -hardship.WINDOW :] for fuel in ("electricity", "gas", "heat")
        )
        prepaid = [
            tenancy
            for tenancy, found in cells.tariffs(self.connection, "electricity", self.period.end).items()
            if found[-1].payment == "prepayment"
        ]
        exported = read_days(self.connection, "export", self.first, self.period.end)
        return hardship.classify(
            electricity,
            hardship.warmth(heating, electricity, gas, heat),
            heating,
            period_days=self.period.days,
            dwelling=kinds.dwelling[place].astype(np.int64),
            area=kinds.area[place],
            prepayment=np.isin(self.residents.tenancy[looked], prepaid),
            exports=np.isin(homes, exported.homes[(exported.watt_hours > 0).any(axis=1)]),
            vacant_watt_hours=self.options.vacant_watt_hours,
        )


def compare_period(homes: PeriodHomes, quarter: QuarterCells, fuel: str) -> PeriodResult:
    """Compare all homes of a period in one fuel. Raises psycopg.Error.

    Two orders of homes meet here, both rising: ``residents`` (H homes in which somebody lived all the period, D days)
    and the homes of the quarter's cells (Q). Of the H homes R get a row.

    1. Who counts, ``(H,)``: ``own`` [Wh], -1 where too few days have a value, of ``days`` ``(H, D)``; ``codes`` of
       hardship; ``counts``: agreed, measured by meters of the site's origin, enough days, not empty.
    2. The same in the order of the cells, ``(Q,)``: ``member``, the place among the H, -1 none; ``counting``; ``use``
       [Wh], 0 where it does not count.
    3. Figures of the neighbours, ``(Q,)``: ``compared`` exact; ``rounded`` with rounded totals of cells; ``shown``, all
       that may leave.
    4. Back to ``(H,)``: ``average``, ``efficient`` [Wh], ``tenths``, ``about`` (-1 none), ``state``, ``reason``. Who
       does not count keeps ``suppressed``, for want of a cell.
    5. What outweighs the comparison, each above the one before: hardship (neutral, and no figure of others), too few
       days, no consent, another origin.
    6. Rows, ``(R,)`` by ``row``, places among the H: whoever has a day with a value in this period or the one before;
       with days estimated and missing, the use before, and where there is an own use carbon and cost.
    7. ``members``, by cell: tells later whether the same homes count.

    The rows are those of households that may see all; `analytics.neighbours.sight` takes out what others may not.
    """
    residents, options = homes.residents, homes.options
    days = homes.within(fuel)
    own = period_use(days.watt_hours, options.coverage)
    codes, vacant = homes.kinds()
    empty = vacant | (codes == CODES.index(Reason.EMPTY))
    counts = residents.consent & homes.of_site & (own >= 0) & ~empty
    place, known = find_rows(residents.home, quarter.home)
    member = np.where(known, place, -1)
    counting = known & counts[place] if len(residents.home) else known
    use = np.where(counting, own[place] if len(own) else 0, 0)
    compared = options.compare(quarter.cells, quarter.joined, use, counting)
    rounded = differencing.round_cell_totals(quarter.cells, quarter.joined, use, counting, compared)
    shown = disclosure.disclose(use, rounded)

    row = np.flatnonzero((homes.days(fuel).watt_hours[:, -_known_days(homes.period) :] >= 0).any(axis=1))
    count = len(residents.home)
    average, efficient, tenths, about = (np.full(count, -1, np.int64) for _ in range(4))
    state, reason = np.full(count, _SUPPRESSED, np.int32), np.full(count, Reason.NO_CELL.place, np.int32)
    mine = member[counting]
    average[mine], efficient[mine] = shown.average[counting], shown.efficient[counting]
    tenths[mine], about[mine] = shown.tenths[counting], shown.homes[counting]
    state[mine], reason[mine] = shown.state[counting], shown.reason[counting]
    for code, word in enumerate(HARDSHIPS, 1):
        state[codes == code], reason[codes == code] = _NEUTRAL, word.place
    # own use and kind words: neither praise nor advice, and nothing to measure oneself against
    for figures in (average, efficient, tenths, about):
        figures[codes > 0] = -1
    for what, word in (
        (own < 0, Reason.COVERAGE), (~residents.consent, Reason.NO_CONSENT), (~homes.of_site, Reason.OTHER_ORIGIN),
    ):  # fmt: skip
        state[what], reason[what] = _SUPPRESSED, word.place

    full = np.diff(day_edges(homes.period.start, homes.period.days, options.zone)) // 60_000_000
    known = days.watt_hours >= 0
    grams = carbon(options.energy, fuel, homes.period, days.watt_hours[row])
    cost = costs(
        homes.connection, options.energy, options.zone, homes.period, fuel,
        residents.home[row], residents.tenancy[row], days.watt_hours[row],
    )  # fmt: skip
    has_use = own[row] >= 0
    rows = Rows(
        tenancy=residents.tenancy[row],
        home=residents.home[row],
        own=own[row],
        estimated=(known & (days.minutes < full)).sum(axis=1).astype(np.int32)[row],
        missing=(~known).sum(axis=1).astype(np.int32)[row],
        before=homes.before(fuel)[row],
        state=state[row],
        reason=reason[row],
        average=average[row],
        efficient=efficient[row],
        homes=about[row].astype(np.int32),
        tenths=tenths[row].astype(np.int32),
        carbon=np.where(has_use, grams, -1),
        cost=np.where(has_use, cost.pence, -1).astype(np.int32),
        tariff=np.where(has_use, cost.tariff, -1).astype(np.int32),
        own_tariff=(has_use & cost.own).astype(np.int32),
        sight=np.zeros(len(row), np.int32),
        tariffs=cost.names,
    )
    members = differencing.members(quarter.cells, counting, quarter.home)
    return PeriodResult(rows, counting, members, compared, rounded)


def _known_days(period: Period) -> int:
    """Days of a period and of the one before it."""
    return period.days + period.before().days
