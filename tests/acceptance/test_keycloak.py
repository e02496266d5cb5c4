"""Signing in by the pages of a real Keycloak, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from borough.postgres_server import free_port
from dashboard.options import SignIn
from tests.tools.keycloak import CLIENT, PASSWORD, SECRET, find_keycloak, keycloak
from tests.tools.servers import Cluster
from tests.tools.signing_in import rows
from tests.tools.site import HERS, options, running, tenancies

pytestmark = [pytest.mark.browser]


@dataclass
class Place:
    """A site, its database, and the issuer's address."""

    url: str
    database: str
    issuer: str


@pytest.fixture(scope="module")
def place(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    distribution = find_keycloak()
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/realms/borough"
    with (
        tenancies(timescale) as database,
        # the issuer is asked at the first sign-in: the site may run before it
        running(options(database, sign_in=SignIn(issuer, CLIENT, SECRET))) as url,
        keycloak(distribution, tmp_path_factory.mktemp("issuer"), port, url, HERS),
    ):
        yield Place(url, database, issuer)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(300_000)
    yield context.new_page()
    context.close()


def sign_in(page: Page, place: Place, name: str, password: str) -> None:
    """From our page to Keycloak's, and what it asks for."""
    page.goto(f"{place.url}/sign-in")
    page.locator("a[href*='/sign-in/start']").first.click()
    page.wait_for_url(f"{place.issuer}/**")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("[type=submit]")


def test_an_engineer_is_one_by_the_realm_s_role(place: Place, page: Page) -> None:
    sign_in(page, place, "nadia", PASSWORD)
    page.wait_for_url(f"{place.url}/**")
    expect(page.locator("body")).to_contain_text("Sign out")
    answer = page.goto(f"{place.url}/overview")
    assert answer is not None
    assert answer.status == 200
    assert page.goto(f"{place.url}/home") is not None
    ((held, tenancy),) = rows(
        place.database,
        "select s.roles, a.tenancy_id from personal.session s join personal.account a on a.id = s.account_id "
        f"where a.issuer = '{place.issuer}' and a.tenancy_id is null",
    )
    assert (list(held), tenancy) == (["engineer"], None)


def test_a_resident_comes_home_by_the_claim(place: Place, page: Page) -> None:
    sign_in(page, place, "alice", PASSWORD)
    page.wait_for_url(re.compile(rf"{re.escape(place.url)}/home.*"))
    assert urlsplit(page.url).path == "/home"
    ((tenancy, by),) = rows(
        place.database, "select tenancy_id, bound_by from personal.account where tenancy_id is not null"
    )
    assert (tenancy, by) == (HERS, "claim")


def test_a_wrong_password_stays_at_keycloak(place: Place, page: Page) -> None:
    sign_in(page, place, "nadia", "wrong")
    expect(page.locator("body")).to_contain_text("Invalid username or password")
    assert page.url.startswith(place.issuer.removesuffix("/realms/borough"))
