"""What `borough analyse` costs a borough of 100,000 homes: a whole new day, and one reading that came late.

Two weeks of days stand in the tables: the first is settled, the second waits for its last day. Of two days later all
half-hours are there. One home has half-hours of all days, for readings that come late to the two weeks.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from analytics.energy.prices import load
from analytics.neighbours import runner
from analytics.neighbours.period_comparison import HomesOptions
from analytics.neighbours.runner import RunSummary
from store import daily, touched
from store.batch import TouchedDay
from store.connect import connect
from store.copy import copy_readings
from store.daily import DailyUse
from store.times import midnight
from tests.benchmarks.table import Table
from tests.benchmarks.world import World, wait_for_rest

HOMES = 100_000
SEED = 20_260_302
LONDON = ZoneInfo("Europe/London")
FIRST = date(2026, 3, 2)
#: Two weeks; of the last day only every other home has anything.
HISTORY = 14
#: The days with all half-hours: the one before the new day, and the new one.
BEFORE, NEW = date(2026, 3, 18), date(2026, 3, 19)
NOW = datetime(2026, 3, 17, 20, tzinfo=UTC)
_HALF_HOUR = 1_800_000_000
#: Of the first homes this half-hour comes late.
_LATE, _LATE_HOMES = 20, 40

_FILL = """
set session_replication_role = replica;
insert into personal.home (id, uprn, lon, lat)
    select 10000000000000 + n * 7, n::text, -0.2 + (n % 400) * 0.0005, 51.45 + (n / 400) * 0.0003
    from generate_series(1, %(homes)s) n;
insert into personal.home_details (home_id, valid_from, dwelling, heating, floor_area, source)
    select id, '2025-01-01', 'terraced', 'gas', 60 + id % 60, 'import' from personal.home;
insert into personal.tenancy (id, home_id, from_day) select id + 1, id, '2025-01-01' from personal.home;
insert into personal.consent (tenancy_id, purpose, given_at, channel)
    select id, 'comparison', '2025-01-01', 'import' from personal.tenancy;
insert into personal.device (id, family, model, origin, personal, changed)
    select 'm' || n, 'smart-meter', 'native', 'real', true, n from generate_series(1, %(homes)s) n;
insert into personal.series (device_id, property, personal)
    select 'm' || n, 'import_interval', true from generate_series(1, %(homes)s) n;
insert into personal.home_meter (device_id, from_day, home_id)
    select 'm' || n, '2025-01-01', 10000000000000 + n * 7 from generate_series(1, %(homes)s) n;
insert into public.latest (series_id, time, value, arrival)
    select id, %(newest)s, 1, now() from personal.series;
set session_replication_role = origin;
"""


class Borough:
    """100,000 homes with a meter each; series and home of the meters ``(homes,)`` in the order of their numbers."""

    def __init__(self, url: str) -> None:
        self.options = HomesOptions(zone=LONDON, energy=load())
        self.connection = connect(url)
        self.random = np.random.default_rng(SEED)
        newest = datetime(NEW.year, NEW.month, NEW.day, 23, 30, tzinfo=UTC)
        text = _FILL.replace("%(homes)s", str(HOMES)).replace("%(newest)s", f"'{newest.isoformat()}'")
        self.connection.execute(text.encode())
        rows = self.connection.execute("select id from personal.series order by substr(device_id, 2)::int").fetchall()
        self.series = np.array([row[0] for row in rows], np.int32)
        self.home = 10_000_000_000_000 + np.arange(1, HOMES + 1, dtype=np.int64) * 7
        self.connection.commit()
        self._history()
        self.connection.commit()
        self._rest()

    def _history(self) -> None:
        use = self.random.integers(4_000, 16_000, (HOMES, HISTORY), dtype=np.int64)
        minutes = np.full(use.shape, 1440, np.int16)
        use[1::2, -1], minutes[1::2, -1] = daily.NONE, 0
        daily.write_days(self.connection, "electricity", DailyUse(self.home, FIRST, use, minutes))
        self.store(FIRST, HISTORY, slice(0, 1))

    def _rest(self) -> None:
        """Let the planner know what there is, outside of what is measured."""
        self.connection.autocommit = True
        self.connection.execute("vacuum (analyze)")
        self.connection.execute("checkpoint")
        self.connection.autocommit = False
        wait_for_rest()

    def store(self, first: date, days: int, which: slice) -> None:
        """Store half-hours of some homes, but those that come late, and note them."""
        start = midnight(first, LONDON)
        times = start + np.arange(48 * days, dtype=np.int64) * _HALF_HOUR
        for ids in np.array_split(self.series[which], max(1, len(self.series[which]) // 10_000)):
            series, time_ = np.repeat(ids, len(times)), np.tile(times, len(ids))
            late = np.isin(series, self.series[:_LATE_HOMES]) & ((time_ - start) // _HALF_HOUR % 48 == _LATE)
            value = self.random.integers(50, 400, len(series)) / 1_000
            copy_readings(self.connection, series[~late], time_[~late], value[~late])
            days_ = touched.days_of(("smart-meter",), np.zeros((~late).sum(), np.uint8), series[~late], time_[~late])
            touched.note(self.connection, days_)
        self.connection.commit()

    def late(self, number: int, day: date, *, anybody: bool = False) -> None:
        """Store the half-hour of a day that a home's meter had not told; ``anybody``: noted without its series."""
        at = np.array([midnight(day, LONDON) + _LATE * _HALF_HOUR], np.int64)
        series = self.series[number : number + 1]
        copy_readings(self.connection, series, at, np.array([0.7]))
        (note,) = touched.days_of(("smart-meter",), np.zeros(1, np.uint8), series, at)
        touched.note(self.connection, [TouchedDay(*note[:2]) if anybody else note])
        self.connection.commit()

    def forget(self, day: date) -> None:
        """Take a day of all homes out of the record, and note it."""
        nothing = np.full((HOMES, 1), daily.NONE, np.int64)
        daily.write_days(
            self.connection, "electricity", DailyUse(self.home, day, nothing, np.zeros((HOMES, 1), np.int16))
        )
        touched.note(self.connection, [TouchedDay("smart-meter", day)])
        self.connection.commit()
        self._rest()

    def analyse(self) -> tuple[float, float, RunSummary]:
        """One run: its time, the CPU time of it and of the database's process [s], and what it did."""
        pid = self.connection.info.backend_pid
        begun, cpu = time.perf_counter(), time.process_time() + _cpu(pid)
        done = runner.run(self.connection, self.options, NOW)
        return time.perf_counter() - begun, time.process_time() + _cpu(pid) - cpu, done


def _cpu(pid: int) -> float:
    """CPU time of a process [s]."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _expect(found: object, wanted: object, what: str) -> None:
    """A figure for work that was not done is worse than none."""
    if found != wanted:
        raise RuntimeError(f"{what}: {found!r}, expected {wanted!r}")


def _add(table: Table, name: str, runs: Sequence[tuple[float, float, RunSummary]]) -> None:
    """The median of some runs and their bounds, and the median of their CPU time."""
    seconds = [run[0] for run in runs]
    table.add(name, statistics.median(seconds), "s")
    table.add(f"{name}_min", min(seconds), "s")
    table.add(f"{name}_max", max(seconds), "s")
    table.add(f"{name}_cpu", statistics.median(run[1] for run in runs), "s")


def analyse(world: World, table: Table) -> None:
    """A whole new day of all homes; one late reading of one home, noted by its series, and noted as anybody's."""
    if "analyse_day" in table.rows:
        return
    with world.database() as url:
        borough = Borough(url)
        _, _, done = borough.analyse()
        _expect(("week", FIRST, "electricity") in done.finalised, True, "the first week is settled")
        _expect(done.waiting, 1, "the second week waits")
        borough.store(BEFORE, 1, slice(None))
        borough.analyse()
        borough.store(NEW, 1, slice(None))
        borough.connection.execute("analyze reading")
        borough.connection.commit()
        days = []
        for _ in range(3):
            borough.forget(NEW)
            days.append(borough.analyse())
            _expect(days[-1][2].days, HOMES, "days of the new day")
        _add(table, "analyse_day", days)
        homes = iter(range(1, _LATE_HOMES))
        for name, day, anybody, times in (
            ("analyse_late", BEFORE, False, 9),
            ("analyse_late_anybody", BEFORE, True, 3),
        ):
            runs = []
            for _ in range(times):
                borough.late(next(homes), day, anybody=anybody)
                runs.append(borough.analyse())
                _expect(runs[-1][2].days, 1, name)
            _add(table, name, runs)
        table.ratio("analyse_late_anybody / analyse_late", "analyse_late_anybody", "analyse_late")
        table.ratio("analyse_late_anybody_cpu / analyse_late_cpu", "analyse_late_anybody_cpu", "analyse_late_cpu")
        runs = []
        for place in range(7):
            borough.late(0, FIRST + timedelta(days=place))
            runs.append(borough.analyse())
            _expect((runs[-1][2].days, runs[-1][2].late), (1, 1), "a day of a settled week")
        _add(table, "analyse_late_settled", runs)
        runs = []
        for place in range(7, 13):
            borough.late(0, FIRST + timedelta(days=place))
            runs.append(borough.analyse())
            _expect((runs[-1][2].days, runs[-1][2].waiting), (1, 1), "a day of a week that waits")
        _add(table, "analyse_late_waiting", runs)
        nothing = [borough.analyse() for _ in range(5)]
        _expect({run[2].days for run in nothing}, {0}, "nothing came")
        _add(table, "analyse_nothing", nothing)
        borough.connection.close()
