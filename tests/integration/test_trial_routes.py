"""What residents in a trial can reach holds no figure of others that they may not see: all routes, files and letters.

Figures of others are planted that stand nowhere else; routes are the application's own, so that a new one is walked
without anybody adding it. Who is in no trial reaches every planted figure, or the walk would prove nothing.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from analytics.periods import Period, month_of, period_of, week_of
from borough.delivery.letters import print_run
from borough.delivery.letters.letter import Sender
from borough.rights import export
from borough.settings.settings import read_settings
from dashboard import roles
from dashboard.web import limits
from devices.trials import Arm
from store import homes
from store.connect import connect
from tests.tools import pdf, site
from tests.tools.reports import ENERGY
from tests.tools.servers import Cluster
from tests.worlds import residents, trial_sight
from tests.worlds.resident_world import TODAY, World
from tests.worlds.residents import ZONE

WEEK = week_of(TODAY - timedelta(days=7))
PERIODS = (WEEK, month_of(TODAY).before(), period_of("four-weeks", WEEK.start))
#: Planted: the average, the efficient figure [Wh], about how many homes.
AVERAGE, EFFICIENT, HOMES = 913_701, 17_093, 31_397
#: What gives each away, however it is written; of the average also what is said of the difference and the tenths.
ABOUT_AVERAGE = re.compile(
    r"(?<!\d)913[.,]?701|701 kWh|(?<!\d)31,?397\b|than the average|Average of similar homes|in 10 similar homes"
    r"|>Similar homes</th>|about 71 kWh each"
)
ABOUT_EFFICIENT = re.compile(r"(?<!\d)17[.,]?093")
#: Of the neighbourhood: its homes, its cells', how big and how far they are.
ABOUT_NEIGHBOURS = re.compile(r"(?<![\d,])(?:3,?710|1,?237|6,?313)\b|6,310 square|9 kilometres")
OWN, IN_ZONE, FREE = "ann", "bob", "cyd"


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    name = timescale.create()
    database = timescale.url(name)
    people = {}
    with connect(database, autocommit=True) as connection:
        for number, who in enumerate((OWN, IN_ZONE, FREE), 1):
            one = people[who] = residents.make_resident(connection, number)
            for period in (*PERIODS, PERIODS[1].before()):
                residents.compare(connection, one, period, "good", average=AVERAGE, efficient=EFFICIENT, homes=HOMES)
                residents.add_cell(connection, one, period.start)
            residents.use_days(connection, one, TODAY - timedelta(days=60), TODAY)
            residents.add_meter(connection, one, TODAY - timedelta(days=3), 3)
            homes.give_consent(connection, one.tenancy_id, "messages", "page", datetime.now(UTC))
        connection.execute("update personal.cell set homes = 1237, floor_area = 6313, reach = 8640")
        connection.execute(
            "insert into personal.programme_figure (from_day, fuel, dwelling, homes, average, reason)"
            " values (%s, 'electricity', 'flat', 7320, 71000, '')",
            (PERIODS[1].start,),
        )
        cookies = {who: site.make_session(connection, one.tenancy_id) for who, one in people.items()}
    patch = pytest.MonkeyPatch()
    patch.setitem(limits.RATES, "export", (limits.Rate(1_000, 1), limits.Rate(1_000, 1)))
    patch.setenv("BOROUGH_DATABASE_URL", database)
    context = export.subject_context(read_settings())
    options = site.options(database, subject=lambda tenancy, open_: export.subject(context, tenancy, open_))
    with site.running(options) as url:
        yield World(url, database, cookies, people)
    patch.undo()
    timescale.drop(name)


def reached() -> list[APIRoute]:
    """The routes that a resident may open."""
    return [
        route
        for route in site.routes()
        if roles.allowed(roles.need(route.path), [roles.RESIDENT], account=True, demo=False)
    ]


def addresses(route: APIRoute) -> set[str]:
    """A route as a resident may ask for it: plainly, by fuel, by each kind of period, on a large screen."""
    known = {"fuel": "electricity", "period": WEEK.key}
    path = re.sub(r"{(\w+)}", lambda name: known.get(name[1], "x"), route.path)
    names = {field.alias for field in route.dependant.query_params}
    found = {path, *({f"{path}?fuel=electricity"} if "fuel" in names else ())}
    if "period" in names:
        found |= {f"{path}?fuel=electricity&period={period.key}" for period in PERIODS}
    if "{period}" in route.path:
        found |= {path.replace(WEEK.key, period.key) for period in PERIODS}
    return found | ({f"{path}?large=true"} if "large" in names else set())


def walk(world: World, who: str, below: str = "/") -> dict[str, str]:
    """What every route answers, by method and address; forms are sent empty."""
    answers = {}
    with world.client(who) as client:
        for route in reached():
            if not route.path.startswith(below) or route.path in ("/sign-out", "/plotly.min.js"):
                continue
            for method in route.methods or ():
                sent = {"csrf": site.csrf(world.cookies[who])} if method == "POST" else None
                for address in addresses(route):
                    with client.stream(method, address, data=sent) as answer:
                        live = answer.headers.get("content-type", "").startswith("text/event-stream")
                        answers[f"{method} {address}"] = "" if live else answer.read().decode()
                        assert answer.status_code < 500, address
    return answers


def holding(answers: dict[str, str], what: re.Pattern[str]) -> dict[str, str]:
    return {address: found[0] for address, text in answers.items() if (found := what.search(text))}


def nothing(_done: int, _of: int) -> None:
    """No progress is shown."""


def files(world: World, folder: Path, who: str, period: Period) -> dict[str, str]:
    """The letter of a period and everything that is held, as text, by name."""
    tenancy = world.people[who].tenancy_id
    folder = folder / f"{who}-{period.key}"
    folder.mkdir()
    sender = Sender("Testborough", (), "020 7946 0123", "https://testborough.example")
    order = print_run.Order(period, ["electricity"], folder, sender, ENERGY, tenancy_id=tenancy)
    with connect(world.database, autocommit=True) as connection:
        made = print_run.make(connection, order, datetime.now(ZONE), nothing)
    assert made.letters == 1
    export.write_zip(export.subject_context(read_settings()), tenancy, folder / "all.zip")
    found = {"letter": pdf.read(Path(made.folder) / f"{tenancy}.pdf").text}
    with zipfile.ZipFile(folder / "all.zip") as archive:
        for name in archive.namelist():
            data = archive.read(name)
            found[name] = pdf.read(data).text if name.endswith(".pdf") else data.decode()
    assert {"letter", "everything.json", "comparisons.csv"} < set(found)
    return found


#: Where who is in no trial meets the figures: pages, files, programs, the start page.
KNOWN = ("GET /", "GET /home", "GET /home/year", "GET /home/data/comparisons.csv", "GET /home/data/months.csv",
         "GET /home/data/all.json", "GET /api/v1/home/comparisons")  # fmt: skip


def test_before_during_and_after_a_trial(world: World, tmp_path: Path) -> None:
    before = walk(world, OWN, "/home") | walk(world, OWN, "/api/v1/home") | {"GET /": world.get(OWN, "/").text}
    assert set(KNOWN) <= set(holding(before, ABOUT_AVERAGE))
    assert {"GET /home", "GET /home/data/comparisons.csv"} <= set(holding(before, ABOUT_EFFICIENT))
    assert {"GET /home/neighbours", "GET /home/data/all.json"} <= set(holding(before, ABOUT_NEIGHBOURS))

    tenancy = {who: one.tenancy_id for who, one in world.people.items()}
    with connect(world.database, autocommit=True) as connection, connection.transaction():
        first = TODAY.replace(day=1)
        drawn = {tenancy[OWN]: Arm.NOTHING, tenancy[IN_ZONE]: Arm.ZONE, tenancy[FREE]: Arm.COMPARISON}
        trial = trial_sight.begin(connection, drawn, first)

    # letters hide what the last analysis could not know of; every other channel finds it done
    held = {period.kind: files(world, tmp_path, OWN, period) for period in PERIODS[:2]}
    during = walk(world, OWN)
    assert {"GET /", "GET /home/neighbours", "GET /api/v1/home/comparisons", "POST /home/details"} <= set(during)
    for what in (ABOUT_AVERAGE, ABOUT_EFFICIENT, ABOUT_NEIGHBOURS):
        assert holding(during, what) == {}
        assert [holding(one, what) for one in held.values()] == [{}, {}]
    assert "Your home and its energy" in held["week"]["letter"]
    assert "part of a trial" in held["week"]["letter"]
    page = during["GET /home/neighbours"]
    for said in (
        "takes part in a trial",
        "you see only your own use",
        "Finding out whether comparisons help",
        "/home/consents",
    ):
        assert said in page
    assert "trial" in during["GET /home"]
    assert "<strong>" not in during["GET /home"].partition("In numbers")[2], "no advice"

    zone = walk(world, IN_ZONE, "/home") | walk(world, IN_ZONE, "/api/v1/home")
    zone["GET /"] = world.get(IN_ZONE, "/").text
    assert holding(zone, ABOUT_AVERAGE) == {}
    assert {"GET /home", "GET /home/data/comparisons.csv", "GET /api/v1/home/comparisons"} <= set(
        holding(zone, ABOUT_EFFICIENT)
    )
    assert "Your home takes part in a trial" in zone["GET /home/neighbours"]
    both = {who: files(world, tmp_path, who, WEEK) for who in (IN_ZONE, FREE)}
    assert holding(both[IN_ZONE], ABOUT_AVERAGE) == {}
    assert {"letter", "comparisons.csv"} <= set(holding(both[IN_ZONE], ABOUT_EFFICIENT))
    assert {"letter", "comparisons.csv"} <= set(holding(both[FREE], ABOUT_AVERAGE))
    free = {address: world.get(FREE, address.removeprefix("GET ")).text for address in KNOWN}
    assert set(KNOWN) == set(holding(free, ABOUT_AVERAGE))

    with connect(world.database, autocommit=True) as connection:
        trial_sight.end(connection, trial, TODAY)
        later = PERIODS[1].before().before()
        residents.compare(connection, world.people[OWN], later, "good", average=AVERAGE, efficient=EFFICIENT)
    asked = ("GET /home/data/comparisons.csv", "GET /home/neighbours", f"GET /home?fuel=electricity&period={WEEK.key}")
    after = {address: world.get(OWN, address.removeprefix("GET ")).text for address in asked}
    rows = [line for line in after["GET /home/data/comparisons.csv"].splitlines() if ABOUT_AVERAGE.search(line)]
    assert [line.split(",")[2] for line in rows] == [later.key], "what is published from then on, and nothing earlier"
    assert not ABOUT_AVERAGE.search(after[asked[-1]])
    assert ABOUT_NEIGHBOURS.search(after["GET /home/neighbours"])


def test_the_walk_is_of_what_there_is() -> None:
    paths = {route.path for route in reached()}
    assert {"/", "/home", "/home/data/all.json", "/api/v1/home/comparisons/{fuel}/{period}", "/home/messages"} <= paths
    assert not {path for path in paths if path.startswith(("/programme", "/data-protection", "/engineer"))}
