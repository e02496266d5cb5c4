"""The record of air from outside: what pages read, what stays when readings go, who is refused, what a kill leaves."""

from __future__ import annotations

import json
import signal
import subprocess
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.air import INDEXED, POLLUTANTS, runner
from borough import cli
from devices.device import Origin
from store import air, air_record, daily, erasure, registry, session_lock
from store.connect import connect
from store.daily import OtherZone
from store.maintain import maintain
from tests.tools.batches import query
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import PATIENCE, wait_for
from tests.worlds.air_record import LONDON, AirWorld, every, utc
from tests.worlds.household import KEY

KOLKATA = ZoneInfo("Asia/Kolkata")
FRIDAY = date(2026, 3, 27)


@pytest.fixture
def world(database: str) -> AirWorld:
    return AirWorld(database)


def hours(world: AirWorld, device: str, start: str, end: str) -> air.Hours:
    with connect(world.url) as connection:
        return air.hours(connection, [device], utc(start), utc(end))


def now(world: AirWorld, at: str, origin: Origin = "real") -> dict[str, air.Now]:
    with connect(world.url) as connection:
        return {one.device: one for one in air.now(connection, utc(at), origin)}


def test_both_lists_of_pollutants_are_one() -> None:
    assert (air.POLLUTANTS, air.INDEXED) == (POLLUTANTS, INDEXED)


def test_a_day_by_hand(world: AirWorld) -> None:
    """36.0 is Moderate (4) from the 18th hour on; a day of 24 hours with 17 of them has no index of particles."""
    world.monitor("m", interval="PT30M")
    world.write(every("m", "pm2_5", "2026-03-26T00:00", 30, [36.0] * 48))
    # of an hour one of two readings: 50 %
    world.write(
        [("m", "pm2_5", utc("2026-03-27T00:00"), 36.0), *every("m", "no2", "2026-03-26T09:00", 30, [67.5, 67.5])]
    )
    world.update()
    found = hours(world, "m", "2026-03-25T22:00", "2026-03-27T02:00")
    assert found.index[0, 0].tolist() == [0] * 2 + [0] * 17 + [4] * 7 + [4, 4]
    assert found.captured[0, 0].tolist() == [0] * 2 + [2] * 24 + [1, 0]
    assert np.isnan(found.mean[0, 0, 26])
    # 67.5 is 68 when it is rounded half up
    assert found.index[0, 2].tolist() == [0] * 11 + [2] + [0] * 16
    assert found.mean[0, 2, 11] == 67.5
    assert world.index_days() == {("m", date(2026, 3, 26)): (4, 0, 0, 0, 0)}
    with connect(world.url) as connection:
        days = air.days(connection, ["m", "nobody"], date(2026, 3, 25), date(2026, 3, 28))
        assert days.index.tolist() == [[air.NONE, 4, air.NONE], [air.NONE] * 3]
        assert days.by_pollutant[0, :, 1].tolist() == [4, 0, 0, 0, 0]
        assert air.span(connection, ["m"], LONDON) == (date(2026, 3, 26), date(2026, 3, 26))
        assert air.span(connection, ["nobody"], LONDON) is None


def test_days_without_an_index_are_days_too(world: AirWorld) -> None:
    """Of a monitor of carbon monoxide alone no day has an index; its files and its years have its days all the same."""
    for name in ("co", "both"):
        world.monitor(name, interval="PT30M")
        world.write(every(name, "co", "2026-06-26T23:00", 30, [0.4] * 6))
    world.write(every("both", "pm2_5", "2026-06-30T00:00", 30, [9.0] * 46))
    # one reading of two is too little for a mean
    world.write([("co", "co", utc("2026-06-20T12:00"), 0.4), ("co", "humidity", utc("2026-07-20T12:00"), 50.0)])
    world.update()
    # 23:00 UTC is the next day in London's summer
    with connect(world.url) as connection:
        assert air.span(connection, ["co"], LONDON) == (date(2026, 6, 27), date(2026, 6, 27))
        assert air.span(connection, ["co"], ZoneInfo("UTC")) == (date(2026, 6, 26), date(2026, 6, 27))
        assert air.span(connection, ["both"], LONDON) == (date(2026, 6, 27), date(2026, 6, 30))
        assert air.span(connection, ["co", "both"], LONDON) == (date(2026, 6, 27), date(2026, 6, 30))


def test_now_is_one_of_two_hours_that_are_over_and_else_it_is_last_heard(world: AirWorld) -> None:
    world.monitor("m", interval="PT30M", name="High Street")
    world.monitor("silent", interval="PT30M", class_of_instrument="reference")
    world.monitor("simulated", origin="simulated", interval="PT30M")
    world.monitor("home", personal=True)
    for name in ("m", "silent", "simulated", "home"):
        world.write(every(name, "pm2_5", "2026-03-26T00:00", 30, [36.0] * 48))
    world.write(every("m", "no2", "2026-03-26T22:00", 30, [201.0] * 3))
    world.write(every("m", "humidity", "2026-03-26T22:00", 30, [85.1] * 4))
    world.update()
    found = now(world, "2026-03-27T00:59")
    assert list(found) == ["m", "silent"], "no household's, and real alone"
    one = found["m"]
    assert (one.hour, one.fresh, one.index, one.worst) == (utc("2026-03-26T23:00"), True, 4, "pm2_5")
    assert (one.by_pollutant, one.missing) == ({"pm2_5": 4}, ("pm10", "no2", "o3", "so2"))
    assert (one.humid, one.indicative, one.monitor.name) == (True, True, "High Street")
    assert one.monitor.measured == ("pm2_5", "no2", "humidity")
    assert not found["silent"].indicative
    # the hour that goes on is no hour of now; of the one before there is nitrogen dioxide too
    earlier = now(world, "2026-03-26T23:30")["m"]
    assert (earlier.hour, earlier.index, earlier.worst) == (utc("2026-03-26T22:00"), 4, "pm2_5")
    assert earlier.by_pollutant == {"pm2_5": 4, "no2": 4}
    assert now(world, "2026-03-27T01:59:59")["m"].fresh
    late = now(world, "2026-03-27T02:00")["m"]
    assert (late.fresh, late.hour, late.index) == (False, utc("2026-03-26T23:00"), 4)
    gone = now(world, "2026-03-29T00:00")["m"]
    assert (gone.hour, gone.index, gone.worst, gone.missing) == (None, 0, None, air.INDEXED)
    assert gone.monitor.heard == utc("2026-03-26T23:30")
    assert list(now(world, "2026-03-27T00:59", "simulated")) == ["simulated"]
    with connect(world.url) as connection:
        registry.retire(connection, ["m"])
        connection.commit()
    assert list(now(world, "2026-03-27T00:59")) == ["silent"]
    with connect(world.url) as connection:
        assert [one.id for one in air.monitors(connection, "real") if one.retired] == ["m"]
        assert air.newest(connection, "real") == utc("2026-03-26T23:30")


def test_instants_that_are_no_full_hour_are_refused(world: AirWorld) -> None:
    with connect(world.url) as connection:
        with pytest.raises(ValueError, match="no full hour"):
            air.hours(connection, ["m"], utc("2026-03-26T00:30"), utc("2026-03-27T00:00"))
        with pytest.raises(ValueError, match="no time zone"):
            air.quarters(connection, ["m"], utc("2026-03-26T00:00").replace(tzinfo=None), utc("2026-03-27T00:00"))


def test_an_hour_that_is_labelled_by_its_end_is_of_the_day_before(world: AirWorld) -> None:
    world.monitor("m", interval="PT1H", hour_label="end")
    world.write([("m", "no2", utc("2026-03-27T00:00"), 50.0), ("m", "no2", utc("2026-03-27T01:00"), 70.0)])
    world.update()
    found = hours(world, "m", "2026-03-26T22:00", "2026-03-27T02:00")
    np.testing.assert_array_equal(found.mean[0, 2], [np.nan, 50.0, 70.0, np.nan])
    assert query(world.url, "select count(*) from public.air_day") == [(2,)]
    world.change("m", hour_label="begin")
    world.update()
    found = hours(world, "m", "2026-03-26T22:00", "2026-03-27T02:00")
    np.testing.assert_array_equal(found.mean[0, 2], [np.nan, np.nan, 50.0, 70.0])
    assert query(world.url, "select count(*) from public.air_day") == [(1,)]


def test_hours_stay_when_their_readings_go_and_nothing_computes_them_anew(each_database: str) -> None:
    world = AirWorld(each_database)
    world.monitor("m")
    for day in (24, 25, 26, 27):
        world.write(every("m", "pm2_5", f"2026-03-{day}T00:00", 10, [40.0] * 144))
    world.update()
    before = world.record()
    with connect(world.url, autocommit=True) as connection:
        report = maintain(connection, {"air-monitor": 2}, utc("2026-03-28T07:00"))
    assert report.readings or report.chunks
    assert query(world.url, "select count(*) from public.reading") == [(144 + 102,)]
    world.update()
    assert world.record() == before
    # late readings of such a day, another interval, other rules
    world.write(every("m", "pm2_5", "2026-03-25T05:00", 10, [900.0] * 6))
    world.write(every("m", "pm2_5", "2026-03-24T23:55", 1, [900.0]))
    world.update()
    assert world.record() == before
    world.change("m", interval="PT5M")
    world.update()
    found = world.record()["public.air_day"]
    assert found[:3] == before["public.air_day"][:3]
    assert found[3] != before["public.air_day"][3], "the day that has its readings is computed by the new interval"
    assert sorted(day for _, day in world.index_days()) == [FRIDAY - timedelta(days=number) for number in (3, 2, 1)]
    with connect(world.url) as connection:
        assert air_record.state(connection)[0] == (FRIDAY - date(1970, 1, 1)).days
        air_record.keep_first_day(connection, date(2026, 1, 1))
        assert air_record.state(connection)[0] == (FRIDAY - date(1970, 1, 1)).days, "it never goes back"


def test_another_zone_is_refused_and_taken_when_it_is_meant(world: AirWorld) -> None:
    world.monitor("m", interval="PT1H")
    world.write(every("m", "no2", "2026-03-26T00:00", 60, [70.0] * 48))
    world.update()
    assert world.index_days() == {("m", date(2026, 3, day)): (0, 0, 2, 0, 0) for day in (26, 27)}
    hours_before = world.record()["public.air_day"]
    with connect(world.url) as connection, pytest.raises(OtherZone, match="Europe/London"):
        runner.update(connection, KOLKATA)
    with connect(world.url) as connection:
        daily.change_zone(connection, KOLKATA)
        connection.commit()
    world.update(KOLKATA)
    # 24 hours from 18:30 UTC on; the first day has 18 of them in the record, the last one six
    assert world.index_days() == {
        ("m", date(2026, 3, 26)): (0, 0, 2, 0, 0), ("m", date(2026, 3, 27)): (0, 0, 2, 0, 0),
        ("m", date(2026, 3, 28)): (0, 0, 0, 0, 0),
    }  # fmt: skip
    assert world.record()["public.air_day"] == hours_before
    assert world.record() == world.recomputed(KOLKATA)


def test_other_rules_compute_everything_again(world: AirWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.monitor("m", interval="PT1H")
    world.write(every("m", "no2", "2026-03-26T00:00", 60, [70.0] * 24))
    world.update()
    before = world.record()
    world.do("update public.air_day set indices = decode(repeat('09', 24), 'hex')")
    assert world.update().days == 0
    monkeypatch.setattr(runner, "RULES", "2")
    assert world.update().days == 1
    assert world.record() == before


def test_a_monitor_that_becomes_a_households_is_nowhere_at_once(world: AirWorld) -> None:
    world.monitor("m", interval="PT1H")
    world.write(every("m", "no2", "2026-03-26T00:00", 60, [70.0] * 24))
    world.update()
    world.change("m", personal=True)
    assert world.record() == {"public.air_day": [], "public.air_index_day": []}
    world.update()
    assert now(world, "2026-03-27T00:00") == {}
    world.change("m", personal=False)
    world.update()
    assert world.index_days() == {("m", date(2026, 3, 26)): (0, 0, 2, 0, 0)}
    # computed meanwhile by somebody who had read the register before: the note takes it away
    world.change("m", personal=True)
    world.do(
        "insert into public.air_index_day (device_id, day, index, indices) values ('m', '2026-03-26', 0, '{0,0,0,0,0}')"
    )
    world.update()
    assert world.record()["public.air_index_day"] == []


def test_an_erasure_takes_a_monitor_that_was_in_a_home(world: AirWorld) -> None:
    world.monitor("m", interval="PT1H")
    world.monitor("other", interval="PT1H")
    for name in ("m", "other"):
        world.write(every(name, "no2", "2026-03-26T00:00", 60, [70.0] * 48))
    world.update()
    world.do("insert into personal.home (id, uprn, address, lon, lat) values (1, '100021048377', '{x}', 0, 51)")
    world.do("insert into personal.tenancy (id, home_id, from_day) values (7, 1, '2026-01-01')")
    world.do("insert into personal.home_meter (device_id, from_day, home_id) values ('m', '2026-01-01', 1)")
    world.change("m", interval="PT30M")
    with connect(world.url, autocommit=True) as connection:
        plan = erasure.plan(connection, 7, LONDON)
        assert plan is not None
        with connection.transaction():
            erasure.bury(connection, KEY, plan)
        with connection.transaction():
            done = erasure.erase(connection, KEY, plan)
    assert (done["public.air_day"], done["public.air_index_day"]) == (2, 2)
    assert query(world.url, "select distinct device_id from public.air_index_day") == [("other",)]
    assert query(world.url, "select count(*) from personal.touched_monitor") == [(0,)]
    assert query(world.url, "select count(*) from public.air_day") == [(2,)]


def test_notes_that_come_while_it_computes_are_kept(world: AirWorld) -> None:
    world.monitor("m", interval="PT1H")
    world.write(every("m", "no2", "2026-03-26T00:00", 60, [70.0] * 24))
    with connect(world.url) as connection:
        runner.update(connection, LONDON)
        world.write(every("m", "no2", "2026-03-26T00:30", 60, [170.0] * 24))
        connection.commit()
    assert query(world.url, "select count(*) from touched_day where family = 'air-monitor'") == [(1,)]
    world.update()
    assert world.record() == world.recomputed()


def test_who_is_refused(world: AirWorld) -> None:
    with connect(world.url, autocommit=True) as connection, pytest.raises(ValueError, match="autocommit"):
        runner.run(connection, LONDON)
    with connect(world.url) as other, connect(world.url) as connection:
        assert session_lock.take(other, ["analyse air"]) is not None
        other.commit()
        with pytest.raises(session_lock.Busy, match="another analysis"):
            runner.run(connection, LONDON)


def test_a_run_that_is_told_to_stop_goes_on_later(world: AirWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.monitor("m", interval="PT1H")
    world.write(every("m", "no2", "2026-03-01T00:00", 60, [70.0] * 24 * 26))
    with connect(world.url) as connection:
        first = runner.run(connection, LONDON, lambda: True)
        assert (first.days, first.more) == (0, True)
        monkeypatch.setattr(runner, "_LONGEST", 4)
        summary = runner.update(connection, LONDON, cells=5)
        connection.commit()
        assert (summary.days, summary.more) == (8, True)
        rest = runner.run(connection, LONDON)
    assert (rest.days, rest.more) == (18, False)
    assert world.record() == world.recomputed()


def test_what_the_command_says(
    world: AirWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOROUGH_DATABASE_URL", world.url)
    assert cli.run(["analyse"]) == 0
    assert "Air" not in capsys.readouterr().out
    world.monitor("m", interval="PT1H")
    world.write(every("m", "no2", "2026-03-26T00:00", 60, [70.0] * 24))
    assert cli.run(["analyse"]) == 0
    said = "Air is recorded to 2026-03-26 23:00:00 UTC. Changed: 1 day of pollutants, 1 daily index.\n"
    assert said in capsys.readouterr().out
    assert cli.run(["analyse", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["air"]
    assert found == {"days": 0, "indices": 0, "recorded_to": "2026-03-26T23:00:00+00:00"}


def test_a_killed_run_is_gone_on_with(world: AirWorld) -> None:
    """SIGKILL while it waits for a table that another session holds: nothing of that call is there, nothing is lost."""
    world.monitor("m", interval="PT5M")
    for day in range(1, 25):
        world.write(every("m", "no2", f"2026-03-{day:02}T00:00", 5, [70.0] * 288))
    world.update()
    before = world.record()
    world.do("update public.reading set value = value + 100")
    world.do("insert into touched_day (family, day) select 'air-monitor', d::date from generate_series("
             "'2026-03-01'::date, '2026-03-24', '1 day') d")  # fmt: skip
    settings = environment({"BOROUGH_DATABASE_URL": world.url})
    with connect(world.url) as other:
        # its last write of a call waits for us
        other.execute("lock table public.air_index_day in share mode")
        process = subprocess.Popen([*WITH_US, *BOROUGH, "analyse"], env=settings, stderr=subprocess.PIPE)
        waits = "select count(*) from pg_locks where not granted and relation = 'public.air_index_day'::regclass"
        assert wait_for(lambda: query(world.url, waits) == [(1,)], 60, 0.05)
        process.kill()
        process.communicate(timeout=PATIENCE)
        assert process.returncode == -signal.SIGKILL
    # its session ends when the server notices
    sessions = "select count(*) from pg_stat_activity where application_name = 'borough analyse'"
    assert wait_for(lambda: query(world.url, sessions) == [(0,)], 60, 0.05)
    assert world.record() == before
    assert query(world.url, "select count(*) from touched_day where family = 'air-monitor'") == [(24,)]
    assert world.update().days == 24
    assert world.record() == world.recomputed()
    assert hours(world, "m", "2026-03-24T00:00", "2026-03-24T01:00").mean[0, 2, 0] == 170.0


def test_a_first_year_comes_in_many_calls_of_bounded_size(world: AirWorld) -> None:
    world.monitor("m", interval="PT1H")
    world.monitor("n", interval="PT1H")
    start = utc("2025-01-01T00:00")
    for name in ("m", "n"):
        told = [(name, "o3", start + timedelta(hours=at), 60.0 + at % 24) for at in range(24 * 365)]
        world.write(told)
    total = world.update(cells=100)
    assert total.days == 730
    assert world.index_days()["n", date(2025, 12, 31)] == (0, 0, 0, 3, 0)
    assert world.record() == world.recomputed()


def test_a_day_of_a_few_readings_says_nothing_of_the_next_one(world: AirWorld) -> None:
    """Twelve steps do: then one reading an hour is expected the next day too."""
    world.monitor("few")
    world.monitor("enough")
    world.write(every("few", "pm2_5", "2026-03-26T12:00", 60, [10.0] * 12))
    world.write(every("enough", "pm2_5", "2026-03-26T11:00", 60, [10.0] * 13))
    for name in ("few", "enough"):
        world.write([
            *every(name, "pm2_5", "2026-03-27T00:00", 15, [10.0] * 8), (name, "pm2_5", utc("2026-03-27T02:00"), 10.0),
        ])  # fmt: skip
    world.update()
    assert query(world.url, "select step from public.air_day where day = '2026-03-26' order by step") == [
        (3_600_000_000,), (None,),
    ]  # fmt: skip
    mean = {name: hours(world, name, "2026-03-27T00:00", "2026-03-27T03:00").mean[0, 0] for name in ("few", "enough")}
    # one reading of the third hour: all of an hourly monitor's, a quarter of what is sent each 15 minutes
    np.testing.assert_array_equal(mean["enough"], [10.0, 10.0, 10.0])
    np.testing.assert_array_equal(mean["few"], [10.0, 10.0, np.nan])
