"""Households with everything that their pages show, written straight into the tables.

Days count back from today, for pages show the last months. Figures are made up and easy to find again: a home's figures
depend on its number, so that a test sees at once whose they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from analytics.periods import Period, day_edges, month_of, period_of, week_of
from devices.device import Device
from devices.homes import State
from store import daily, registry, series
from store.connect import Connection
from store.copy import copy_readings
from store.times import quarter
from tests.tools.site import make_home

ZONE = ZoneInfo("Europe/London")
STATES: tuple[str, ...] = tuple(State)
_RUN = (
    "insert into personal.comparison_run (kind, from_day, to_day, fuel, quarter, program, published_at, settled_at)"
    " values (%s, %s, %s, %s, %s, 'test', now(), now()) on conflict do nothing"
)
_COLUMNS = (
    "tenancy_id", "kind", "from_day", "fuel", "home_id", "own", "estimated_days", "missing_days", "before", "state",
    "reason", "average", "efficient", "homes", "tenths", "carbon", "cost", "tariff", "tariff_own", "sight",
)  # fmt: skip
_FIGURES: dict[str, dict[str, Any]] = {
    "great": {"average": 58_000, "efficient": 41_000, "tenths": 1, "homes": 110},
    "good": {"average": 58_000, "efficient": 36_000, "tenths": 4, "homes": 110},
    "more": {"average": 41_000, "efficient": 26_000, "tenths": 8, "homes": 110},
    "above-zone": {"efficient": 26_000, "sight": "zone"},
    "neutral": {"reason": "under-heated"},
    "suppressed": {"reason": "no-cell"},
}


@dataclass(frozen=True, slots=True)
class Resident:
    """One household: ``number`` tells it from others in every figure."""

    number: int
    home_id: int
    tenancy_id: int
    device: str


def make_resident(
    connection: Connection,
    number: int = 1,
    *,
    from_day: date = date(2020, 1, 1),
    to_day: date | None = None,
    home: int | None = None,
) -> Resident:
    """A household; with ``home`` the number of one that lives or lived in that home before."""
    one = Resident(
        number, 10_000_000_000_000 + (home or number), 20_000_000_000_000 + number, f"meter-{home or number}"
    )
    make_home(
        connection,
        home_id=one.home_id,
        tenancy_id=one.tenancy_id,
        uprn=str(100_000_000_000 + (home or number)),
        from_day=from_day,
        to_day=to_day,
    )
    return one


def compare(
    connection: Connection,
    one: Resident,
    period: Period,
    state: str = "good",
    fuel: str = "electricity",
    **changes: Any,
) -> None:
    """Tell a household its comparison of a period."""
    days = period.days / 7
    figures = {name: _times(value, days, name) for name, value in _FIGURES[state].items()}
    own = round((50_000 + 10 * one.number) * days)
    row: dict[str, Any] = {
        "tenancy_id": one.tenancy_id, "kind": period.kind, "from_day": period.start, "fuel": fuel,
        "home_id": one.home_id, "own": own if state != "great" else round((38_000 + 10 * one.number) * days),
        "estimated_days": 1 if state == "more" else 0, "missing_days": 0, "before": round(54_000 * days),
        "state": state, "reason": None, "average": None, "efficient": None, "homes": None, "tenths": None,
        "carbon": round(own * 0.177), "cost": round(own / 1000 * 26.11 + 57.19 * period.days),
        "tariff": "price cap of July to September 2026", "tariff_own": False, "sight": "all", **figures,
        **changes,
    }  # fmt: skip
    connection.execute(_RUN, (period.kind, period.start, period.end, fuel, period.quarter))
    marks = ", ".join(["%s"] * len(_COLUMNS))
    connection.execute(
        f"insert into personal.comparison ({', '.join(_COLUMNS)}) values ({marks})".encode(),
        [row[name] for name in _COLUMNS],
    )


def _times(value: Any, factor: float, name: str) -> Any:
    if name not in ("average", "efficient"):
        return value
    rounded = float(f"{value * factor:.2g}")
    return int(rounded)


def tell(connection: Connection, one: Resident, state: str = "good", fuel: str = "electricity") -> list[Period]:
    """Comparisons of the last weeks, months and four weeks up to today; those periods."""
    today = datetime.now(ZONE).date()
    weeks = [week_of(today - timedelta(days=7 * n)) for n in range(1, 6)]
    months, last = [], month_of(today)
    for _ in range(6):
        last = last.before()
        months.append(last)
    periods = [*weeks, *months, *(period_of("four-weeks", week.start) for week in weeks[:2])]
    for period in periods:
        compare(connection, one, period, state, fuel)
    return periods


def add_cell(connection: Connection, one: Resident, day: date) -> None:
    """A cell of the quarter of a day with the home in it, and two that join it."""
    first = quarter(day)
    connection.execute(
        "insert into personal.cell_version (quarter, program, homes) values (%s, 'test', 110) on conflict do nothing",
        (first,),
    )
    for cell, joined in ((1, [2, 3]), (2, []), (3, [])):
        connection.execute(
            "insert into personal.cell (quarter, cell, dwelling, heating, homes, floor_area, x, y, step, joined, reach)"
            " values (%s, %s, 'flat', 'gas', 37, 63, 0, 0, 'area-15', %s, 412) on conflict do nothing",
            (first, cell, joined),
        )
    connection.execute(
        "insert into personal.cell_member (quarter, home_id, tenancy_id, cell) values (%s, %s, %s, 1)"
        " on conflict do nothing",
        (first, one.home_id, one.tenancy_id),
    )


def use_days(connection: Connection, one: Resident, start: date, end: date, fuel: str = "electricity") -> None:
    """Daily use from ``start`` to ``end``: more in winter, a little by the number; two days in a hundred missing."""
    days = np.array([(start + timedelta(days=n)).timetuple().tm_yday for n in range((end - start).days)])
    known = 7_000 + one.number + (2_500 * np.cos(days / 365 * 2 * np.pi)).astype(np.int64) + days % 7 * 150
    known = np.where(days % 50 == 7, -1, known)
    minutes = np.where(known < 0, 0, 1440).astype(np.int16)
    daily.write_days(
        connection, fuel, daily.DailyUse(np.array([one.home_id], np.int64), start, known[None, :], minutes[None, :])
    )


def give_days(connection: Connection, one: Resident, start: date, end: date) -> None:
    """Electricity given to the grid: in summer more than is taken; one day in thirty missing."""
    days = np.array([(start + timedelta(days=n)).timetuple().tm_yday for n in range((end - start).days)])
    known = 5_500 - (5_000 * np.cos(days / 365 * 2 * np.pi)).astype(np.int64) + days % 5 * 110
    known = np.where(days % 30 == 11, -1, known)
    minutes = np.where(known < 0, 0, 1440).astype(np.int16)
    daily.write_days(
        connection, "export", daily.DailyUse(np.array([one.home_id], np.int64), start, known[None, :], minutes[None, :])
    )


def part_of_a_day(connection: Connection, one: Resident, day: date, count: int) -> None:
    """A meter whose newest day has its first ``count`` half-hours, too few for a figure of the day."""
    add_meter(connection, one, day, 1, count=count)
    known, minutes = np.array([[-1]]), np.array([[30 * count]], np.int16)
    daily.write_days(connection, "electricity", daily.DailyUse(np.array([one.home_id], np.int64), day, known, minutes))


def add_meter(
    connection: Connection,
    one: Resident,
    first: date,
    days: int,
    prop: str = "import_interval",
    *,
    count: int | None = None,
) -> None:
    """A meter with half-hours of so many local days, or the first ``count`` of them: 45 Wh always, more in the morning
    and evening."""
    registry.upsert(connection, [Device(one.device, "smart-meter", "native", personal=True)])
    connection.execute(
        "insert into personal.home_meter (device_id, from_day, home_id) values (%s, '2020-01-01', %s)"
        " on conflict do nothing",
        (one.device, one.home_id),
    )
    (state,) = series.resolve(connection, [(one.device, prop)])
    edges = day_edges(first, days, ZONE)
    times = np.arange(edges[0], edges[-1], 1_800_000_000)[:count]
    clock = (times // 1_800_000_000) % 48
    shape = 0.09 * np.exp(-((clock - 15) ** 2) / 8) + 0.42 * np.exp(-((clock - 37) ** 2) / 18)
    values = np.round(0.045 + one.number / 1_000_000 + shape, 3)
    with connection.transaction():
        copy_readings(connection, np.full(len(times), state.series, np.int32), times, values)


def furnish(connection: Connection, one: Resident, state: str = "good", days: int = 60) -> list[Period]:
    """All that pages show: comparisons, neighbours, so many days, three weeks of half-hours."""
    today = datetime.now(ZONE).date()
    periods = tell(connection, one, state)
    for period in periods:
        add_cell(connection, one, period.start)
    use_days(connection, one, today - timedelta(days=days), today)
    add_meter(connection, one, today - timedelta(days=21), 21)
    return periods
