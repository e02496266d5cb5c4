"""The runner of the homes on every kind of server: published, settled once, and never changed after."""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.neighbours import programme, runner
from analytics.neighbours.period_comparison import HomesOptions, PeriodHomes
from analytics.neighbours.runner import run
from analytics.periods import Period, week_of
from borough import cli
from store import comparisons, corrections, series, session_lock
from store import programme as table
from store.comparisons import Comparison
from store.connect import Connection, connect
from store.copy import copy_readings
from tests.references.daily_use import HOUR, utc
from tests.tools.load import ask
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import PATIENCE, wait_for
from tests.worlds.neighbourhood import OPTIONS, Street, at

HOMES = 110
MONDAY = date(2026, 8, 3)
WEEK = timedelta(days=7)


@pytest.fixture
def street(each_database: str) -> Street:
    return Street(each_database, HOMES)


@pytest.fixture
def timescale_street(database: str) -> Street:
    """For what does not hang on the kind of server."""
    return Street(database, HOMES)


def figures(one: Comparison) -> tuple[object, ...]:
    """What a row says, without its history."""
    return (one.own, one.before, one.state, one.reason, one.average, one.efficient, one.homes, one.tenths, one.cost,
            one.carbon, one.estimated_days, one.missing_days)  # fmt: skip


def test_a_week_is_published_when_it_is_over_and_then_nothing_is_left_to_do(street: Street) -> None:
    use = street.build(MONDAY - WEEK, 14)
    done = street.analyse(at(MONDAY + timedelta(days=6), 20))
    assert [key[1] for key in done.published if key[0] == "week"] == [MONDAY - WEEK], "this week is not over"
    assert done.days == HOMES * 14
    done = street.analyse(at(MONDAY + timedelta(days=6), 23))
    assert done.published == [("week", MONDAY, "electricity")], "it is: midnight is at 23:00 UTC"
    assert (done.days, done.rows) == (0, HOMES)
    assert done.finalised == [("week", MONDAY - WEEK, "electricity")], "seven days after its end"
    assert done.revised == 0
    told = street.told("week", MONDAY)
    assert len(told) == HOMES
    own = use[:, 7:].sum(axis=1)
    assert {number: one.own for number, one in told.items()} == {n + 1: own[n] for n in range(HOMES)}
    assert {one.before for one in told.values()} == set(use[:, :7].sum(axis=1).tolist())
    assert all(one.homes == 110 and one.average and one.efficient and one.tenths is not None for one in told.values())
    lowest = told[int(np.argmin(own)) + 1]
    assert (lowest.state, lowest.tenths) == ("great", 0)
    assert told[int(np.argmax(own)) + 1].state == "more"
    assert all(one.cost and one.carbon and one.tariff and not one.tariff_own for one in told.values())
    again = street.analyse(at(MONDAY + WEEK))
    assert (again.days, again.compared, again.rows, again.revised, again.late) == (0, 0, 0, 0, 0)


def test_what_was_published_is_listed_for_corrections(street: Street) -> None:
    street.build(MONDAY, 7)
    street.analyse(at(MONDAY + WEEK))
    with connect(street.url) as connection:
        listed = corrections.published(connection, [("smart-meter", MONDAY)])
    assert [(one.kind, one.reference, one.first_day, one.last_day) for one in listed] == [
        ("comparison", "2026-W32 electricity", MONDAY - timedelta(days=1), MONDAY + timedelta(days=6))
    ], "days of readings are UTC's"


@pytest.mark.parametrize("named", [False, True], ids=["anybody", "named"])
def test_late_readings_change_exactly_what_they_concern_when_it_settles_and_nothing_after(
    street: Street, named: bool
) -> None:
    use = street.build(MONDAY, 7)
    street.analyse(at(MONDAY + WEEK))
    first = street.told("week", MONDAY)
    highest = int(np.argmax(use.sum(axis=1))) + 1
    street.store({(9, MONDAY): int(use[8, 0]) + 900, (highest, MONDAY): 40_000}, named=named)
    between = street.analyse(at(MONDAY + WEEK + timedelta(days=3)))
    assert (between.days, between.compared, between.late) == (2, 0, 0)
    assert street.told("week", MONDAY) == first, "revised once, at settling"
    done = street.analyse(at(MONDAY + 2 * WEEK))
    assert done.finalised == [("week", MONDAY, "electricity")]
    second = street.told("week", MONDAY)
    changed = {number for number in first if figures(first[number]) != figures(second[number])}
    assert {9, highest} <= changed
    assert second[9].own == use[8].sum() + 900
    assert all(second[number].own == first[number].own for number in first if number not in (9, highest))
    assert {number for number, one in second.items() if one.revision == 2} == changed
    assert done.revised == len(changed)
    assert all(one.final for one in second.values())
    # settled: what comes now is listed, and nothing is redrawn
    street.store({(9, MONDAY): int(use[8, 0])}, named=named)
    done = street.analyse(at(MONDAY + 3 * WEEK))
    assert (done.days, done.late) == (1, 1)
    assert [key for key in done.finalised if key[1] == MONDAY] == []
    assert street.told("week", MONDAY) == second
    home, _ = street.ids(9, MONDAY)
    with connect(street.url) as connection:
        (late,) = comparisons.late_of_home(connection, home, "week", MONDAY)
    assert (late.was, late.would_be) == (second[9].own, use[8].sum())
    street.store({(9, MONDAY): int(use[8, 0]) + 900}, named=named)
    street.analyse(at(MONDAY + 3 * WEEK))
    with connect(street.url) as connection:
        assert comparisons.late_of_home(connection, home, "week", MONDAY) == [], "it is as it was"


@pytest.mark.parametrize("named", [False, True], ids=["anybody", "named"])
def test_publishing_waits_for_the_last_day(street: Street, named: bool) -> None:
    use = street.build(MONDAY, 6)
    early = street.analyse(at(MONDAY + WEEK, 1))
    assert (early.published, early.waiting) == ([], 0), "six days of seven are no figure"
    sunday = MONDAY + timedelta(days=6)
    street.store({(home, sunday): 5_000 for home in range(1, 51)}, named=named)
    early = street.analyse(at(MONDAY + WEEK, 2))
    assert (early.published, early.waiting) == ([], 1)
    street.store({(home, sunday): 5_000 for home in range(51, 100)}, named=named)
    done = street.analyse(at(MONDAY + WEEK, 3))
    assert (done.published, done.waiting) == ([("week", MONDAY, "electricity")], 0)
    told = street.told("week", MONDAY)
    assert sum(one.own is None for one in told.values()) == HOMES - 99
    assert told[1].own == use[0].sum() + 5_000


def test_one_looks_again_at_an_empty_period_only_when_something_came(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = street.build(MONDAY, 3)
    looked: list[Period] = []

    class Counted(PeriodHomes):
        def __init__(self, connection: Connection, options: HomesOptions, period: Period) -> None:
            looked.append(period)
            super().__init__(connection, options, period)

    monkeypatch.setattr(runner, "PeriodHomes", Counted)
    hidden: set[date] = set()
    week = week_of(MONDAY)
    with connect(street.url) as connection:
        assert run(connection, OPTIONS, at(MONDAY + WEEK), hidden).published == []
        assert week in looked
        looked.clear()
        assert run(connection, OPTIONS, at(MONDAY + WEEK), hidden).published == []
        assert run(connection, OPTIONS, at(MONDAY + WEEK)).published == [], "nor does who begins anew"
        assert looked == []
        assert run(connection, replace(OPTIONS, coverage=0.95), at(MONDAY + WEEK)).published == []
        assert week in looked, "by another setting it might not be empty"
    street.store({(home, MONDAY + timedelta(days=day)): 8_000 for home in range(1, HOMES + 1) for day in range(3, 7)})
    with connect(street.url) as connection:
        assert run(connection, OPTIONS, at(MONDAY + WEEK), hidden).published == [("week", MONDAY, "electricity")]
    assert street.told("week", MONDAY)[1].own == use[0].sum() + 32_000


def test_old_recordings_are_published_and_settled_at_once_and_a_service_waits_until_they_rest(street: Street) -> None:
    street.build(MONDAY, 28)
    later = at(date(2026, 12, 1))
    held = street.analyse(later, patient=True)
    assert held.compared == 0
    assert held.waiting == 6, "four weeks, one month, four weeks together"
    done = street.analyse(later, patient=True)
    assert done.finalised == done.published
    kinds = [key[0] for key in done.published]
    assert {kind: kinds.count(kind) for kind in kinds} == {"week": 4, "four-weeks": 1, "month": 1}
    assert street.told("four-weeks", MONDAY)[1].final
    with connect(street.url) as connection:
        (month,) = table.months(connection)
        made = table.figures(connection, month)
        # what the public overview says is out with the month, before anybody looks
        assert made
        assert made == programme.by_dwelling(connection, month)
        shown = programme.of_figures(month, made)
        assert shown is not None
        assert shown.homes == round(HOMES, -1)


def test_one_at_a_time(
    timescale_street: Street, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    timescale_street.build(MONDAY, 7)
    with connect(timescale_street.url) as other:
        assert session_lock.take(other, ["analyse homes"]) is not None
        other.commit()
        with pytest.raises(session_lock.Busy):
            timescale_street.analyse(at(MONDAY + WEEK))
        monkeypatch.setenv("BOROUGH_DATABASE_URL", timescale_street.url)
        assert cli.run(["analyse"]) == 1
        assert "another analysis is running on this database" in capsys.readouterr().err
    assert timescale_street.analyse(at(MONDAY + WEEK)).published


def test_a_killed_run_is_gone_on_with(timescale_street: Street) -> None:
    street = timescale_street
    street.build(date(2025, 1, 6), 7 * 26)
    settings = environment({"BOROUGH_DATABASE_URL": street.url})
    process = subprocess.Popen([*WITH_US, *BOROUGH, "analyse"], env=settings, stderr=subprocess.PIPE)

    def compared() -> int:
        return len(ask(street.url, "select from personal.comparison_run"))

    assert wait_for(lambda: compared() >= 3, 60, 0.005)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    before = compared()
    rows = ask(street.url, "select count(*) from personal.comparison group by kind, from_day")
    assert set(rows) == {(HOMES,)}, "a period is there whole or not at all"
    done = street.analyse(at(date(2026, 5, 1)))
    # January lacks its first five days, July all but six: no home has nine tenths of them
    periods = {"week": 26, "four-weeks": 23, "month": 5}
    assert before < sum(periods.values()), "it was over before it could be killed"
    assert before + len(done.published) == sum(periods.values())
    kinds = ask(street.url, "select kind, count(*) from personal.comparison_run group by kind")
    assert {str(kind): count for kind, count in kinds} == periods
    assert street.analyse(at(date(2026, 5, 1))).compared == 0


def test_the_service_ends_well_on_sigterm(timescale_street: Street) -> None:
    timescale_street.build(MONDAY, 7)
    settings = environment({"BOROUGH_DATABASE_URL": timescale_street.url, "BOROUGH_LOG_LEVEL": "info"})
    process = subprocess.Popen(
        [*WITH_US, *BOROUGH, "analyse", "--watch", "0.2", "--json"],
        env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert wait_for(lambda: len(ask(timescale_street.url, "select from personal.comparison_run")) == 1, 30, 0.1)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    said = json.loads(out)
    assert [one["kind"] for one in said["published"]] == ["week"]
    assert said["settled"] == said["published"]
    assert "Traceback" not in errors
    assert all(json.loads(line)["level"] == "info" for line in errors.splitlines())


def test_a_meter_whose_register_counts_backwards_is_told(
    timescale_street: Street, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    timescale_street.build(MONDAY, 3)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", timescale_street.url)
    assert cli.run(["analyse", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["falling"] == []
    values = np.array([8.0, 8.5, 7.2, 7.4, 5.9, 6.0])
    noon = utc(f"{MONDAY}T12:00")
    with connect(timescale_street.url) as connection:
        (state,) = series.resolve(connection, [("m7", "import_register")])
        copy_readings(connection, np.full(6, state.series, np.int32), noon + np.arange(6) * HOUR, values)
        connection.execute("insert into touched_day (family, day) values ('smart-meter', %s)", (MONDAY,))
        connection.commit()
    assert cli.run(["analyse"]) == 0
    out = capsys.readouterr().out
    assert "1 meter has a register that fell more than once in a day, and these days have no figure: m7\n" in out
    assert "counts backwards while a home exports" in out


def test_a_meter_that_says_more_than_its_supply_carries_is_told(
    timescale_street: Street, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    timescale_street.build(MONDAY, 3)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", timescale_street.url)
    assert cli.run(["analyse", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["beyond_supply"] == []
    timescale_street.store({(7, MONDAY + timedelta(days=3)): 25_300 * 24 + 1_000, (8, MONDAY): 25_300 * 24})
    assert cli.run(["analyse"]) == 0
    out = capsys.readouterr().out
    assert "1 meter says more than the supply carries, and these hours were left out: m7\n" in out
    assert "attribute supply [kW]" in out


def test_the_service_tells_its_log_of_such_meters_without_their_names(timescale_street: Street) -> None:
    timescale_street.build(MONDAY, 3)
    timescale_street.store({(7, MONDAY + timedelta(days=3)): 25_300 * 24 + 1_000})
    process = subprocess.Popen(
        [*WITH_US, *BOROUGH, "analyse", "--watch", "0.2", "--json"],
        env=environment({"BOROUGH_DATABASE_URL": timescale_street.url}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert wait_for(lambda: len(ask(timescale_street.url, "select from personal.daily_use")) > 0, 30, 0.1)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert json.loads(out)["beyond_supply"] == ["m7"]
    assert "1 meter says more than the supply carries" in errors
    assert "m7" not in errors
