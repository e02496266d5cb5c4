"""What the runner tells each home, on every kind of server: with whom it is compared, at what prices, explained."""

from __future__ import annotations

import json
import os
import re
from datetime import date, timedelta

import numpy as np
import pytest

from borough import cli
from devices.homes import HomeDetails
from store import comparisons, homes, series
from store.connect import connect
from store.copy import copy_readings
from store.times import midnight
from tests.tools.load import ask
from tests.worlds.homes import add_meters, import_homes
from tests.worlds.neighbourhood import LONDON, Street, at

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


def test_settling_does_not_tell_who_came_or_went(street: Street) -> None:
    """One home's last day comes late, one withdraws: the others keep what they were told of each other."""
    use = street.build(MONDAY, 7, without=[4])
    street.store({(4, MONDAY + timedelta(days=day)): 9_000 for day in range(6)})
    street.analyse(at(MONDAY + WEEK))
    first = street.told("week", MONDAY)
    assert (first[4].own, first[4].reason, first[4].missing_days, first[4].average) == (None, "coverage", 1, None)
    _, tenancy = street.ids(12, MONDAY)
    with connect(street.url) as connection:
        homes.withdraw_consent(connection, tenancy, "comparison", at(MONDAY + WEEK, 13))
        connection.commit()
    average = first[9].average
    assert average is not None
    below = next(number for number, one in first.items() if one.state == "good" and number not in (4, 12))
    street.store({(4, MONDAY + timedelta(days=6)): 9_000, (below, MONDAY): int(use[below - 1, 0]) + 50_000})
    street.analyse(at(MONDAY + 2 * WEEK))
    second = street.told("week", MONDAY)
    for number in set(first) - {4, 12}:
        then, now = first[number], second[number]
        assert (now.average, now.efficient, now.homes, now.tenths) == (
            then.average, then.efficient, then.homes, then.tenths,
        )  # fmt: skip
    assert (second[below].state, second[below].revision) == ("more", 2), "by what it uses and what it was told"
    assert (second[4].own, second[4].reason) == (63_000, None)
    assert second[4].average is not None
    assert (second[4].efficient, second[4].tenths) == (None, None), "these would tell who else came or went"
    assert (second[12].state, second[12].reason, second[12].average) == ("suppressed", "no-consent", None)


def test_who_withdraws_leaves_the_next_period_and_keeps_their_own_use(street: Street) -> None:
    street.build(MONDAY, 14)
    street.analyse(at(MONDAY + WEEK))
    before = street.told("week", MONDAY)
    _, tenancy = street.ids(12, MONDAY)
    with connect(street.url) as connection:
        homes.withdraw_consent(connection, tenancy, "comparison", at(MONDAY + WEEK, 13))
        connection.commit()
    street.analyse(at(MONDAY + timedelta(days=13), 22))
    assert street.told("week", MONDAY) == before, "what was published stays"
    street.analyse(at(MONDAY + 2 * WEEK))
    after = street.told("week", MONDAY + WEEK)
    assert (after[12].state, after[12].reason, after[12].average, after[12].homes) == (
        "suppressed", "no-consent", None, None,
    )  # fmt: skip
    assert after[12].own is not None
    with connect(street.url) as connection:
        (count,) = connection.execute(
            "select count(*) from personal.comparison where from_day = %s and average is not null", (MONDAY + WEEK,)
        ).fetchone() or (None,)
    assert count == HOMES - 1


def test_corrected_details_count_from_the_next_quarter(street: Street) -> None:
    street.build(date(2026, 6, 22), 7 * 4)
    street.analyse(at(date(2026, 6, 29)))
    home, _ = street.ids(5, MONDAY)
    with connect(street.url) as connection:
        flat = HomeDetails("flat", "electric", None, 40.0)
        homes.change_details(connection, home, flat, "resident", at(date(2026, 6, 29)))
        connection.commit()
    done = street.analyse(at(date(2026, 7, 20)))
    assert done.cells == [date(2026, 7, 1)]
    # the week from 29 June on begins in the old quarter
    states = {day: street.told("week", date(2026, 6, 22) + day * WEEK)[5] for day in range(4)}
    assert [one.reason for one in states.values()] == [None, None, "no-cell", "no-cell"]
    assert [one.quarter for one in states.values()] == [date(2026, 4, 1)] * 2 + [date(2026, 7, 1)] * 2
    with connect(street.url) as connection:
        assert comparisons.neighbourhood(connection, home, date(2026, 4, 1)) is not None
        assert comparisons.neighbourhood(connection, home, date(2026, 7, 1)) is None


def test_simulated_homes_among_real_ones_neither_receive_nor_count(street: Street) -> None:
    simulated = range(1, 31)
    street.build(MONDAY, 7, simulated=simulated)
    street.analyse(at(MONDAY + WEEK))
    told = street.told("week", MONDAY)
    for number, one in told.items():
        assert one.own is not None
        if number in simulated:
            assert (one.state, one.reason, one.average) == ("suppressed", "other-origin", None)
        else:
            assert one.homes == 80


def test_where_all_are_simulated_they_are_compared(street: Street) -> None:
    street.build(MONDAY, 7, simulated=range(1, HOMES + 1))
    street.analyse(at(MONDAY + WEEK))
    assert {one.homes for one in street.told("week", MONDAY).values()} == {110}


def test_simulated_homes_are_told_nothing_of_others_once_a_real_one_is_there(street: Street) -> None:
    """Also within a quarter whose cells were made while there was none."""
    street.build(MONDAY - WEEK, 14, simulated=range(1, HOMES + 1))
    street.analyse(at(MONDAY))
    assert street.told("week", MONDAY - WEEK)[1].average is not None
    with connect(street.url) as connection:
        connection.execute("update personal.device set origin = 'real' where id = 'm1'")
        connection.commit()
    street.analyse(at(MONDAY + WEEK))
    told = street.told("week", MONDAY)
    assert {(one.reason, one.average) for number, one in told.items() if number > 1} == {("other-origin", None)}
    assert told[1].average is None


def test_empty_homes_and_those_who_moved_are_not_compared(street: Street) -> None:
    street.build(MONDAY, 7, without=[20, 21])
    street.store({(20, MONDAY + timedelta(days=day)): 999 for day in range(7)})
    street.store({(21, MONDAY + timedelta(days=day)): 9_000 for day in range(7)})
    with connect(street.url) as connection:
        new = {**street.row(21), "from": "2026-08-06", "consent_comparison": "2026-08-06"}
        import_homes(connection, [new], at(MONDAY + WEEK))
        connection.commit()
    street.analyse(at(MONDAY + WEEK))
    told = street.told("week", MONDAY)
    assert (told[20].state, told[20].reason, told[20].average, told[20].own) == ("neutral", "empty", None, 6_993)
    assert 21 not in told, "nobody lived there throughout: neither is told of the other's days"
    assert told[1].homes == 110
    assert street.analyse(at(MONDAY + WEEK)).compared == 0


def test_a_home_that_was_cut_off_for_most_of_a_week_gets_the_help_line(street: Street) -> None:
    """It uses as little as an empty one; what it was before tells them apart. Neither counts."""
    street.build(MONDAY - 3 * WEEK, 28)
    street.store({(20, MONDAY + timedelta(days=day)): 0 if day < 4 else 1_500 for day in range(7)})
    street.analyse(at(MONDAY + WEEK))
    told = street.told("week", MONDAY)
    assert (told[20].own, told[20].state, told[20].reason) == (4_500, "neutral", "disconnected")
    assert told[20].average is None
    with connect(street.url) as connection:
        found = connection.execute(
            "select tenancy_id from personal.comparison where kind = 'week' and from_day = %s and state = 'neutral'",
            (MONDAY,),
        ).fetchall()
    assert found == [(told[20].tenancy_id,)]


def test_a_new_tenant_sees_nothing_of_before(street: Street) -> None:
    street.build(MONDAY - WEEK, 14)
    with connect(street.url) as connection:
        new = {**street.row(30), "from": "2026-08-03", "consent_comparison": "2026-08-03"}
        import_homes(connection, [new], at(MONDAY + WEEK))
        connection.commit()
    street.analyse(at(MONDAY + WEEK))
    now, then = street.told("week", MONDAY), street.told("week", MONDAY - WEEK)
    assert now[30].tenancy_id != then[30].tenancy_id
    assert (now[30].before, then[30].own is not None) == (None, True)
    assert now[31].before == then[31].own
    assert now[30].average is not None, "the home is in a cell, and who lives there agreed"


def test_own_prices_by_the_clock_and_reference_prices(street: Street) -> None:
    use = street.build(MONDAY, 7)
    flat = {"electricity_tariff": "Flat", "electricity_rate": "20", "electricity_standing": "50",
            "electricity_payment": "direct-debit", "electricity_tariff_from": "2026-01-01"}  # fmt: skip
    night = {**flat, "electricity_tariff": "Nights", "electricity_rate": "30", "electricity_night_rate": "10",
             "electricity_night": "00:30-07:30"}  # fmt: skip
    with connect(street.url) as connection:
        add_meters(connection, ["h"])
        import_homes(
            connection,
            [{**street.row(1), **flat}, {"uprn": "200", "meters": "h", **night}],
            at(MONDAY),
        )
        (state,) = series.resolve(connection, [("h", "import_interval")])
        begins = midnight(MONDAY, LONDON)
        # 100 Wh each half-hour by night, 200 Wh by day
        halves = np.arange(7 * 48)
        values = np.where((halves % 48 >= 1) & (halves % 48 < 15), 0.1, 0.2)
        times = begins + halves * 1_800_000_000
        copy_readings(connection, np.full(len(times), state.series, np.int32), times, values)
        connection.commit()
    street.analyse(at(MONDAY + WEEK))
    told = street.told("week", MONDAY)
    one, two, other = told[1], told[200], told[2]
    assert (one.tariff, one.tariff_own) == ("Flat", True)
    assert one.cost == 7 * 50 + (use[0].sum() * 20 + 500) // 1_000
    assert two.own == 7 * (14 * 100 + 34 * 200)
    assert (two.tariff, two.tariff_own, two.cost) == ("Nights", True, round(7 * (50 + 1.4 * 10 + 6.8 * 30)))
    assert (other.tariff_own, other.cost is not None) == (False, True)


def test_what_is_settled_at_once_is_said(
    timescale_street: Street, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A later reading of such a period changes nothing: whoever loads a history in parts must know before the next."""
    timescale_street.build(MONDAY, 7)
    for name in [name for name in os.environ if name.startswith("BOROUGH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", timescale_street.url)
    assert cli.run(["analyse"]) == 0
    said = capsys.readouterr().out
    found = re.search(r"Settled at once and for ever, because they ended over 7 days ago: (\d+) of the periods", said)
    assert found is not None, said
    assert f"Periods published: {found[1]}," in said
    assert cli.run(["analyse"]) == 0
    assert "Settled at once" not in capsys.readouterr().out, "nothing is settled any more"


def test_what_is_settled_at_once_is_told_to_programs(
    timescale_street: Street, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    timescale_street.build(MONDAY, 7)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", timescale_street.url)
    assert cli.run(["analyse", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["settled_at_once"] == said["published"] != []
    assert cli.run(["analyse", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settled_at_once"] == []


def test_explained_it_is_the_same_and_the_household_can_see_who_looked(
    timescale_street: Street, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use = timescale_street.build(MONDAY, 7)
    timescale_street.analyse(at(MONDAY + 2 * WEEK))
    for name in [name for name in os.environ if name.startswith("BOROUGH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", timescale_street.url)
    home, tenancy = timescale_street.ids(8, MONDAY)
    assert cli.run(["explain", "8", "2026-W32", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (fuel,) = said["fuels"]
    assert said["home"] == home
    assert fuel["equal"]
    assert fuel["told"]["own"] == fuel["own_readings"] == use[7].sum()
    assert fuel["neighbours"]["n"] == HOMES - 1
    assert fuel["neighbours"]["total"] == use.sum() - use[7].sum()
    assert "homes" not in fuel["neighbours"]
    uses = {int(one.sum()) for one in np.delete(use, 7, axis=0)}
    shown = {value for value in fuel["neighbours"].values() if isinstance(value, int)}
    assert not uses & shown, "the use of one neighbour is nobody's to see"
    assert fuel["neighbours"]["dominated"] is False
    assert sum(cell["counting"] for cell in fuel["neighbours"]["cells"]) == HOMES
    assert cli.run(["explain", str(home), "2026-W32", "--neighbours"]) == 0
    text = capsys.readouterr().out
    assert str(timescale_street.ids(9, MONDAY)[0]) in text
    assert "What was told is what is computed now." in text
    assert not uses & {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text.partition("count:")[2])}
    assert "none of them with over 15 % of it" in text
    rows = ask(
        timescale_street.url,
        "select role, action, detail from personal.access where tenancy_id = %s order by id",
        tenancy,
    )
    assert [(row[0], row[2]) for row in rows] == [("operator", "2026-W32")] * 2
    assert "neighbours" in str(rows[1][1])
    # a reading that came too late: listed, and what would be computed now is not what was told
    timescale_street.store({(8, MONDAY): 1_234})
    timescale_street.analyse(at(MONDAY + 2 * WEEK))
    assert cli.run(["explain", "8", "2026-W32", "--json"]) == 1
    (fuel,) = json.loads(capsys.readouterr().out)["fuels"]
    assert "own" in fuel["differs"]
    assert fuel["late"][0]["would_be"] == fuel["own_readings"] == use[7].sum() - use[7, 0] + 1_234
    assert cli.run(["explain", "8", "2026-W33", "--json"]) == 0
    (fuel,) = json.loads(capsys.readouterr().out)["fuels"]
    assert (fuel["run"], fuel["told"], fuel["known_days"]) == (None, None, 0), "not published: nothing to differ from"
    assert cli.run(["explain", "999", "2026-W32"]) == 2
    assert "there is no such home" in capsys.readouterr().err
    assert cli.run(["explain", "8", "2026-13"]) == 2
    assert "is no period" in capsys.readouterr().err
