"""The site is the council's: each audience has its entry, its name and its pages; other pages are everybody's."""

from __future__ import annotations

import pytest

from dashboard import roles
from dashboard.audiences import AUDIENCES, audience_of, entries
from dashboard.web.site import HERE

PATHS = frozenset(one.first for one in AUDIENCES)


def test_every_page_that_asks_for_a_role_is_an_audience_s() -> None:
    for path, wanted in roles.ROUTES.items():
        if wanted.roles and not path.startswith("/api/"):
            assert audience_of(path) is not None, f"{path} is of no audience in dashboard/audiences.py"


@pytest.mark.parametrize("path", ["/", "/accessibility", "/privacy", "/sign-in", "/nowhere", "/homes", "/sign-out"])
def test_pages_of_everybody_are_no_audience_s(path: str) -> None:
    assert audience_of(path) is None


def test_a_page_below_is_the_same_audience_s() -> None:
    found = audience_of("/home/data/days.csv")
    assert found is not None
    assert found.name == "Home energy"


def test_each_audience_brings_its_section_and_its_rows() -> None:
    for one in AUDIENCES:
        assert (HERE / "templates" / one.template).exists()
        roles.need(one.first)  # raises where the table has no row
        assert audience_of(one.first) is one


def names(held: set[str], *, account: bool = True, demo: bool = False, paths: frozenset[str] = PATHS) -> list[str]:
    return [one.name for one in entries(paths, held, account=account, demo=demo)]


def test_entries_are_those_that_exist_and_that_one_may_open() -> None:
    public = ["Parking", "Air quality", "Open data"]
    assert names(set(), account=False) == ["Home energy", "Movement", *public]
    assert names(set(), account=False, demo=True) == ["Home energy", "Movement", *public, "Operation"]
    assert names({"engineer"}) == ["Home energy", "Movement", "Parking operations", *public, "Operation"]
    assert names({"parking-ops"}) == ["Home energy", "Movement", "Parking operations", *public]
    assert names({"programme"}) == ["Home energy", "Movement", *public]
    assert names({"engineer"}, paths=frozenset({"/overview"})) == ["Operation"], "no entry without its pages"
