"""The start page of the whole service: what it says where there is everything, something and nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from dashboard.public import overview
from dashboard.public.overview import Overview
from dashboard.web.site import Site
from devices.places_file import Place
from store import places
from store import programme as table
from store.connect import Connection, connect
from store.programme import Figure, Month
from tests.tools.servers import Cluster, wait_for
from tests.tools.site import client, options, running
from tests.worlds import air_town, parking_board

MONTH = Month(datetime(2026, 10, 1, tzinfo=UTC).date(), "electricity", datetime(2026, 10, 1, tzinfo=UTC).date())


def settle(connection: Connection, month: Month = MONTH) -> None:
    """A month that has settled."""
    connection.execute(
        "insert into personal.cell_version (quarter, program, homes) values (%s, 'test', 0) on conflict do nothing",
        (month.quarter,),
    )
    connection.execute(
        "insert into personal.comparison_run (kind, from_day, to_day, fuel, quarter, program, published_at, settled_at)"
        " values ('month', %s, %s, %s, %s, 'test', now(), now())",
        (month.from_day, month.from_day + timedelta(days=31), month.fuel, month.quarter),
    )


@pytest.fixture(scope="module")
def town(timescale: Cluster) -> Iterator[str]:
    """Bays, monitors, places and a month of homes."""
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        parking_board.town(connection)
        air_town.town(connection)
        settle(connection)
        table.publish(
            connection,
            MONTH,
            [Figure("flat", 1_230, 210_000, ""), Figure("detached", None, None, "few-homes")],
        )
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def url(town: str) -> Iterator[str]:
    with running(options(town, demo=True)) as found:
        yield found


@pytest.fixture(scope="module")
def web(url: str) -> Iterator[httpx.Client]:
    with client(url) as found:
        yield found


def section(page: str, name: str) -> str:
    """The words of a box."""
    part = page[page.index(f'aria-labelledby="{name}"') :]
    words = re.sub(r"<[^>]*>", " ", part[part.index(">") + 1 : part.index("</section>")])
    return " ".join(words.split())


def test_it_says_air_bays_and_energy(web: httpx.Client) -> None:
    page = web.get("/").text
    air = section(page, "air-now")
    assert "The highest is 10, Very High, at Dock &amp; &lt;b&gt;Quay&lt;/b&gt;." in air
    # the dock is farther than 2 km from the areas' middles
    assert re.search(r"Testbury \d, \w+ ", air)
    bays = section(page, "bays-now")
    free, everything = re.search(r"(\d+) of (\d+) bays are free", bays).groups()  # type: ignore[union-attr]
    rows = re.findall(r"Zone ([AB]) (\d+) (\d+) (\d+) (\d+)", bays)
    assert [row[0] for row in rows] == ["A", "B"]
    assert sum(int(row[1]) for row in rows) == int(free)
    assert sum(int(number) for row in rows for number in row[1:]) == int(everything)
    energy = section(page, "energy-now")
    assert "Electricity: about 260,000 kWh in October 2026" in energy
    assert "By about 1,230 homes" in energy
    assert "about 210 kWh each" in energy
    assert "are not in it" in energy


def test_bays_are_those_of_nobody_and_of_this_origin(web: httpx.Client, town: str) -> None:
    everything = re.search(r"of (\d+) bays", section(web.get("/").text, "bays-now"))
    assert everything is not None
    with connect(town) as connection:
        counted = connection.execute(
            "select count(*) from personal.bay where not personal and origin = 'simulated'"
            " and kind in ('pay', 'limited-waiting', 'unrestricted')"
        ).fetchone()
        personal = connection.execute("select count(*) from personal.bay where personal").fetchone()
    assert counted == (int(everything[1]),)
    assert personal is not None
    assert personal[0] > 0


def test_a_real_site_shows_nothing_that_is_simulated(town: str) -> None:
    with running(options(town)) as url, client(url) as web:
        page = web.get("/").text
    assert "No parking bay for anybody" in section(page, "bays-now")
    air = section(page, "air-now")
    assert "Abroad" in air, "the one real monitor"
    assert "Mill Lane" not in air


def test_the_nearest_of_each(web: httpx.Client) -> None:
    page = web.get("/", params={"place": "te5 7st"}).text
    near = section(page, "near")
    assert re.search(r"Air \d, \w+ at Mill Lane, \d+ m away", near)
    assert "Reference instrument" in near
    assert re.search(r"Parking \w+ \w+ ?, \d+ m away\. Free for", near)
    assert "/air?place=TE5+7ST" in page
    assert "/parking?place=TE5+7ST" in page


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("TE5 8ZZ", "at Mill Lane, small, 1."),
        ("ZZ1 1ZZ", "We do not know this place"),
        ("TE9 9AA", "There is no monitor within 2 km"),
        ("Testbury", "Near Testbury"),
        ("testb", "Which of these do you mean?"),
        ("<script>alert(1)</script>", "We do not know this place"),
    ],
)
def test_places_of_all_kinds(web: httpx.Client, place: str, said: str) -> None:
    answer = web.get("/", params={"place": place})
    assert answer.status_code == 200
    assert said in " ".join(answer.text.split())
    assert "<script>alert" not in answer.text


def test_the_words_of_the_form_are_in_no_log(web: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        web.get("/", params={"place": "TE5 7ST secret words"})

        def ours() -> list[str]:
            return [one.getMessage() for one in caplog.records if one.name.startswith("dashboard")]

        # it is noted once the answer is out
        assert wait_for(lambda: any("GET / 200" in one for one in ours()), 30)
    assert not any("secret" in one for one in ours())


def test_the_large_view_asks_again_and_has_no_form(web: httpx.Client) -> None:
    page = web.get("/?large=true&refresh=true").text
    assert '<meta http-equiv="refresh" content="60">' in page
    assert "http-equiv" not in web.get("/?large=true").text
    assert "<input" not in page
    assert section(page, "bays-now") == section(web.get("/").text, "bays-now")


def test_it_is_small(web: httpx.Client) -> None:
    assert len(web.get("/", params={"place": "TE5 7ST"}).content) < 30_000


def test_where_there_is_nothing_it_says_so(database: str) -> None:
    with running(options(database)) as url, client(url) as web:
        answer = web.get("/")
        assert answer.status_code == 200
        page = answer.text
        assert "No air monitor tells us anything yet." in section(page, "air-now")
        assert "No parking bay for anybody" in section(page, "bays-now")
        assert "Nothing is shown yet." in section(page, "energy-now")
        assert 'name="place"' not in page
        assert web.get("/?place=N1+1AA").status_code == 200
        assert "Home energy" in page


def test_a_month_of_which_nothing_may_be_shown_gives_way_to_the_one_before(database: str) -> None:
    older = Month(datetime(2026, 9, 1, tzinfo=UTC).date(), "electricity", datetime(2026, 7, 1, tzinfo=UTC).date())
    with connect(database, autocommit=True) as connection:
        settle(connection)
        settle(connection, older)
        table.publish(connection, MONTH, [Figure("flat", None, None, "few-homes")])
        table.publish(connection, older, [Figure("flat", 40, 200_000, "")])
    with running(options(database)) as url, client(url) as web:
        assert "8,000 kWh in September 2026" in section(web.get("/").text, "energy-now")


def test_a_flood_of_visitors_asks_the_database_once(town: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    areas = places.areas

    def counting(connection: Connection) -> list[Place]:
        asked.append(1)
        return areas(connection)

    monkeypatch.setattr(places, "areas", counting)
    with running(options(town, demo=True)) as url:
        codes: list[int] = []

        def visit() -> None:
            with client(url) as web:
                codes.extend(web.get("/").status_code for _ in range(10))

        threads = [threading.Thread(target=visit) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert codes == [200] * 80
    # once, and once more for each time that the figures have grown too old meanwhile
    assert len(asked) <= 3


class TestKept:
    """How long figures are kept, and what is shown when the database is away."""

    @pytest.fixture
    def one(self, town: str) -> Iterator[Overview]:
        site = Site(options(town, demo=True))
        site.pool.open()
        yield Overview(site)
        site.pool.close()

    def test_they_are_kept_and_made_anew(self, one: Overview, monkeypatch: pytest.MonkeyPatch) -> None:
        assert one.fresh() is None
        first = one.current()
        assert one.current() is first
        monkeypatch.setattr(overview, "KEPT", 0.0)
        assert one.current() is not first

    def test_who_comes_while_new_ones_are_made_takes_the_old(
        self, one: Overview, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = one.current()
        monkeypatch.setattr(overview, "KEPT", 0.0)
        with one._making:  # somebody makes them now
            assert one.current() is first
            monkeypatch.setattr(overview, "STALE", 0.0)
            waiting = threading.Thread(target=one.current)
            waiting.start()
            waiting.join(0.2)
            assert waiting.is_alive(), "too old: it waits"
        waiting.join(20)
        assert not waiting.is_alive()

    def test_without_a_database_the_last_figures_are_shown_for_a_while_and_then_words(
        self, one: Overview, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = one.current()

        def away(_: Connection) -> None:
            raise psycopg.OperationalError("away")

        monkeypatch.setattr(overview, "KEPT", 0.0)
        monkeypatch.setattr(one, "_read", away)
        kept = one.current()
        assert kept.drawn == first.drawn
        assert kept.figures is first.figures
        monkeypatch.setattr(overview, "OLD", 0.0)
        gone = one.current()
        assert gone.figures is None
        assert "cannot be read at this moment" in gone.drawn
        monkeypatch.setattr(overview, "KEPT", 60.0)
        assert one.current() is gone, "a flood does not wait for the database each time"


def test_the_page_works_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "_PATIENCE", 0.2)
    with running(options("postgresql://127.0.0.1:1/nothing")) as url, client(url) as web:
        answer = web.get("/")
    assert answer.status_code == 200
    assert "cannot be read at this moment" in answer.text
    assert "Home energy" in answer.text
