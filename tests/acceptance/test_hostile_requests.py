"""Requests that are none of ours: each answered in words, none by 5xx, and no file that begins and breaks off."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from dashboard.web.forwarded import networks
from dashboard.web.values import cursor_of
from store.connect import connect
from tests.tools import site
from tests.tools.servers import PATIENCE, Cluster
from tests.worlds.resident_world import World, living


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found:
        yield found


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("engineer", "/overview?family=%00"),
        ("ann", "/home/access?before=9223372036854775808"),
        ("ann", "/home/access?before=99999999999999999999999"),
        ("ann", "/home/data/half-hours.csv?from=9999-12-31"),
        ("ann", "/home/data/half-hours.csv?to=0001-01-01"),
        ("ann", "/home/day?date=0001-01-01"),
        ("ann", "/home?period=0001-W01"),
        ("ann", "/api/v1/home/days?fuel=electricity&to=0001-01-01"),
        ("ann", "/api/v1/home/half-hours?fuel=electricity&to=0001-01-01"),
        ("ann", "/api/v1/home/half-hours?fuel=electricity&from=9999-12-31"),
        ("ann", "/api/v1/home/access?cursor=2aPZow"),  # digits, and not ASCII
        ("ann", f"/api/v1/home/access?cursor={cursor_of('9' * 19)}"),
    ],
)
def test_values_that_are_none_are_named(world: World, who: str, path: str) -> None:
    answer = world.get(who, path)
    assert answer.status_code == 400, answer.text
    assert "Not right: " in answer.text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/home/tariff", {"fuel": "electricity", "name": "a\x00b"}),
        ("/home/tariff/remove", {"fuel": "gas\x00", "from": "2026-04-01"}),
        ("/home/consents", {"purpose": "\x00", "give": "yes"}),
    ],
)
def test_forms_with_nul(world: World, path: str, fields: dict[str, str]) -> None:
    assert world.post("ann", path, **fields).status_code == 400


def test_a_number_beyond_a_bigint_in_a_form(world: World) -> None:
    with connect(world.database, autocommit=True) as connection:
        cookie = site.make_session(connection, None, ["data-protection"])
    number = str(world.people["ann"].tenancy_id)
    with site.client(world.url, cookie) as web:
        for below in ("9223372036854775808", "9" * 400, "\u0663", "-1"):
            sent = {"csrf": site.csrf(cookie), "number": number, "below": below}
            assert web.post("/data-protection/tenancy", data=sent).status_code == 400


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://a]b", "null"])
def test_an_origin_that_is_no_address(world: World, origin: str) -> None:
    with world.client("ann") as web:
        sent = {"csrf": site.csrf(world.cookies["ann"])}
        assert web.post("/home/consents", data=sent, headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize("charset", ["idna", "undefined", "unicode_escape", "hex", "punycode"])
def test_a_part_with_an_encoding_of_its_own(world: World, charset: str) -> None:
    line = secrets.token_hex(8)
    body = f'--{line}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n\\ud800..\xff\r\n--{line}--\r\n'
    kind = f"multipart/form-data; boundary={line}; charset={charset}"
    with world.client("ann") as web:
        for path in ("/home/tariff", "/home/consents", "/sign-out"):
            answer = web.post(path, content=body.encode("latin-1"), headers={"Content-Type": kind})
            assert answer.status_code in (400, 403), path


def test_redirects_repeat_no_port_of_a_host(world: World) -> None:
    for path in ("/home/", "/privacy/", "/sign-in/"):
        answer = httpx.get(f"{world.url}{path}", headers={"Host": "127.0.0.1:1"}, timeout=PATIENCE)
        assert (answer.status_code, answer.headers["location"]) == (307, path.rstrip("/"))
    assert httpx.get(f"{world.url}/nowhere/", timeout=PATIENCE).status_code == 404


def test_an_answer_with_a_household_s_data_is_kept_by_nobody(world: World) -> None:
    answer = world.get("ann", "/api/v1/home")
    assert answer.headers["cache-control"] == "no-store"
    assert world.get("ann", "/api/v1/home", **{"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_the_stack_believes_its_gateway_and_no_network() -> None:
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
    trusted = found["services"]["dashboard"]["environment"]["BOROUGH_WEB_PROXIES"]
    (subnet,) = found["networks"]["outside"]["ipam"]["config"]
    assert trusted == f"${{BOROUGH_WEB_PROXIES-{subnet['gateway']}}}"
    assert networks([subnet["gateway"]])[0].subnet_of(networks([subnet["subnet"]])[0])  # type: ignore[arg-type]
