"""The issuer changes its key: sign-ins go on, and forged tokens neither get in nor make us ask again and again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboard.account import issuer as keys
from tests.tools.issuer import change_key
from tests.tools.servers import Cluster
from tests.tools.signing_in import Place, browser, sign_in, signing_in
from tests.tools.site import COOKIE


@pytest.fixture
def place(timescale: Cluster) -> Iterator[Place]:
    """One of its own: which keys a site holds is what is tested."""
    with signing_in(timescale) as found:
        yield found


def goes(place: Place) -> bool:
    """Whether a sign-in comes about."""
    with browser(place.url) as web:
        answer = sign_in(web, "alice")
        assert answer.status_code in (303, 400), answer.text
        return COOKIE in web.cookies


def _token(body: bytes, head: dict[str, Any], sign: str) -> bytes:
    found = json.loads(body)
    _, claims, signature = found["id_token"].split(".")
    first = base64.urlsafe_b64encode(json.dumps(head).encode()).decode().rstrip("=")
    found["id_token"] = f"{first}.{claims}.{sign + signature[len(sign) :]}"
    return json.dumps(found).encode()


def test_a_key_that_no_token_names_is_changed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert goes(place)
    assert place.wire.key_requests() == 1
    change_key(place.wire.issuer_port)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: goes(place), range(4)))
    assert place.wire.key_requests() == 2, "one for all"
    # changed twice in a minute: after the minute it goes on by itself
    change_key(place.wire.issuer_port)
    assert not goes(place)
    assert place.wire.key_requests() == 2
    monkeypatch.setattr(keys, "REST_SECONDS", 0.0)
    assert goes(place)
    assert place.wire.key_requests() == 3


@pytest.mark.parametrize("head", [{"alg": "RS256"}, {"alg": "RS256", "kid": "of-nobody"}], ids=["no kid", "a kid"])
def test_forged_tokens_are_refused_and_ask_once_a_minute(place: Place, head: dict[str, Any]) -> None:
    assert goes(place)
    place.wire.answer = lambda path, body: _token(body, head, "AAAA") if path.endswith("/token") else body
    for _ in range(5):
        assert not goes(place)
    assert place.wire.key_requests() == 2
    place.wire.answer = None
    assert goes(place)
    assert place.wire.key_requests() == 2
