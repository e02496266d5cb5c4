"""What stands behind one home's comparison: readings, days, neighbours, tariff, factor, and the sums made once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from analytics.neighbours import quarter_cells
from analytics.neighbours.comparison import usable
from analytics.neighbours.disclosure import dominated
from analytics.neighbours.finalising import finalise, held
from analytics.neighbours.joining import STEPS
from analytics.neighbours.period_comparison import HomesOptions, PeriodHomes, PeriodResult, compare_period
from analytics.neighbours.quarter_cells import QuarterCells
from analytics.neighbours.sight import hide, sight_of
from analytics.periods import Int64, Period, day_edges
from devices.homes import Reason, State
from devices.trials import SIGHTS, Sight
from store import comparisons, meters, trials
from store.cells import Version, find_rows
from store.cells import version as version_of
from store.comparisons import Comparison, Late, Rows, Run
from store.connect import Connection
from store.meters import DayReadings
from store.times import local_day

#: Which series a fuel's days are made of.
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "electricity": ("import_interval", "import_register"),
    "gas": ("gas_register", "gas_volume_register"),
    "heat": ("heat_register",),
}


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: its use [Wh] (None: too little measured), minutes measured of how many, and its readings."""

    day: date
    watt_hours: int | None
    minutes: int
    of: int
    readings: Sequence[DayReadings]


@dataclass(frozen=True, slots=True)
class CellUse:
    """A cell of the neighbours: homes in it and those that count in the period, its median area, how far it is."""

    cell: int
    homes: int
    counting: int
    used: bool
    floor_area: float
    metres: float


@dataclass(frozen=True, slots=True)
class NeighbourSet:
    """The neighbours of a home: its cell, what joins it, and their exact sums, which no page shows; no home's use."""

    #: How wide the cells join: a word of `store.comparisons.Neighbourhood`.
    step: str
    #: To the centroid of the farthest cell [m].
    reach: float
    cells: Sequence[CellUse]
    #: Whether the home counts itself.
    counts: bool
    #: Neighbours that count.
    n: int
    #: Use of them [Wh].
    total: int
    #: [Wh] of which the average shown is made, so that it gives no home away.
    rounded_total: int
    #: One of them has over 15 % of the sum, so that nothing is shown.
    dominated: bool
    #: Those that use least.
    lowest_n: int
    #: Use of these [Wh].
    lowest_total: int
    #: How many used less.
    less: int
    #: Pseudonyms of those who count.
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Explained:
    """One fuel of a home's period."""

    fuel: str
    run: Run | None
    cells: Version | None
    #: What is stored.
    told: Mapping[str, Any] | None
    #: The same made again now.
    recomputed: Mapping[str, Any] | None
    #: Figures of others stay as they were told, since other homes count now.
    kept: bool
    #: Fields in which the two are not the same.
    differs: Sequence[str]
    days: Sequence[Day]
    #: Of ``days``, those with a value.
    known_days: int
    #: Sum of these [Wh].
    own_readings: int
    #: None where the home is in no cell, and where it may not see all of others.
    neighbours: NeighbourSet | None
    #: What of others the household may see: a word of `devices.trials.Sight`.
    sight: str
    #: Year of the use, kg CO2e a kWh, source.
    carbon: Sequence[tuple[int, float, str]]
    late: Sequence[Late]

    @property
    def equal(self) -> bool:
        """Whether what is stored is what would be computed now."""
        return not self.differs


def explain(
    connection: Connection, options: HomesOptions, home_id: int, period: Period, fuels: Sequence[str]
) -> list[Explained]:
    """What stands behind a home's comparisons of a period, by fuel; fuels without use or comparison are left out.

    Of a household in a trial nothing stands in it that it may not see itself. Reads and changes nothing. Raises
    psycopg.Error.
    """
    people = PeriodHomes(connection, options, period)
    quarter = quarter_cells.load(connection, period.quarter)
    version = version_of(connection, period.quarter)
    runs = {(run.kind, run.from_day, run.fuel): run for run in comparisons.runs(connection)}
    late = comparisons.late_of_home(connection, home_id, period.kind, period.start)
    edges = day_edges(period.start, period.days, options.zone)
    place, known = find_rows(people.residents.home, np.array([home_id]))
    tenancy = int(people.residents.tenancy[place[0]]) if known[0] else None
    members = trials.sights(connection, local_day(datetime.now(UTC), options.zone))
    found = []
    for fuel in fuels:
        told = None if tenancy is None else comparisons.one(connection, tenancy, period.kind, period.start, fuel)
        result = compare_period(people, quarter, fuel)
        figures = comparisons.figures(connection, period.kind, period.start, fuel)
        kept = figures is not None and bool(held(result, quarter, figures.members)[result.rows.home == home_id].any())
        if figures is not None:
            finalise(result, quarter, figures)
        hide(result.rows, sight_of(result.rows, members, figures))
        row = np.flatnonzero(result.rows.home == home_id)
        again = _row(result.rows, int(row[0])) if len(row) else None
        if told is None and again is None:
            continue
        days = _days(connection, people, int(place[0]), fuel, edges)
        measured = [day.watt_hours for day in days if day.watt_hours is not None]
        stored_row = None if told is None else _told(told)
        sight = max(SIGHTS.index(Sight(one["sight"])) for one in (stored_row, again) if one is not None)
        names = _FIELDS if (period.kind, period.start, fuel) in runs else ()
        found.append(
            Explained(
                fuel=fuel,
                run=runs.get((period.kind, period.start, fuel)),
                cells=version,
                told=stored_row,
                recomputed=again,
                kept=kept and SIGHTS[sight] != Sight.OWN,
                differs=[name for name in names if (stored_row or {}).get(name) != (again or {}).get(name)],
                days=days,
                known_days=len(measured),
                own_readings=sum(measured),
                neighbours=None if sight else _neighbours(result, quarter, home_id),
                sight=SIGHTS[sight],
                carbon=_factors(options, period, fuel),
                late=[entry for entry in late if entry.fuel == fuel],
            )
        )
    return found


def _days(connection: Connection, people: PeriodHomes, place: int, fuel: str, edges: Int64) -> list[Day]:
    """The days of one of the period's residents."""
    dates = [people.period.start + timedelta(days=day) for day in range(people.period.days)]
    home_id, starts = int(people.residents.home[place]), edges.tolist()
    readings = meters.day_readings(connection, home_id, PROPERTIES[fuel], dates, edges)
    use = people.within(fuel)
    return [
        Day(
            day=day,
            watt_hours=int(use.watt_hours[place, index]) if use.watt_hours[place, index] >= 0 else None,
            minutes=int(use.minutes[place, index]),
            of=(starts[index + 1] - starts[index]) // 60_000_000,
            readings=[reading for reading in readings if reading.day == day],
        )
        for index, day in enumerate(dates)
    ]


def _neighbours(result: PeriodResult, quarter: QuarterCells, home_id: int) -> NeighbourSet | None:
    """The neighbours of a home; None where it is in no cell."""
    place, known = find_rows(quarter.home, np.array([home_id]))
    if not known[0]:
        return None
    home = int(place[0])
    cells, joined = quarter.cells, quarter.joined
    own = int(cells.cell[home])
    numbers = [own, *joined.cells[joined.offsets[own] : joined.offsets[own + 1]].tolist()]
    counting = np.bincount(cells.cell[result.counts], minlength=len(cells.size))
    used = usable(cells, result.counts)
    members = result.counts & np.isin(cells.cell, [number for number in numbers if used[number]])
    members[home] = False
    compared = result.compared
    return NeighbourSet(
        step=STEPS[int(joined.step[own])],
        reach=float(joined.reach[own]),
        cells=[
            CellUse(
                number, int(cells.size[number]), int(counting[number]), bool(used[number]), float(cells.area[number]),
                float(np.hypot(cells.x[number] - cells.x[own], cells.y[number] - cells.y[own])),
            )
            for number in numbers
        ],
        counts=bool(result.counts[home]),
        n=int(compared.n[home]),
        total=int(compared.total[home]),
        rounded_total=int(result.rounded.total[home]),
        dominated=bool(dominated(compared.largest, compared.total)[home]),
        lowest_n=int(compared.lowest_n[home]),
        lowest_total=int(compared.lowest_total[home]),
        less=int(compared.less[home]),
        ids=quarter.home[members].tolist(),
    )  # fmt: skip


def _factors(options: HomesOptions, period: Period, fuel: str) -> list[tuple[int, float, str]]:
    """Year of the use, kg CO2e a kWh, source, for each year of a period."""
    years = sorted({period.start.year, (period.end - timedelta(days=1)).year})
    factors = [(year, options.energy.factor(fuel, year)) for year in years]
    return [(year, factor.value, factor.source) for year, factor in factors if factor is not None]


#: What of a comparison is computed; the rest names it.
_FIELDS = (
    "tenancy_id", "home_id", "own", "estimated_days", "missing_days", "before", "state", "reason", "average",
    "efficient", "homes", "tenths", "carbon", "cost", "tariff", "tariff_own", "sight",
)  # fmt: skip


def _told(told: Comparison) -> dict[str, Any]:
    return {name: getattr(told, name) for name in _FIELDS}


def _row(rows: Rows, index: int) -> dict[str, Any]:
    """A row as it would be read back."""

    def value(column: Any) -> int | None:
        found = int(column[index])
        return None if found < 0 else found

    tariff = int(rows.tariff[index])
    return {
        "tenancy_id": value(rows.tenancy),
        "home_id": value(rows.home),
        "own": value(rows.own),
        "estimated_days": value(rows.estimated),
        "missing_days": value(rows.missing),
        "before": value(rows.before),
        "state": State.at(int(rows.state[index])),
        "reason": Reason.at(int(rows.reason[index])),
        "average": value(rows.average),
        "efficient": value(rows.efficient),
        "homes": value(rows.homes),
        "tenths": value(rows.tenths),
        "carbon": value(rows.carbon),
        "cost": value(rows.cost),
        "tariff": None if tariff < 0 else rows.tariffs[tariff],
        "tariff_own": bool(rows.own_tariff[index]),
        "sight": SIGHTS[rows.sight[index]],
    }
