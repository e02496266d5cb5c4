"""The public page of free bays, over a real database."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import httpx
import pytest

from dashboard import roles
from dashboard.app import create_app
from store.connect import connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds.parking_public import HERE, NOWHERE, PARK, town


@pytest.fixture(scope="module")
def begun() -> float:
    """When the town was begun [s, monotonic]: what is told of it is that much older."""
    return time.monotonic()


@pytest.fixture(scope="module")
def web(timescale: Cluster, begun: float) -> Iterator[httpx.Client]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        town(connection)
    with site.running(site.options(timescale.url(name), demo=True)) as url, site.client(url) as client:
        yield client
    timescale.drop(name)


def ask(web: httpx.Client, place: str, **more: str) -> str:
    """The page for a place, as text without its markup."""
    answer = web.get("/parking", params={"place": place, **{name: value for name, value in more.items() if value}})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    return answer.text


def bays(page: str) -> list[str]:
    return re.findall(r'data-bay="([^"]+)"', page)


def test_the_nearest_first_and_what_is_known_of_them(web: httpx.Client, begun: float) -> None:
    page = ask(web, HERE)
    # free ones by distance, then those of which nobody knows; never what is taken, closed, or a household's
    assert bays(page)[:3] == ["a-13", "a-14", "a-15"]
    assert len(bays(page)) == 10 + 2
    assert bays(page)[10:] == ["a-19", "a-20"]
    assert "Mill Lane, 10 m" in page
    free = re.search(r"Free for ([0-9]+) min", page)
    assert free is not None
    assert 20 <= int(free[1]) <= 21 + (time.monotonic() - begun) // 60
    assert "At most 1 hour." in page
    assert "Not known: its sensor has been silent" in page
    assert "Not known: its sensor has not reported yet" in page
    assert "more bays are free within 2 km" in page
    for never in ("shut", "allowed", "home-2", "home-3", "a-04", "a-05", "home-1", "a-01"):
        assert f'"{never}"' not in page


def test_a_bay_of_a_household_is_nowhere(web: httpx.Client) -> None:
    for kind in ("", "disabled"):
        for badge in ("", "true"):
            for place in ("High Street", HERE):
                assert "home-" not in ask(web, place, kind=kind, badge=badge)


def test_disabled_bays_first_where_asked(web: httpx.Client) -> None:
    assert "d-01" not in bays(ask(web, HERE))
    assert bays(ask(web, HERE, badge="true"))[0] == "d-01"
    assert bays(ask(web, HERE, kind="disabled")) == ["d-01"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("te5 7st", "Free bays near TE5 7ST"),
        ("te5", "Free bays near TE5"),
        (PARK.upper(), f"Free bays near {PARK}"),
        ("mill lane", "Free bays near Mill Lane"),
        ("  mill   lane ", "Free bays near Mill Lane"),
        ("mill", "Free bays near Mill Lane"),
        ("Testbury", "Free bays near Testbury<"),  # exactly this, though another begins so
        ("test", "Which of these do you mean?"),
        (NOWHERE, "We do not know this place"),
        ("<b>x</b>", "We do not know this place"),
        ("%", "We do not know this place"),
        ("TE9 9AA", "There is no bay of this kind here"),
        ("", "Say where you want to park"),
        ("   ", "Say where you want to park"),
    ],
)
def test_places(web: httpx.Client, place: str, said: str) -> None:
    page = ask(web, place)
    assert said in page
    assert "<b>x" not in page


def test_nothing_free(web: httpx.Client) -> None:
    page = ask(web, HERE, kind="electric")
    assert "No bay of this kind is known to be free" in page
    assert "1 bay is taken" in page
    assert bays(page) == []


def test_the_choices_of_one_who_may_mean_several(web: httpx.Client) -> None:
    page = ask(web, "test", kind="pay", badge="true")
    links = re.findall(r'href="(/parking\?[^"]+)"', page)
    assert len(links) == 2
    again = web.get(links[0].replace("&amp;", "&")).text
    assert "Free bays near" in again
    assert 'value="pay" selected' in again
    assert 'value="true" checked' in again


def test_a_poll_without_scripts(web: httpx.Client) -> None:
    page = ask(web, HERE)
    assert "http-equiv" not in page
    address = re.search(r'href="(/parking\?[^"]*refresh=true[^"]*)"', page)
    assert address is not None
    again = web.get(address[1].replace("&amp;", "&")).text
    assert '<meta http-equiv="refresh" content="60">' in again
    assert "Stop refreshing" in again


@pytest.mark.parametrize("query", ["kind=nonsense", "badge=perhaps", f"place={'x' * 600}", "place=%00", "kind=a%20b"])
def test_a_query_that_no_form_sends(web: httpx.Client, query: str) -> None:
    assert web.get(f"/parking?{query}").status_code in {200, 400}


def test_bays_of_another_origin_are_not_mixed_in(timescale: Cluster) -> None:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        town(connection)
    with site.running(site.options(timescale.url(name))) as url, site.client(url) as real:
        assert "There is no bay of this kind here" in ask(real, HERE)
        assert "We do not know this place" in ask(real, "Mill Lane")
        assert 'href="/parking"' in real.get("/").text
    timescale.drop(name)


def test_nothing_else_below_it_is_for_anybody() -> None:
    """Of what is below the page, only what has such a row of its own."""
    paths = create_app(site.options("postgresql://x@127.0.0.1:1/x")).state.site.paths
    open_to_all = {path for path in paths if path.startswith("/parking") and roles.need(path) == roles.ANYBODY}
    assert {path for path in open_to_all if not path.startswith("/parking/feed/")} == {"/parking", "/parking/live"}
