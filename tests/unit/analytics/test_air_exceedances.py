"""A year against limits, counted again by hand; the packaged limits; files of limits that are wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.air import POLLUTANTS
from analytics.air.daily import hours_of
from analytics.air.exceedances import Exceedance, exceedances
from analytics.air.limits import Averaging, Limit, LimitsError, limits, read_limits
from store.batch import Float64

LONDON = ZoneInfo("Europe/London")
HOURS = 8760


def limit(pollutant: str, averaging: Averaging, value: int, allowed: int = 0) -> Limit:
    return Limit(pollutant, "WHO", averaging, value, allowed, date(2021, 1, 1), None, "here")


def year(**pollutants: Float64 | float) -> Float64:
    found = np.full((len(POLLUTANTS), HOURS), np.nan)
    for name, values in pollutants.items():
        found[POLLUTANTS.index(name)] = values
    return found


def one(mean: Float64, of: Limit, so2: Float64 | None = None) -> Exceedance:
    (found,) = exceedances(mean, LONDON, 2026, [of], so2=so2)
    assert found.limit is of
    return found


@pytest.mark.parametrize(
    ("level", "kept"), [(10.0, True), (10.4999, True), (10.4999995, False), (10.5, False), (11.0, False)]
)
def test_the_mean_of_a_year_is_compared_as_a_whole_number(level: float, kept: bool) -> None:
    found = one(year(no2=level), limit("no2", "year", 10))
    assert found.value == pytest.approx(level, abs=1e-9)
    assert (found.times, found.captured, found.kept) == (int(not kept), 1.0, kept)


def test_a_year_needs_three_quarters_of_its_hours() -> None:
    some = np.full(HOURS, 30.0)
    some[6570:] = np.nan
    assert one(year(no2=some), limit("no2", "year", 10)).kept is False
    some[6569] = np.nan
    short = one(year(no2=some), limit("no2", "year", 10))
    assert (short.value, short.kept) == (None, None)
    assert short.captured == 6569 / 8760
    assert one(year(), limit("no2", "year", 10)) == Exceedance(limit("no2", "year", 10), None, 0, 0.0, None)


def test_hours_over_a_limit_are_counted_and_some_are_allowed() -> None:
    some = np.full(HOURS, 20.0)
    some[:18] = 201.0
    some[18:30] = 200.4
    allowed = one(year(no2=some), limit("no2", "hour", 200, 18))
    assert (allowed.value, allowed.times, allowed.kept) == (201.0, 18, True)
    some[30] = 200.5
    assert one(year(no2=some), limit("no2", "hour", 200, 18)).kept is False


def test_a_limit_that_was_passed_is_passed_however_little_is_known_and_else_nobody_can_say() -> None:
    some = np.full(HOURS, np.nan)
    some[:100] = 20.0
    assert one(year(no2=some), limit("no2", "hour", 200, 1)).kept is None
    some[:2] = 300.0
    assert one(year(no2=some), limit("no2", "hour", 200, 1)).kept is False


def test_days_are_local_and_need_their_hours() -> None:
    some = np.full(HOURS, 1.0)
    edges = hours_of(LONDON, date(2026, 1, 1), 365)
    autumn = (date(2026, 10, 25) - date(2026, 1, 1)).days
    assert edges[autumn + 1] - edges[autumn] == 25
    some[edges[autumn] : edges[autumn + 1]] = 46.0
    found = one(year(pm10=some), limit("pm10", "day", 45, 0))
    assert (found.value, found.times, found.kept) == (46.0, 1, False)
    some[edges[autumn] : edges[autumn] + 7] = np.nan
    fewer = one(year(pm10=some), limit("pm10", "day", 45, 0))
    assert (fewer.value, fewer.times, fewer.captured) == (1.0, 0, 364 / 365)


def test_the_highest_eight_hours_of_a_day() -> None:
    some = np.full(HOURS, 10.0)
    some[48:56] = 101.0
    found = one(year(o3=some), limit("o3", "highest-8-hours", 100, 0))
    assert (found.value, found.times) == (101.0, 1)


def test_quarter_hours_of_so2() -> None:
    so2 = np.full(4 * HOURS, 5.0)
    so2[[7, 4000, 4001]] = 267.0
    found = one(year(), limit("so2", "quarter-hour", 266, 2), so2)
    assert (found.times, found.captured, found.kept) == (3, 1.0, False)
    assert one(year(so2=900.0), limit("so2", "quarter-hour", 266, 2)).kept is None


def test_the_peak_season_is_the_worst_six_months() -> None:
    some = np.full(HOURS, 20.0)
    edges = hours_of(LONDON, date(2026, 1, 1), 365)
    first, end = edges[(date(2026, 4, 1) - date(2026, 1, 1)).days], edges[(date(2026, 10, 1) - date(2026, 1, 1)).days]
    some[first:end] = 90.0
    found = one(year(o3=some), limit("o3", "peak-season", 60))
    assert found.value == pytest.approx(90.0, abs=0.2)
    assert (found.times, found.kept) == (1, False)
    some[first : first + 24 * 10] = np.nan
    assert one(year(o3=some), limit("o3", "peak-season", 60)).kept is None


def test_hours_that_lack_are_said() -> None:
    with pytest.raises(ValueError, match="2026 has 8,760 hours with their lead, not 8,759"):
        exceedances(year()[:, 1:], LONDON, 2026, limits())


def test_the_packaged_limits_are_dated_and_have_their_sources() -> None:
    found = {(one.body, one.pollutant, one.averaging, one.value): one for one in limits()}
    assert len(found) == len(limits())
    assert found["WHO", "pm2_5", "year", 5].start == date(2021, 9, 22)
    assert found["WHO", "o3", "peak-season", 60].allowed == 0
    assert {value for body, name, averaging, value in found if (body, averaging) == ("EU", "year")} == {10, 20}
    assert not any(one.stands(date(2029, 12, 31)) for one in limits() if one.body == "EU")
    assert all(one.stands(date(2030, 1, 1)) for one in limits() if one.body == "EU")
    coming = [one for one in limits() if one.body == "UK" and not one.stands(date(2026, 11, 29))]
    assert [(one.pollutant, one.value, one.start) for one in coming] == [("pm2_5", 10, date(2040, 12, 31))]
    assert not Limit("no2", "X", "year", 1, 0, date(2020, 1, 1), date(2021, 1, 1), "").stands(date(2021, 1, 1))
    assert all(len(one.source) > 10 for one in limits())


ENTRY = {
    "pollutant": '"no2"', "body": '"UK"', "averaging": '"hour"', "value": "200", "allowed": "18", "from": "2010-01-01",
    "source": '"a regulation"',
}  # fmt: skip


def written(path: Path, *entries: dict[str, str]) -> Path:
    text = "\n".join("[[limit]]\n" + "".join(f"{key} = {value}\n" for key, value in entry.items()) for entry in entries)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pollutant": '"lead"'}, r"limit\[1\]\.pollutant: is one of pm2_5"),
        ({"averaging": '"week"'}, r"\.averaging: is one of year, day"),
        ({"averaging": '"quarter-hour"'}, r"\.averaging: quarter hours are kept of so2"),
        ({"averaging": '"year"'}, r"\.allowed: is 0"),
        ({"value": "10.5"}, r"\.value: is a whole number, at least 1"),
        ({"value": "true"}, r"\.value: is a whole number"),
        ({"allowed": "-1"}, r"\.allowed: is a whole number, at least 0"),
        ({"from": '"2010"'}, r"\.from: is a date"),
        ({"to": "2010-01-01"}, r"\.to: comes after from"),
        ({"source": '" "'}, r"\.source: is a text"),
        ({"unit": '"ug"'}, r"\.unit: is none of"),
    ],
)
def test_a_wrong_entry_is_told_with_its_place(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    with pytest.raises(LimitsError, match=message):
        read_limits(written(tmp_path / "limits.toml", {**ENTRY, **changed}))


def test_a_wrong_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    for text, message in (("[[", "limits.toml"), ("limit = 3", "holds"), ("", "holds"), ("[[limits]]\n", "holds")):
        path.write_text(text)
        with pytest.raises(LimitsError, match=message):
            read_limits(path)
    path.write_bytes(b"\xff")
    with pytest.raises(LimitsError, match="UTF-8"):
        read_limits(path)
    with pytest.raises(LimitsError, match="No such file"):
        read_limits(tmp_path / "none.toml")
    without = {key: value for key, value in ENTRY.items() if key != "source"}
    with pytest.raises(LimitsError, match=r"limit\[1\]\.source: is missing"):
        read_limits(written(path, without))
    with pytest.raises(LimitsError, match=r"limit\[2\]: UK, no2, hour of 200 is there twice for 2012-01-01"):
        read_limits(written(path, ENTRY, {**ENTRY, "from": "2012-01-01"}))
    assert len(read_limits(written(path, {**ENTRY, "to": "2012-01-01"}, {**ENTRY, "from": "2012-01-01"}))) == 2
