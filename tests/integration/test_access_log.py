"""The log of access holds one row for each answer that held a household's data, and none for any other answer.

The routes are the application's own. A route that is new is asked here without anybody adding it; one that takes a form
must be given one, or the walk fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from analytics.periods import week_of
from store import accounts, care, complaints, homes, nudge_ways
from store.connect import connect
from tests.tools import kept, site
from tests.tools.servers import Cluster
from tests.worlds.resident_world import TODAY, World, living

BELOW = ("/home", "/assist", "/api/v1/home", "/data-protection")
#: Pages that say nothing of whoever opens them: empty forms, what leaving means, complaints by their references.
BLANK = (
    "/assist", "/data-protection", "/data-protection/complaints", "/data-protection/complaints/new", "/home/leave",
    "/home/tariff",
)  # fmt: skip
DETAILS = {
    "dwelling": "terraced", "heating": "gas", "floor_area": "71", "bedrooms": "3", "occupants": "2", "tenure": "",
    "epc": "", "electric_vehicle": "", "medical_equipment": "",
}  # fmt: skip
PRICE = {
    "fuel": "gas", "name": "Fixed", "from-day": "1", "from-month": "4", "from-year": str(TODAY.year - 1),
    "payment": "direct-debit", "standing": "29.04", "rate": "7.33",
}  # fmt: skip
#: Fields of a form, the answer's status, and the action in the log, None: no row.
Form = tuple[dict[str, str], int, str | None]


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found, connect(found.database, autocommit=True) as connection:
        for role in ("assist", "data-protection"):
            found.cookies[role] = site.make_session(connection, None, [role])
        now, ann = datetime.now(UTC), found.people["ann"].tenancy_id
        homes.give_consent(connection, ann, "care", "page", now)
        with connection.transaction():
            # so that the form that takes it back has something to take back
            nudge_ways.stop(connection, ann, "real", now)
        for name in ("Bea", "Cyd"):
            care.name_carer(connection, ann, "family", name, "Mum", now, TODAY)
        given = complaints.Given("Who looked at my meter?", "other", "none", "", "", ann, "page")
        with connection.transaction():
            taken = complaints.take(connection, given, secret="a-secret", form="f", received_at=now, now=now)
        assert taken is not None
        REFERENCES[found.database] = taken.reference
        yield found


#: The complaint of a world's household, by its database.
REFERENCES: dict[str, str] = {}


def routes(method: str) -> list[str]:
    """The paths that the application answers below those that have to do with households."""
    paths = [route.path for route in site.routes() if method in (route.methods or ())]
    return sorted(path for path in paths if any(path == top or path.startswith(f"{top}/") for top in BELOW))


def wishes(path: str, reference: str) -> list[str]:
    """A path as it is asked for: with nothing, with what it knows, and with what nobody knows."""
    week, day = week_of(TODAY - timedelta(days=7)).key, (TODAY - timedelta(days=1)).isoformat()
    found = {
        path.format(fuel=fuel, period=period, reference=known) + query
        for fuel, period, known in (
            ("electricity", week, reference), ("electricity", "1999-W01", "C-0000"), ("x", "x", "x"),
        )
        for query in (
            "", "?fuel=electricity", f"?fuel=electricity&date={day}&from={day}&to={day}", "?fuel=coal",
            "?fuel=electricity&net=true", "?fuel=electricity&from=2001-01-01", "?fuel=electricity&period=1999-W01",
            "?cursor=eA", "?date=1999-01-01",
        )
    }  # fmt: skip
    return sorted(found)


def signed_in_for(path: str) -> str:
    return next((role for role in ("assist", "data-protection") if path.startswith(f"/{role}")), "ann")


def newly(world: World, ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, list[tuple[int, str]]]:
    """An answer, and tenancy and action of the rows that the log of access has since."""
    ((before,),) = kept.rows(world.database, "select coalesce(max(id), 0) from personal.access")
    answer = ask()
    found = kept.rows(world.database, "select tenancy_id, action from personal.access where id > %s", before)
    return answer, [(tenancy, action) for tenancy, action in found]


def test_the_walk_is_of_what_there_is() -> None:
    assert {"/home", "/home/data/all.json", "/api/v1/home/half-hours", "/assist"} <= set(routes("GET"))
    assert len(routes("GET")) >= 22


@pytest.mark.parametrize("path", routes("GET"))
def test_a_look_is_one_row_and_an_answer_without_data_none(world: World, path: str) -> None:
    who = signed_in_for(path)
    statuses = set()
    with world.client(who) as client:
        for wish in wishes(path, REFERENCES[world.database]):
            answer, rows = newly(world, lambda wish=wish: client.get(wish))  # type: ignore[misc]
            statuses.add(answer.status_code)
            held = answer.status_code == 200 and path not in BLANK
            assert [tenancy for tenancy, _ in rows] == [world.people["ann"].tenancy_id] * held, f"{wish}: {rows}"
    assert 200 in statuses, "no wish was answered with data"


@pytest.mark.parametrize("path", [path for path in BLANK if path.startswith("/home")])
def test_what_is_not_logged_is_the_same_for_every_household(world: World, path: str) -> None:
    pages = {who: world.get(who, path).text.replace(site.csrf(world.cookies[who]), "") for who in ("ann", "bob")}
    assert pages["ann"] == pages["bob"]


@pytest.mark.parametrize("path", routes("GET"))
def test_who_may_not_come_in_leaves_no_row(world: World, path: str) -> None:
    where = path.format(fuel="gas", period="2026-W01", reference="x")
    for who in (None, "engineer"):
        answer, rows = newly(world, lambda who=who: world.get(who, where))  # type: ignore[misc]
        assert answer.status_code in (303, 401, 403)
        assert rows == []


def forms(world: World) -> dict[str, list[Form]]:
    """What is sent to each route that takes a form, in this order."""
    with connect(world.database, autocommit=True) as connection:
        slip = accounts.make_code(
            connection, "slip", world.people["ann"].tenancy_id, datetime.now(UTC), timedelta(days=1)
        )
        links = [str(one.id) for one in care.links_of_tenancy(connection, world.people["ann"].tenancy_id)]
    number = str(world.people["ann"].tenancy_id)
    first = date(TODAY.year - 1, 4, 1).isoformat()
    return {
        "/home/consents": [
            ({"purpose": "messages", "give": "yes"}, 303, "gave a consent"),
            ({"purpose": "messages", "give": "yes"}, 303, None),
            ({"purpose": "messages", "give": "no"}, 303, "withdrew a consent"),
            ({"purpose": "messages", "give": "perhaps"}, 400, None),
        ],
        "/home/details": [
            ({**DETAILS, "bedrooms": "4"}, 303, "changed the details"),
            ({**DETAILS, "bedrooms": "4"}, 303, None),
            # its page has the prices of the household
            ({**DETAILS, "bedrooms": "many"}, 400, "looked at the details"),
        ],
        "/home/tariff": [
            ({}, 400, None),
            (PRICE, 303, "entered a price"),
            (PRICE, 303, None),
        ],
        "/home/tariff/remove": [
            ({"fuel": "gas", "from": first}, 303, "removed a price"),
            ({"fuel": "gas", "from": first}, 303, None),
            ({"fuel": "gas"}, 400, None),
        ],
        "/home/nudges/stop": [
            ({}, 303, "stopped notes about energy use"),
            ({}, 303, None),
        ],
        "/home/nudges/start": [({}, 303, "started notes about energy use"), ({}, 303, None)],
        "/home/nudges/email": [
            ({"address": "ann@home.example"}, 303, "gave an e-mail address for notes"),
            # its page has what the household was told
            ({"address": "nobody"}, 400, "read notes about energy use"),
        ],
        "/home/nudges/email/code": [({"code": "x"}, 400, "read notes about energy use")],
        "/home/nudges/ways": [
            ({"channel": "letter", "give": "yes"}, 303, "changed how notes come"),
            ({"channel": "letter", "give": "yes"}, 303, None),
            ({"channel": "letter", "give": "no"}, 303, "changed how notes come"),
            ({"channel": "page", "give": "no"}, 400, None),
        ],
        # leaving takes its log along
        "/home/leave": [({}, 400, None), ({"understood": "yes"}, 303, None)],
        "/assist/slip": [({"code": slip}, 200, "opened the details to enter a slip"), ({"code": "x"}, 400, None)],
        "/assist/details": [
            ({**DETAILS, "code": slip, "bedrooms": "many"}, 400, None),
            ({**DETAILS, "code": slip}, 200, "entered the details of a slip"),
            ({**DETAILS, "code": slip}, 400, None),
        ],
        "/home/carers": [
            ({"kind": "family", "carer": "Eva", "home": "Mum"}, 200, "named a carer"),
            ({"kind": "family", "carer": "Fay", "home": "Mum"}, 400, None),
        ],
        "/home/carers/code": [({"link": links[0]}, 200, "made a carer's code"), ({"link": "0"}, 404, None)],
        "/home/carers/end": [({"link": links[1]}, 303, "ended a carer"), ({"link": links[1]}, 303, None)],
        "/home/carers/up": [
            ({"link": links[-1]}, 303, "changed the order of carers"),
            ({"link": "0"}, 303, None),
        ],
        # one that came by another way is nobody's whom we know
        "/data-protection/complaints/new": [({}, 400, None)],
        "/data-protection/complaints/{reference}/{kind}": [
            ({"kind": "answer", "answer": ""}, 400, "looked at the complaint"),
            ({"kind": "acknowledgement", "acknowledgement": "We have it."}, 303, "acknowledged the complaint"),
            ({"kind": "acknowledgement", "acknowledgement": "We have it."}, 303, None),
            ({"kind": "answer", "answer": "An engineer did."}, 303, "answered the complaint"),
            ({"kind": "other"}, 404, None),
        ],
        "/data-protection/tenancy": [
            ({"number": number}, 200, "looked at the log of access"),
            ({"number": "1"}, 404, None),
        ],
        "/data-protection/export": [
            ({"number": number}, 200, "exported all that is held"),
            ({"number": "1"}, 404, None),
        ],
        "/data-protection/erase": [
            ({"number": number, "again": "1"}, 400, "looked at the log of access"),
            ({"number": "1", "again": "1"}, 404, None),
            ({"number": number, "again": number}, 200, "asked for everything to be erased"),
        ],
    }


@pytest.mark.parametrize("path", routes("POST"))
def test_a_form_is_one_row_where_it_shows_or_changes_something(world: World, path: str) -> None:
    sent = forms(world).get(path)
    assert sent, f"{path} takes a form: say in forms() what is sent to it and what the log then says"
    for fields, status, action in sent:
        where = path.format(reference=REFERENCES[world.database], kind=fields.get("kind"))
        answer, rows = newly(world, lambda where=where, fields=fields: world.post(signed_in_for(path), where, **fields))  # type: ignore[misc]
        assert answer.status_code == status, fields
        assert rows == ([] if action is None else [(world.people["ann"].tenancy_id, action)]), fields


@pytest.mark.parametrize("path", routes("POST"))
def test_a_form_of_who_may_not_come_in_leaves_no_row(world: World, path: str) -> None:
    for fields, _, _ in forms(world).get(path, []):
        where = path.format(reference=REFERENCES[world.database], kind=fields.get("kind"))
        answer, rows = newly(world, lambda where=where, fields=fields: world.post("engineer", where, **fields))  # type: ignore[misc]
        assert answer.status_code in (303, 403)
        assert rows == []
