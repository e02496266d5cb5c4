"""What is foretold of zones, from the stored days to the public page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.parking import forecasts
from store import forecasts as table
from store.connect import Connection, connect
from store.times import local_day, midnight
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds.parking_board import zone_day
from tests.worlds.parking_public import HERE, town

ZONE = ZoneInfo("Europe/London")


def course(seed: int, days: int) -> NDArray[np.float64]:
    """Hours of days ``(days, 24)``: a course that is always the same, and how far each day is above or below it."""
    rng = np.random.default_rng(seed)
    return 0.5 + 0.2 * np.sin(np.arange(24) / 24 * 2 * np.pi) + rng.normal(0, 0.08, (days, 1))


def store_days(connection: Connection, now: datetime, zone: str, shares: NDArray[np.float64]) -> None:
    """Days of a zone that end today; of today no more than is over."""
    today = local_day(now, ZONE)
    for number, hours in enumerate(shares):
        day = today - timedelta(days=len(shares) - 1 - number)
        zone_day(connection, zone, day, [float(share) for share in np.clip(hours, 0, 1)])


@pytest.fixture
def world(timescale: Cluster) -> Iterator[tuple[str, Connection]]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        yield timescale.url(name), connection
    timescale.drop(name)


def test_it_is_told_each_quarter_hour_and_tested_once_a_day(world: tuple[str, Connection]) -> None:
    url, connection = world
    # ten past twelve of a day in winter: what is known ends at noon
    day = datetime(2026, 12, 10, tzinfo=UTC)
    now = day + timedelta(hours=12, minutes=10)
    known = course(1, 40)
    store_days(connection, now, "Zone A", known)
    store_days(connection, now, "Zone B", np.full((40, 24), 0.5))
    store_days(connection, now - timedelta(days=3), "Zone C", course(3, 30))  # nothing of it is known today
    assert forecasts.update(connection, ZONE, now) == 2
    found = {(one.zone, one.minutes): one for one in table.all_forecasts(connection)}
    assert sorted(found) == [(zone, minutes) for zone in ("Zone A", "Zone B") for minutes in (15, 30, 60)]
    hour = found["Zone A", 60]
    assert hour.at == day + timedelta(hours=13)
    assert hour.tested.day == now.date()
    assert hour.tested.days == 25
    assert hour.tested.shown
    assert hour.occupancy == pytest.approx(known[-1, 12], abs=0.03)
    assert not any(found["Zone B", minutes].tested.shown for minutes in (15, 30, 60))
    # the same quarter hour again: nothing is done
    assert forecasts.update(connection, ZONE, now + timedelta(minutes=4)) == 0
    connection.execute("update public.zone_forecast set tested_days = 99")
    assert forecasts.update(connection, ZONE, now + timedelta(minutes=5)) == 2
    assert {one.tested.days for one in table.all_forecasts(connection)} == {99}
    assert {one.at for one in table.all_forecasts(connection)} == {
        day + timedelta(hours=12, minutes=15 + minutes) for minutes in (15, 30, 60)
    }
    with site.running(site.options(url)), connect(url) as other:
        other.execute("set role borough_open")
        assert len(other.execute("select * from public.zone_forecast").fetchall()) == 6


def test_the_public_page_says_what_is_shown(world: tuple[str, Connection]) -> None:
    url, connection = world
    town(connection)
    now = datetime.now(UTC)
    at = [now + timedelta(minutes=minutes) for minutes in (10, 25, 55)]
    good = table.Tested(0.034, 0.05, 0.06, True, now.date(), 20)
    bad = good._replace(shown=False)
    table.replace(
        connection,
        [
            *(table.Forecast("Zone A", m, a, 0.42, good) for m, a in zip((15, 30, 60), at, strict=True)),
            table.Forecast("Zone B", 15, at[0], 0.33, bad),
            table.Forecast("Zone B", 30, now - timedelta(minutes=1), 0.33, good),
            table.Forecast("Zone B", 60, at[2], None, good),
        ],
    )
    with site.running(site.options(url, demo=True)) as served, site.client(served) as web:
        text = " ".join(re.sub(r"<[^>]+>", " ", html.unescape(web.get(f"/parking?place={HERE}").text)).split())
    said = [f"at {moment.astimezone(ZONE):%H:%M} about 58 of 100 bays (on average wrong by 3)" for moment in at]
    assert f"Zone A: {', '.join(said)} Look" in text
    assert "Zone B:" not in text


def test_a_day_on_which_clocks_change(world: tuple[str, Connection]) -> None:
    _, connection = world
    now = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)
    days = course(4, 40)
    store_days(connection, now, "Zone A", days)
    today = local_day(now, ZONE)
    length = (midnight(today + timedelta(days=1), ZONE) - midnight(today, ZONE)) // 900_000_000
    assert length == 100
    quarters = np.zeros((length, 4), np.int64)
    quarters[:, 0] = np.repeat(np.rint(days[-1] * 100).astype(np.int64), 4)[np.maximum(np.arange(100) - 4, 0)]
    quarters[:, 1] = 100 - quarters[:, 0]
    connection.execute(
        "update public.zone_day set quarters = %s, arrivals = %s where day = %s",
        (quarters.astype(">i4").tobytes(), np.zeros(100, ">i4").tobytes(), today),
    )
    forecasts.update(connection, ZONE, now)
    (hour,) = [one for one in table.all_forecasts(connection) if one.minutes == 60]
    assert hour.at == now + timedelta(hours=1)
    assert hour.occupancy == pytest.approx(days[-1, 12], abs=0.04)
