"""Whose address counts behind proxies: the last that is no proxy of ours, whatever anybody wrote before it."""

from __future__ import annotations

import pytest
from starlette.types import Message, Receive, Scope, Send

from dashboard.web.forwarded import Forwarded, bucket, networks

PROXIES = ("127.0.0.1", "172.30.255.1", "2001:db8:1::/64")


async def _found(peer: str, *listed: str, scheme: str = "") -> tuple[str, str]:
    found: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(_: Message) -> None:
        raise AssertionError("nothing is sent")

    headers = [(b"x-forwarded-for", one.encode("latin-1")) for one in listed]
    headers += [(b"x-forwarded-proto", scheme.encode())] if scheme else []
    scope: Scope = {"type": "http", "client": (peer, 5), "scheme": "http", "headers": headers}
    await Forwarded(app, PROXIES)(scope, receive, send)
    return found[0]["client"][0], found[0]["scheme"]


@pytest.mark.parametrize(
    ("peer", "listed", "wanted"),
    [
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["10.0.0.1, 198.51.100.7"], "198.51.100.7"),  # the first is what the visitor wrote
        ("127.0.0.1", ["10.0.0.1", "192.168.1.5"], "192.168.1.5"),  # from the council's own network
        ("127.0.0.1", ["10.0.0.1, 192.168.1.5, 172.30.255.1"], "192.168.1.5"),
        ("127.0.0.1", ["10.0.0.1, [2001:db8:2::1]:443, 2001:db8:1::9"], "2001:db8:2::1"),
        ("127.0.0.1", ["10.0.0.1, 198.51.100.7:4711"], "198.51.100.7"),
        ("127.0.0.1", ["10.0.0.1, ::ffff:198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["10.0.0.1, unknown"], "127.0.0.1"),
        ("127.0.0.1", ["10.0.0.1, \xff, 172.30.255.1"], "172.30.255.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("::ffff:127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("::ffff:203.0.113.9", ["198.51.100.7"], "203.0.113.9"),
        ("172.30.255.2", ["198.51.100.7"], "172.30.255.2"),
    ],
)
async def test_the_last_that_is_no_proxy_counts(peer: str, listed: list[str], wanted: str) -> None:
    assert (await _found(peer, *listed))[0] == wanted


async def test_the_scheme_is_a_proxy_s_to_say() -> None:
    assert (await _found("127.0.0.1", scheme="https"))[1] == "https"
    assert (await _found("127.0.0.1", scheme="javascript"))[1] == "http"
    assert (await _found("198.51.100.7", scheme="https"))[1] == "http"


def test_one_household_is_one_place_and_no_other() -> None:
    assert bucket("::ffff:198.51.100.7") == bucket("198.51.100.7") != bucket("::ffff:198.51.100.8")
    assert bucket("64:ff9b::198.51.100.7") == bucket("198.51.100.7")
    assert bucket("2001:db8::1") == bucket("2001:db8::ffff:2") != bucket("2001:db8:0:1::1")


@pytest.mark.parametrize("text", ["*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8"])
def test_proxies_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"believe everybody|neither an address"):
        networks(["127.0.0.1", text])
