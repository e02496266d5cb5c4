"""What data protection officers and helpers do: for the one home that they name or have a slip of, and in its log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import httpx
import psycopg
import pytest

from store import accounts, homes
from store.subject import Open
from tests.tools.servers import Cluster
from tests.tools.site import client, csrf, erased, make_home, make_session, options, running

HERS, GONE, HIS = 20_000_000_000_001, 20_000_000_000_002, 20_000_000_000_003
NOW = datetime.now(UTC)
DETAILS = {
    "dwelling": "terraced", "heating": "heat-pump", "floor_area": "75,5", "bedrooms": "3", "epc": "B",
    "tenure": "owner", "occupants": "4", "electric_vehicle": "yes", "medical_equipment": "no",
    "letters": "yes", "large_print": "yes",
}  # fmt: skip


@dataclass
class Rights:
    """Stands in for erasure and export: the real ones have tests of their own and need a key."""

    erased: list[int] = field(default_factory=list)

    def subject(self, tenancy_id: int, _: Open) -> Iterator[bytes]:
        yield b'{"tenancy": %d,' % tenancy_id
        yield b' "since": "2021-01-01"}'


@pytest.fixture(scope="module")
def rights() -> Rights:
    return Rights()


@pytest.fixture(scope="module")
def database_url(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with psycopg.connect(timescale.url(name), autocommit=True) as connection:
        make_home(connection, tenancy_id=GONE, to_day=date(2021, 1, 1))
        make_home(connection, tenancy_id=HERS, from_day=date(2021, 1, 1))
        make_home(connection, home_id=10_000_000_000_002, tenancy_id=HIS, uprn="2")
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def url(database_url: str, rights: Rights) -> Iterator[str]:
    with running(options(database_url, subject=rights.subject, erase=erased(rights.erased))) as found:
        yield found


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as found:
        yield found


class Staff:
    """Somebody with a role; forms carry their token by themselves."""

    def __init__(self, url: str, connection: psycopg.Connection, role: str) -> None:
        self.cookie = make_session(connection, None, [role])
        self.web = client(url, self.cookie)

    def post(self, path: str, **values: object) -> httpx.Response:
        return self.web.post(
            path, data={"csrf": csrf(self.cookie), **{name: str(value) for name, value in values.items()}}
        )


@pytest.fixture
def officer(url: str, connection: psycopg.Connection) -> Iterator[Staff]:
    found = Staff(url, connection, "data-protection")
    yield found
    found.web.close()


@pytest.fixture
def helper(url: str, connection: psycopg.Connection) -> Iterator[Staff]:
    found = Staff(url, connection, "assist")
    yield found
    found.web.close()


def actions(connection: psycopg.Connection, tenancy_id: int) -> list[tuple[str, str]]:
    """What the log says, the newest first."""
    return [(row.role, row.action) for row in accounts.accesses(connection, tenancy_id, limit=1000)]


def test_the_log_of_a_tenancy(officer: Staff, connection: psycopg.Connection) -> None:
    before = len(actions(connection, HIS))
    answer = officer.post("/data-protection/tenancy", number="2000-0000 000 003")
    assert answer.status_code == 200
    assert "looked at the log of access" in answer.text, "this very look too"
    assert actions(connection, HIS)[: len(actions(connection, HIS)) - before] == [
        ("data-protection", "looked at the log of access")
    ]
    assert str(HERS) not in answer.text
    assert str(HIS) not in str(answer.url)


def test_a_long_log_has_pages(officer: Staff, connection: psycopg.Connection) -> None:
    for number in range(250):
        accounts.log_access(connection, HERS, None, "resident", f"look number {number}", NOW)
    page = officer.post("/data-protection/tenancy", number=HERS).text
    seen = page.count("look number")
    while 'name="below"' in page:
        below = page.partition('name="below" value="')[2].partition('"')[0]
        page = officer.post("/data-protection/tenancy", number=HERS, below=below).text
        seen += page.count("look number")
    assert seen == 250


def test_export(officer: Staff, connection: psycopg.Connection) -> None:
    answer = officer.post("/data-protection/export", number=HIS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="subject.json"'
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert (found["tenancy"], found["since"]) == (HIS, "2021-01-01")
    assert actions(connection, HIS)[0] == ("data-protection", "exported all that is held")
    statuses = [officer.post("/data-protection/export", number=HIS).status_code for _ in range(10)]
    assert statuses == [200] * 9 + [429]


def test_erasure_needs_the_number_twice(officer: Staff, rights: Rights, connection: psycopg.Connection) -> None:
    for again in ("", str(HIS), "x"):
        answer = officer.post("/data-protection/erase", number=HERS, again=again)
        assert answer.status_code == 400
        assert "Error: this is not the number of the tenancy." in answer.text
    assert officer.post("/data-protection/erase", number=1, again=1).status_code == 404
    assert rights.erased == []
    answer = officer.post("/data-protection/erase", number=HERS, again=f" {HERS} ")
    assert answer.status_code == 200
    assert "Everything has been erased" in answer.text
    assert rights.erased == [HERS]
    assert actions(connection, HERS)[0] == ("data-protection", "asked for everything to be erased")


def test_a_site_that_cannot_erase_does_not_offer_it(database_url: str, connection: psycopg.Connection) -> None:
    with running(options(database_url)) as url:
        officer = Staff(url, connection, "data-protection")
        page = officer.post("/data-protection/tenancy", number=HIS).text
        assert "Erase" not in page
        assert "Export" not in page
        assert officer.post("/data-protection/erase", number=HIS, again=HIS).status_code == 404
        assert officer.post("/data-protection/export", number=HIS).status_code == 404
        officer.web.close()


def test_a_slip_opens_one_home_once(helper: Staff, connection: psycopg.Connection) -> None:
    code = accounts.make_code(connection, "slip", HIS, NOW, timedelta(days=1))
    page = helper.post("/assist/slip", code=code.lower())
    assert page.status_code == 200
    assert actions(connection, HIS)[0] == ("assist", "opened the details to enter a slip")
    for secret in (str(HIS), "1 Test Street", "10000000000002"):
        assert secret not in page.text
    # mistakes use nothing up
    answer = helper.post("/assist/details", code=code, **{**DETAILS, "bedrooms": "many"})
    assert answer.status_code == 400
    assert "The number of bedrooms must be a whole number" in answer.text
    answer = helper.post("/assist/details", code=code, **DETAILS)
    assert answer.status_code == 200
    assert "The slip is entered." in answer.text
    home = homes.home(connection, 10_000_000_000_002)
    tenancy = homes.tenancy(connection, HIS)
    assert home is not None
    assert tenancy is not None
    assert (home.details.dwelling, home.details.heating, home.details.floor_area) == ("terraced", "heat-pump", 75.5)
    assert (tenancy.occupants, tenancy.electric_vehicle, tenancy.large_print) == (4, True, True)
    assert connection.execute(
        "select source from personal.home_details where home_id = %s order by valid_from desc limit 1", (home.id,)
    ).fetchone() == ("assist",)
    assert actions(connection, HIS)[0] == ("assist", "entered the details of a slip")
    for path in ("/assist/slip", "/assist/details"):
        again = helper.post(path, code=code, **DETAILS)
        assert again.status_code == 400
        assert "wrong, has been used, or is too old" in again.text


def test_slips_that_open_nothing(helper: Staff, connection: psycopg.Connection) -> None:
    old = accounts.make_code(connection, "slip", HIS, NOW - timedelta(days=2), timedelta(days=1))
    moved_out = accounts.make_code(connection, "slip", GONE, NOW, timedelta(days=1))
    bind = accounts.make_code(connection, "bind", HIS, NOW, timedelta(days=1))
    texts = set()
    for code in ("", "BCDF-GHJK-LMNP", old, moved_out, bind):
        for path in ("/assist/slip", "/assist/details"):
            answer = helper.post(path, code=code, **DETAILS)
            assert answer.status_code == 400
            texts.add(answer.text)
    assert len(texts) == 1
    assert actions(connection, GONE) == []
