"""The start page is the council's: its name in header and titles, and an entry for each audience."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from store.connect import connect
from tests.tools.servers import Cluster
from tests.tools.site import HERS, client, make_session, options, running, tenancies


@pytest.fixture(scope="module")
def homes(timescale: Cluster) -> Iterator[str]:
    with tenancies(timescale) as found:
        yield found


@pytest.fixture(scope="module")
def url(homes: str) -> Iterator[str]:
    with running(options(homes)) as found:
        yield found


@pytest.fixture
def cookie(homes: str) -> dict[str, str | None]:
    with connect(homes, autocommit=True) as connection:
        return {
            "nobody": None,
            "resident": make_session(connection, HERS),
            "programme": make_session(connection, None, ["programme"]),
            "engineer": make_session(connection, None, ["engineer"]),
        }


def title(page: str) -> list[str]:
    found = re.search(r"<title>([^<]*)</title>", page)
    assert found is not None
    return found[1].split(" \N{EN DASH} ")


def bar(page: str) -> list[str]:
    return re.findall(r">([^<>\n]+)<", page.partition('<div class="bar">')[2].partition("</div>")[0])


@pytest.mark.parametrize(
    ("who", "path", "name", "said"),
    [
        ("nobody", "/", ["The borough now", "Testborough Council"], ["Testborough Council"]),
        ("nobody", "/privacy", ["Privacy and your data", "Testborough Council"], ["Testborough Council"]),
        ("nobody", "/nowhere", ["Page not found", "Testborough Council"], ["Testborough Council"]),
        (
            "resident",
            "/home/neighbours",
            ["Who your neighbours are", "Home energy", "Testborough Council"],
            ["Testborough Council", "Home energy"],
        ),
        (
            "engineer",
            "/overview",
            ["What is arriving", "Operation", "Testborough Council"],
            ["Testborough Council", "Operation"],
        ),
    ],
)
def test_titles_and_header_say_whose_site_and_which_part(
    url: str, cookie: dict[str, str | None], who: str, path: str, name: list[str], said: list[str]
) -> None:
    with client(url, cookie[who]) as web:
        page = web.get(path).text
    assert title(page) == name
    assert bar(page) == said


def test_the_start_has_an_entry_for_each_audience_that_there_is(url: str, cookie: dict[str, str | None]) -> None:
    def headings(who: str) -> list[str]:
        with client(url, cookie[who]) as web:
            return re.findall(r"<h2[^>]*>([^<]*)</h2>", web.get("/").text)

    now = ["Air now", "Parking bays free now", "Energy of homes together"]
    assert headings("nobody") == [*now, "Home energy", "Movement", "Parking", "Air quality", "Open data"]
    assert headings("resident") == [*now, "Home energy", "Movement", "Parking", "Air quality", "Open data"]
    assert headings("programme") == [
        *now,
        "Your work",
        "Home energy",
        "Movement",
        "Parking",
        "Air quality",
        "Open data",
    ]
    assert headings("engineer") == [
        *now, "Your work", "Home energy", "Movement", "Parking operations", "Parking", "Air quality", "Open data",
        "Operation",
    ]  # fmt: skip
    with client(url, cookie["programme"]) as web:
        assert '<a href="/programme">Programme</a></li>\n  </ul>\n</section>' in web.get("/").text


def test_a_demo_is_named_and_shows_what_arrives(homes: str) -> None:
    with running(options(homes, demo=True)) as url, client(url) as web:
        page = web.get("/").text
    assert title(page) == ["The borough now", "Testborough Council (demo)"]
    assert "For engineers:" in page
