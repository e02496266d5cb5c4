"""The pattern report: what it says of a home whose days are known, to whom, and what it never says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from store import accounts, care, homes
from store.connect import Connection, connect
from tests.tools.servers import Cluster
from tests.tools.site import Web, browsers, make_session, options, running
from tests.worlds.care import CareHome, make_care_home
from tests.worlds.pattern_report import ROOMS, ZONE, live

NOW = datetime.now(UTC)
#: The report's last day is the one that was over at four this morning.
END = (NOW.astimezone(ZONE).replace(tzinfo=None) - timedelta(hours=4)).date()
UNHEARD = [END - timedelta(days=number) for number in (3, 4, 40)]
#: Words that no page of care says.
NEVER = ("OK", "green", "well", "safe", "ill", "fall", "emergency", "healthy", "normal", "abnormal", "risk", "dementia")


@pytest.fixture(scope="module")
def database_url(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    url = timescale.url(name)
    with connect(url, autocommit=True) as connection:
        since = NOW - timedelta(days=100)
        live(connection, make_care_home(connection, 1, ROOMS, since=since, heartbeat="PT1H"), END, UNHEARD)
        live(connection, make_care_home(connection, 2, ("kitchen", "bedroom"), since=since), END, ())
        make_care_home(connection, 3, ("kitchen",), since=since)
    yield url
    timescale.drop(name)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url, autocommit=True) as found:
        yield found


@pytest.fixture(scope="module")
def web(database_url: str) -> Iterator[Web]:
    with running(options(database_url)) as url, browsers(url) as make:
        yield make


def home(number: int) -> CareHome:
    return CareHome(number, 10_000_000_000_000 + number, 20_000_000_000_000 + number, ROOMS)


def practitioner(connection: Connection, number: int, kind: care.Kind = "practitioner") -> tuple[str, int]:
    """A session of a new carer, and the number of the link."""
    cookie = make_session(connection, None, ["carer"])
    session = accounts.session(connection, cookie, NOW, timedelta(hours=1))
    assert session is not None
    with connection.transaction():
        named = care.name_carer(
            connection, home(number).tenancy, kind, "The practitioner", f"Home {number}", NOW, NOW.date()
        )
        assert named is not None
        link = care.take_code(connection, session.account_id, named[1], NOW, NOW.date())
    assert link is not None
    return cookie, link.id


@pytest.fixture(autouse=True)
def _no_links_left(connection: Connection) -> Iterator[None]:
    yield
    connection.execute("delete from personal.care_link")


def cells(page: str, name: str) -> list[str]:
    """What stands in the row of a name."""
    row = page[page.index(f'<th scope="row">{name}</th>') :]
    return re.findall(r"<td>([^<]*)</td>", row[: row.index("</tr>")])


def test_it_says_what_is_known_of_the_days(web: Web, connection: Connection) -> None:
    cookie, link = practitioner(connection, 1)
    answer = web(cookie).get(f"/care/{link}/report")
    assert answer.status_code == 200
    page = answer.text
    assert cells(page, "First movement of the day") == ["08:00", "07:00", "1 h later", "26 and 27 of 28"]
    assert cells(page, "Last movement of the day") == ["23:30", "22:00", "1 h 30 min later", "26 and 27 of 28"]
    # the night before the first of the newer days was one of the older
    assert cells(page, "Visits to the bathroom in a night")[:3] == ["2.9", "1.0", "1.9 more"]
    now, before, _, _ = cells(page, "Days of the week with a time out of the home")
    assert float(now) == pytest.approx(3.0, abs=0.3)
    assert float(before) == pytest.approx(1.0, abs=0.15)
    assert cells(page, "Time out of the home a day")[1] == "20 min"
    assert "26 of the last 28 days are known, and 27 of the 28 before" in page
    assert page.count("<figure") == 4
    assert "hatched: not known, 3 of 56 days" in page
    assert len(page.encode()) < 100_000


def test_it_never_judges(web: Web, connection: Connection) -> None:
    for number in (1, 2, 3):
        cookie, link = practitioner(connection, number)
        main = web(cookie).get(f"/care/{link}/report").text.partition("<main")[2].partition("</main>")[0]
        words = re.sub(r"<[^>]*>", " ", main)
        for word in NEVER:
            assert re.search(rf"\b{word}\b", words, re.IGNORECASE) is None, word
        for no in ("green", "good", "great", 'more"'):
            assert f'class="{no}' not in main
        assert "Test Street" not in main
        assert str(home(number).tenancy) not in main


def test_what_has_no_sensor_is_said_and_not_counted_as_nothing(web: Web, connection: Connection) -> None:
    cookie, link = practitioner(connection, 2)
    page = web(cookie).get(f"/care/{link}/report").text
    assert cells(page, "Visits to the bathroom in a night")[0] == "No sensor for it"
    assert cells(page, "Time out of the home a day")[0] == "No sensor for it"
    assert "no sensor hangs at its door" in page
    assert "Bathroom" not in page
    assert cells(page, "First movement of the day")[0] == "08:00"


def test_a_home_that_was_not_heard_has_no_figures(web: Web, connection: Connection) -> None:
    cookie, link = practitioner(connection, 3)
    page = web(cookie).get(f"/care/{link}/report").text
    assert cells(page, "First movement of the day")[:2] == ["Not known", "Not known"]
    assert "<figure" not in page
    assert "0 of the last 28 days are known" in page


def test_each_look_is_in_the_residents_log(web: Web, connection: Connection) -> None:
    cookie, link = practitioner(connection, 1)
    browser = web(cookie)
    before = len(accounts.accesses(connection, home(1).tenancy, limit=1_000))
    browser.get(f"/care/{link}/report")
    browser.get(f"/care/{link}/report.csv")
    log = accounts.accesses(connection, home(1).tenancy, limit=1_000)
    assert [(one.role, one.action) for one in log[: len(log) - before]] == [
        ("carer", "downloaded the pattern report"),
        ("carer", "looked at the pattern report"),
    ]


def test_the_file_has_a_row_a_day(web: Web, connection: Connection) -> None:
    cookie, link = practitioner(connection, 1)
    rows = web(cookie).get(f"/care/{link}/report.csv").text.splitlines()
    assert len(rows) == 57
    assert rows[0].startswith("day,known,first_movement")
    by_day = {row.split(",")[0]: row.split(",") for row in rows[1:]}
    assert by_day[(END - timedelta(days=1)).isoformat()][2:4] == ["08:00", "23:30"]
    assert by_day[UNHEARD[0].isoformat()][2:5] == ["", "", ""], "not heard is not known"


def test_nobody_else_opens_it(web: Web, connection: Connection) -> None:
    cookie, link = practitioner(connection, 1)
    family, family_link = practitioner(connection, 1, "family")
    other, other_link = practitioner(connection, 2)
    before = len(accounts.accesses(connection, home(1).tenancy, limit=1_000))
    for who, number in ((family, family_link), (family, link), (other, link), (cookie, other_link), (cookie, 999_999)):
        for path in ("report", "report.csv"):
            answer = web(who).get(f"/care/{number}/{path}")
            assert answer.status_code == 404
            assert "movement" not in answer.text
    assert web(None).get(f"/care/{link}/report").status_code == 303
    for role in ("engineer", "programme", "data-protection", "assist", "parking-ops"):
        assert web(make_session(connection, None, [role])).get(f"/care/{link}/report").status_code in (403, 404)
    assert len(accounts.accesses(connection, home(1).tenancy, limit=1_000)) == before


def test_it_ends_with_the_link_and_with_the_consent(web: Web, connection: Connection) -> None:
    cookie, link = practitioner(connection, 1)
    with connection.transaction():
        assert care.withdraw(connection, home(1).tenancy, link, "resident", NOW, NOW.date())
    assert web(cookie).get(f"/care/{link}/report").status_code == 404
    cookie, link = practitioner(connection, 2)
    homes.withdraw_consent(connection, home(2).tenancy, "care", NOW)
    assert web(cookie).get(f"/care/{link}/report").status_code == 404
    homes.give_consent(connection, home(2).tenancy, "care", "page", NOW + timedelta(seconds=1))


def test_a_home_that_is_being_erased_is_not_there(web: Web, connection: Connection, database_url: str) -> None:
    cookie, link = practitioner(connection, 1)
    with connect(database_url) as eraser:
        eraser.execute("select from personal.tenancy where id = %s for update", (home(1).tenancy,))
        assert web(cookie).get(f"/care/{link}/report").status_code == 404


def test_days_of_a_household_before_are_not_this_ones(database: str) -> None:
    from analytics.movement import home_report

    with connect(database, autocommit=True) as connection:
        one = make_care_home(
            connection, 4, ROOMS, since=NOW - timedelta(days=100), from_day=END - timedelta(days=28), heartbeat="PT1H"
        )
        live(connection, one, END)
        found = home_report.of_home(connection, one.tenancy, END, ZONE)
        assert found is not None
        assert found.known.days_before <= 1
        assert found.first.now == pytest.approx(8.0)
        assert found.first.before != found.first.before, "not known"
        assert home_report.of_home(connection, one.tenancy + 7, END, ZONE) is None
        assert home_report.of_home(connection, one.tenancy, date(2019, 1, 1), ZONE) is None
