"""Which periods are due: over, published once, settled once, each by the site's own midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.neighbours.schedule import WAITS_FOR, Due, due, end_of, homes_missing, waited_enough
from analytics.periods import FINAL_AFTER, Period, four_weeks_to, month_of, week_of
from store.times import begin_of

LONDON = ZoneInfo("Europe/London")
MAY = [("electricity", date(2026, 5, 1))]
FUELS = ("electricity", "gas")


def keys(found: list[Due]) -> list[str]:
    return [item.period.key for item in found]


def test_a_period_is_due_from_the_local_midnight_on_at_which_it_ends() -> None:
    week = week_of(date(2026, 5, 6))
    assert end_of(week, LONDON) == datetime(2026, 5, 10, 23, tzinfo=UTC)
    assert begin_of(week.start, LONDON) == datetime(2026, 5, 3, 23, tzinfo=UTC)
    before = due(MAY, {}, FUELS, datetime(2026, 5, 10, 22, 59, 59, tzinfo=UTC), LONDON)
    after = due(MAY, {}, FUELS, datetime(2026, 5, 10, 23, tzinfo=UTC), LONDON)
    assert set(keys(after)) - set(keys(before)) == {"2026-W19", "4w-2026-W19"}
    assert all(item.period.end <= date(2026, 5, 11) for item in after)


def test_every_period_with_a_day_in_the_month_and_no_other() -> None:
    found = due(MAY, {}, FUELS, datetime(2026, 9, 1, tzinfo=UTC), LONDON)
    assert [item.period for item in found if item.period.kind == "month"] == [month_of(date(2026, 5, 1))]
    weeks = [item.period for item in found if item.period.kind == "week"]
    assert weeks == [week_of(date(2026, 4, 27) + timedelta(days=7 * week)) for week in range(5)]
    fours = [item.period for item in found if item.period.kind == "four-weeks"]
    assert fours == [four_weeks_to(date(2026, 4, 27) + timedelta(days=7 * week)) for week in range(8)]
    assert keys(found) == [item.period.key for item in sorted(found, key=lambda item: (item.period.end,
                                                                                   item.period.kind))]  # fmt: skip
    assert all(item.finalises and not item.published for item in found), "old ones are settled at once"
    assert due([("export", date(2026, 5, 1))], {}, FUELS, datetime(2026, 9, 1, tzinfo=UTC), LONDON) == []


def test_published_it_is_due_again_once_when_late_data_have_settled_and_never_after() -> None:
    week = week_of(date(2026, 5, 6))
    key = ("week", week.start, "electricity")
    over = end_of(week, LONDON)

    def of_week(settled: dict[tuple[str, date, str], bool], now: datetime) -> list[Due]:
        return [item for item in due(MAY, settled, FUELS, now, LONDON) if item.period == week]

    assert of_week({}, over) == [Due(week, "electricity", published=False, finalises=False)]
    assert of_week({key: False}, over + FINAL_AFTER - timedelta(seconds=1)) == []
    assert of_week({key: False}, over + FINAL_AFTER) == [Due(week, "electricity", published=True, finalises=True)]
    assert of_week({key: True}, over + timedelta(days=400)) == []
    assert of_week({}, over + FINAL_AFTER) == [Due(week, "electricity", published=False, finalises=True)]


def test_fuels_are_due_apart() -> None:
    both = [*MAY, ("gas", date(2026, 5, 1))]
    week = week_of(date(2026, 5, 6))
    found = due(both, {("week", week.start, "gas"): False}, FUELS, end_of(week, LONDON), LONDON)
    assert [item.fuel for item in found if item.period == week] == ["electricity"]


def test_publishing_waits_for_the_last_day_of_nine_homes_in_ten_but_not_for_ever() -> None:
    over = end_of(Period("week", date(2026, 5, 4), date(2026, 5, 11)), LONDON)
    minutes = np.array([1440] * 9 + [1410, 0])
    assert homes_missing(minutes, 1440, 10) == 0
    assert homes_missing(minutes, 1440, 11) == 1, "nine of eleven"
    assert not waited_enough(over, over + WAITS_FOR - timedelta(seconds=1))
    assert waited_enough(over, over + WAITS_FOR)


@given(st.integers(0, 60), st.integers(0, 60), st.data())
def test_fewer_homes_than_are_missing_never_make_a_period_ready(homes: int, whole: int, data: st.DataObject) -> None:
    """Whatever each of them does: comes in, goes, or comes and is in at once."""
    any_day, has = homes, min(whole, homes)

    def ready(has: int, any_day: int) -> bool:
        return 10 * has >= 9 * any_day

    missing = homes_missing(np.array([1440] * has + [0] * (any_day - has), np.int64), 1440, any_day)
    assert (missing == 0) == ready(has, any_day)
    for _ in range(missing - 1):
        come = data.draw(st.sampled_from(["in", "gone", "both"]))
        has += come != "gone" and has < any_day
        any_day -= come != "in" and any_day > has
        assert not ready(has, any_day)
