"""Readings to days against a plain reference, and at limits that are known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.energy import daily_use
from analytics.energy.daily_use import Days, Float64, Int64, Steps
from analytics.periods import day_edges
from tests.references import daily_use as reference
from tests.references.daily_use import HOUR, Reading, utc

LONDON = ZoneInfo("Europe/London")
HALF = HOUR // 2
FIRST = date(2026, 3, 27)  # the clocks go forward on 29 March
DAYS = 6
EDGES = day_edges(FIRST, DAYS, LONDON)
LIST = [FIRST + timedelta(days=day) for day in range(DAYS)]


def arrays(series: Sequence[Sequence[Reading]]) -> tuple[Int64, Int64, Float64]:
    offsets = np.array([0, *accumulate(map(len, series))], np.int64)
    times = np.array([at for rows in series for at, _ in rows], np.int64)
    return offsets, times, np.array([value for rows in series for _, value in rows], np.float64)


def registers(series: Sequence[Sequence[Reading]], limit: int = 25_300, slack: int = 1_000) -> Steps:
    return daily_use.register_steps(*arrays(series), np.full(len(series), limit), slack)


def intervals(series: Sequence[Sequence[Reading]], length: int = HALF) -> Steps:
    rows = len(series)
    return daily_use.interval_steps(*arrays(series), np.full(rows, length), np.full(rows, 25_300))


def days_of(steps: Steps, rows: int = 1) -> Days:
    return daily_use.whole_days(daily_use.spread(steps, rows, EDGES), EDGES)


def plain(days: Days, row: int = 0) -> list[tuple[int, int]]:
    return list(zip(days.use[row].tolist(), days.minutes[row].tolist(), strict=True))


def expected(steps: Sequence[reference.Step], falls: Sequence[int] = ()) -> list[tuple[int, int]]:
    found = [reference.day_of(steps, day, LONDON, falls) for day in LIST]
    return [(day.use, day.minutes) for day in found]


# ------------------------------------------------------------------------------------------------ the reference

TIME = st.integers(int(EDGES[0]) - 30 * HOUR, int(EDGES[-1]) + 30 * HOUR)
REGULAR = st.builds(
    lambda first, step, count: [int(EDGES[0]) + first * 60_000_000 + k * step for k in range(count)],
    st.integers(-600, 6000),
    st.sampled_from([HALF, HOUR, 15 * 60_000_000, 7 * HOUR, 24 * HOUR, HALF + 1_234_567]),
    st.integers(0, 60),
)
TIMES = st.one_of(REGULAR, st.lists(TIME, max_size=30)).map(lambda times: sorted(set(times)))


@st.composite
def crowds(draw: st.DrawFn) -> list[int]:
    """Times with some that share seconds, as messages have that waited in a queue."""
    times = set(draw(TIMES))
    for at in draw(st.lists(st.sampled_from(sorted(times)), max_size=3)) if times else []:
        apart = draw(st.sampled_from([1, 90_000, 999_999, 5_000_000, 10_000_000]))
        times |= {at + place * apart for place in range(draw(st.integers(2, 30)))}
    return sorted(times)


@st.composite
def counter(draw: st.DrawFn) -> list[Reading]:
    """A register with restarts, corrections, exchanges, spikes, dips, queues and plain nonsense."""
    times = draw(TIMES | crowds())
    rise = draw(
        st.sampled_from(
            [
                st.floats(0, 3) | st.sampled_from([0.0, 0.0005, 12.65, 13.65, 14.0]),
                st.floats(0, 0.05) | st.just(0.0),
                st.sampled_from([0.0, 0.0, 1.0]),
            ]
        )
    )
    value, rows = draw(st.sampled_from([0.0, 3.2, 46.4, 99_999.5])), []
    often = draw(st.sampled_from([12, 40]))
    for at in times:
        match draw(st.integers(0, often)):
            case 0:
                value = draw(st.floats(0, 20))
            case 1:
                rows.append((at, value + draw(st.sampled_from([-0.001, -2.0, 0.4, 900.0]))))
                continue
            case 2:
                value *= draw(st.sampled_from([0.999, 0.95, 0.9, 0.89, 0.5]))
            case 3:
                value = draw(st.sampled_from([0.0, 0.001, 0.05, 0.1, 0.3, 1.0, 2.0, 4.0, 40.0]))
            case _:
                value += draw(rise)
        rows.append((at, value))
    return [(at, round(max(0.0, value), 6)) for at, value in rows]


@given(st.lists(counter(), max_size=4))
def test_registers_agree_with_the_reference(series: list[list[Reading]]) -> None:
    found = days_of(registers(series), len(series))
    for row, rows in enumerate(series):
        told = reference.register(rows, 25_300, 1_000)
        assert plain(found, row) == expected(told.steps, told.falls)


KWH = st.one_of(st.floats(0, 13), st.sampled_from([0.0, 0.2125, 12.65, 12.651, 30.0]))


@given(st.lists(TIMES.flatmap(lambda t: st.tuples(*(st.tuples(st.just(x), KWH) for x in t))), max_size=3),
       st.sampled_from([HALF, HOUR, 15 * 60_000_000, 24 * HOUR]))  # fmt: skip
def test_intervals_agree_with_the_reference(series: list[tuple[Reading, ...]], length: int) -> None:
    found = days_of(intervals(series, length), len(series))
    for row, rows in enumerate(series):
        assert plain(found, row) == expected(reference.interval_steps(rows, length))


@given(counter(), st.lists(st.integers(-2, DAYS + 2), max_size=3))
def test_gaps_from_one_household_to_another_agree_with_the_reference(rows: list[Reading], which: list[int]) -> None:
    cuts = [reference.midnight(FIRST + timedelta(days=day), LONDON) for day in which]
    steps = daily_use.without_crossing(registers([[], rows]), np.ones(len(cuts), np.int64), np.array(cuts, np.int64))
    told = reference.register(rows, 25_300, 1_000)
    wanted = reference.without_crossing(told.steps, cuts)
    assert plain(days_of(steps, 2), 1) == expected(wanted, told.falls)


@given(counter(), st.data())
def test_days_depend_on_no_more_than_the_margin(rows: list[Reading], data: st.DataObject) -> None:
    """What is further away than the margin changes nothing: so late readings change only what is computed again."""
    day = data.draw(st.integers(0, DAYS - 1))
    before = [row for row in rows if row[0] < EDGES[day]]
    after = [row for row in rows if row[0] >= EDGES[day + 1]]
    within = rows[len(before) : len(rows) - len(after)]
    left_out = daily_use.waited(*arrays([rows]), np.array([25_300]))
    counts = [True] * len(rows) if left_out is None else (~left_out).tolist()
    # readings that waited in a queue are one; where the last one that is read may wait itself, so may those after it
    first, last = len(before), len(before) + len(within)
    while first > 0 and sum(counts[first : len(before)]) < daily_use.MARGIN:
        first -= 1
    while last < len(rows) and sum(counts[len(before) + len(within) : last]) < daily_use.MARGIN:
        last += 1
    near = rows[first:last] + [row for row in rows[last:] if row[0] - rows[last - 1][0] < 10_000_000]
    assert plain(days_of(registers([near])))[day] == plain(days_of(registers([rows])))[day]


@given(counter(), st.floats(0.1, 2.5))
def test_no_day_has_more_than_its_supply_carries_and_none_less_than_nothing(rows: list[Reading], slack: float) -> None:
    resolution = round(slack * 1000)
    steps = registers([rows], slack=resolution)
    assert (steps.amount >= 0).all()
    most = daily_use._carried(np.full(len(steps.row), 25_300), steps.end - steps.start) + resolution
    assert (steps.amount <= most).all()
    days = days_of(steps)
    assert (days.use >= -1).all()
    assert (days.minutes <= np.diff(EDGES) // 60_000_000).all()


# ------------------------------------------------------------------------------------------------ conservation


@given(st.lists(st.integers(0, 12_000), min_size=1, max_size=400), st.integers(0, 48), st.integers(0, 10**8))
def test_days_sum_to_the_registers_difference_and_half_hours_to_days(rises: list[int], late: int, begin: int) -> None:
    start = int(EDGES[0]) + late * HALF + 17_000_000
    values = list(accumulate(rises, initial=begin))
    rows = [(start + k * HALF, value / 1000) for k, value in enumerate(values)]
    rows = [row for row in rows if row[0] <= EDGES[-1]]
    steps = registers([rows])
    found = daily_use.spread(steps, 1, EDGES)
    assert found.amount.sum() == round(rows[-1][1] * 1000) - begin
    halves = daily_use.spread(steps, 1, np.arange(EDGES[0], EDGES[-1] + 1, HALF))
    bounds = (EDGES - EDGES[0]) // HALF
    assert np.add.reduceat(halves.amount[0], bounds[:-1]).tolist() == found.amount[0].tolist()


@given(st.integers(10_000, 10**8), st.lists(st.lists(st.integers(1_000, 3_000), min_size=20, max_size=30), max_size=6))
def test_restarts_keep_the_energy(begin: int, lives: list[list[int]]) -> None:
    """A counter that begins anew right after a reading, and goes on as ever, loses nothing. (Shorter lives may look
    like a dip.)"""
    values = [begin + 1_000 * place for place in range(22)]
    for rises in lives:
        values += accumulate(rises)
    found = registers([half_hourly([value / 1000 for value in values])])
    assert found.amount.sum() == 21_000 + sum(map(sum, lives))
    assert int((~found.sure).sum()) == len(lives)


@given(st.permutations(range(5)), st.lists(counter(), min_size=5, max_size=5))
def test_order_of_the_homes_does_not_matter(order: list[int], series: list[list[Reading]]) -> None:
    found = days_of(registers(series), 5)
    again = days_of(registers([series[place] for place in order]), 5)
    np.testing.assert_array_equal(found.use[order], again.use)
    np.testing.assert_array_equal(found.minutes[order], again.minutes)


@given(st.lists(st.integers(0, 5_000), min_size=DAYS * 48, max_size=DAYS * 48), st.sets(st.integers(0, 280)))
def test_splitting_the_span_changes_nothing(amounts: list[int], missing: set[int]) -> None:
    rows = [(int(EDGES[0]) + k * HALF, a / 1000) for k, a in enumerate(amounts) if k not in missing]
    whole = days_of(intervals([rows]))
    for day in range(DAYS):
        edges = EDGES[day : day + 2]
        part = daily_use.whole_days(daily_use.spread(intervals([rows]), 1, edges), edges)
        assert (part.use[0, 0], part.minutes[0, 0]) == (whole.use[0, day], whole.minutes[0, day])


# ------------------------------------------------------------------------------------------------ known limits


@pytest.mark.parametrize(
    ("day", "halves"), [(date(2026, 3, 28), 48), (date(2026, 3, 29), 46), (date(2026, 10, 25), 50)]
)
@pytest.mark.parametrize("length", [HALF, HOUR, 15 * 60_000_000])
def test_days_of_46_48_and_50_half_hours(day: date, halves: int, length: int) -> None:
    edges = day_edges(day, 1, LONDON)
    count = halves * HALF // length
    rows = [(int(edges[0]) + k * length, 0.1) for k in range(-10, count + 10)]
    found = daily_use.whole_days(daily_use.spread(intervals([rows], length), 1, edges), edges)
    assert found.use.tolist() == [[100 * count]]
    assert found.minutes.tolist() == [[30 * halves]]
    register = [(at, 5 + place * 0.1) for place, (at, _) in enumerate(rows)]
    found = daily_use.whole_days(daily_use.spread(registers([register]), 1, edges), edges)
    assert found.use.tolist() == [[100 * count]]
    assert found.minutes.tolist() == [[30 * halves]]


def half_hourly(values: Sequence[float], start: str = "2026-03-27T00:00") -> list[Reading]:
    return [(utc(start) + k * HALF, value) for k, value in enumerate(values)]


def test_a_single_spike_and_a_single_dip_are_left_out() -> None:
    values = [100 + k / 10 for k in range(49)]
    clean = plain(days_of(registers([half_hourly(values)])))
    for wrong in (0.0, 5.0, 103.0, 104.0, 8e7):
        broken = [*values[:20], wrong, *values[21:]]
        assert plain(days_of(registers([half_hourly(broken)]))) == clean
    assert clean[0] == (4_800, 1440)


def test_a_counter_that_begins_anew_counts_from_zero_and_the_half_hour_is_not_measured() -> None:
    values = [100 + k / 10 for k in range(24)] + [0.2 + k / 10 for k in range(25)]
    assert plain(days_of(registers([half_hourly(values)])))[0] == (2_300 + 200 + 2_400, 1410)


def test_a_new_counter_that_does_not_begin_at_zero_says_nothing_of_its_half_hour() -> None:
    values = [100 + k / 10 for k in range(24)] + [4_000 + k / 10 for k in range(25)]
    # 4,700 Wh in 23.5 hours, as much in the missing half-hour
    assert plain(days_of(registers([half_hourly(values)])))[0] == (4_800, 1410)


def test_the_energy_of_a_gap_stands_in_its_days_which_are_estimated() -> None:
    rows = half_hourly([10 + k / 10 for k in range(25)])  # to noon, 12.4
    rows += [(rows[-1][0] + 36 * HOUR, 12.4 + 3.6)]  # midnight of the day after next
    assert plain(days_of(registers([rows])))[:3] == [(2_400 + 1_200, 720), (2_400, 0), (-1, 0)]


def test_a_gap_within_a_day_does_not_make_it_an_estimate() -> None:
    rows = [(utc("2026-03-27T00:00"), 10.0), (utc("2026-03-28T00:00"), 17.5)]
    assert plain(days_of(registers([rows])))[0] == (7_500, 1440)


def test_a_day_with_less_than_half_has_no_value() -> None:
    start = utc("2026-03-27T00:00")
    rows = [(start + k * HALF, 0.1) for k in range(24)]
    assert plain(days_of(intervals([rows])))[0] == (4_800, 720)
    assert plain(days_of(intervals([rows[:23]])))[0] == (-1, 690)


def test_more_than_the_supply_carries_is_no_reading() -> None:
    rows = half_hourly([0.1] * 47 + [12.651])
    assert plain(days_of(intervals([rows])))[0] == (4_800, 1410)
    rows = half_hourly([0.1] * 47 + [12.65])
    assert plain(days_of(intervals([rows])))[0] == (4_700 + 12_650, 1440)
    assert daily_use.supply_limit("import_interval", None) == 25_300
    assert daily_use.supply_limit("import_interval", "48") == 48_000
    assert daily_use.supply_limit("export_register", "69.5") == 69_500
    assert daily_use.supply_limit("import_interval", "much") == 25_300
    assert daily_use.supply_limit("gas_register", "48") == 200_000


def test_who_had_more_than_their_supply_carries_is_named_by_row() -> None:
    start = utc("2026-03-27T00:00")
    assert intervals([half_hourly([0.1] * 48), half_hourly([0.1] * 47 + [12.651])]).beyond.tolist() == [1]
    climbs, leaps = ([(start, 100.0), (start + HOUR, 100.0 + more)] for more in (25.3, 30.0))
    assert registers([climbs, leaps]).beyond.tolist() == [1]
    assert registers([leaps, [*leaps, (start + 2 * HOUR, 1.0)]]).beyond.tolist() == [0, 1], "also where another falls"


def test_shares_are_exact_where_products_overflow() -> None:
    amount = np.array([10**11 - 1, 99_999_999_999, 7, 0], np.int64)
    whole = np.array([10**15 + 7, 3 * 10**14 + 1, 10**15, 5], np.int64)
    part = np.array([10**15 + 6, 10**14, 10**15, 3], np.int64)
    wanted = [int(a) * int(p) // int(w) for a, p, w in zip(amount, part, whole, strict=True)]
    assert daily_use._share(amount, part, whole).tolist() == wanted


def test_litres_to_watt_hours() -> None:
    days = Days(np.array([[1_000, -1, 0]]), np.array([[1440, 0, 1440]], np.int16))
    found = daily_use.from_litres(days, np.array([11.2, 11.2, 11.2]))
    assert found.use.tolist() == [[11_200, -1, 0]]


def test_an_interval_before_its_register_unless_that_measured_more() -> None:
    interval = Days(np.array([[5, 5, -1, -1, 5]]), np.array([[1440, 900, 600, 600, 900]], np.int16))
    register = Days(np.array([[6, 6, 6, -1, -1]]), np.array([[1440, 1440, 0, 700, 1000]], np.int16))
    found = daily_use.either(interval, register, daily_use.more_measured(interval, register))
    assert found.use.tolist() == [[5, 6, 6, -1, 5]]
    assert found.minutes.tolist() == [[1440, 1440, 0, 700, 900]]


def test_kilowatt_hours_before_cubic_metres() -> None:
    energy = Days(np.array([[5, -1, -1]]), np.array([[0, 100, 100]], np.int16))
    volume = Days(np.array([[6, 6, -1]]), np.array([[1440, 1440, 50]], np.int16))
    found = daily_use.either(energy, volume, daily_use.only_where_missing(energy, volume))
    assert found.use.tolist() == [[5, 6, -1]]
    assert found.minutes.tolist() == [[0, 1440, 100]]


def test_two_meters_of_one_home_add_up() -> None:
    meters = Days(
        np.array([[5, -1, -1], [7, 7, -1], [1, 2, 3]]), np.array([[1440, 30, 30], [900, 900, 60], [9, 9, 9]], np.int16)
    )
    found = daily_use.together(np.array([0, 0, 2]), meters, 3)
    assert found.use.tolist() == [[12, 7, -1], [-1, -1, -1], [1, 2, 3]]
    assert found.minutes.tolist() == [[900, 900, 60], [0, 0, 0], [9, 9, 9]]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("PT30M", 30), ("PT1H", 60), ("PT15M", 15), ("P1D", 1440), ("PT0M", 30), ("half", 30), ("", 30), (None, 30)],
)
def test_lengths_of_intervals(text: str | None, minutes: int) -> None:
    assert daily_use.interval_length(text) == minutes * 60_000_000


def test_nothing_at_all() -> None:
    assert plain(days_of(registers([[]]))) == [(-1, 0)] * DAYS
    assert plain(days_of(registers([[(int(EDGES[0]), 5.0)]]))) == [(-1, 0)] * DAYS
    assert days_of(intervals([]), 0).use.shape == (0, DAYS)
