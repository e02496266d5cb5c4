"""A webhook against real servers that refuse, redirect, hang, drip, flood, are gone; the signature as documented."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from borough.delivery.webhook import NotTold, Webhook
from tests.tools.receiver import How, Receiver

KEY = b"of-the-tests-" * 3
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PAGE = (Path(__file__).parents[2] / "docs/how-to/be-woken.md").read_text()


def test_what_is_sent_is_signed_over_its_key_its_time_and_its_body() -> None:
    with Receiver() as receiver:
        Webhook(receiver.url, KEY).send("a-key", b'{"a": 1}', NOW)
        (got,) = receiver.got
    assert got.path == "/hooks/of-a-secret"
    assert got.body == b'{"a": 1}'
    assert got.headers["content-type"] == "application/json"
    assert (got.headers["webhook-id"], got.headers["webhook-timestamp"]) == ("a-key", "1773144000")
    digest = hmac.new(KEY, b'a-key.1773144000.{"a": 1}', hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_the_documents_receiver_takes_what_is_ours_and_nothing_else() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(example, "be-woken.md", "exec"), names)  # what people copy is what is tested
    check = names["ours"]
    assert callable(check)
    now = datetime.now(UTC)
    with Receiver() as receiver:
        Webhook(receiver.url, KEY).send("a-key", b'{"a": 1}', now)
        (got,) = receiver.got
    headers = dict(got.headers)
    assert check(KEY, headers, got.body)
    assert not check(b"another", headers, got.body)
    assert not check(KEY, headers, got.body + b" ")
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        assert not check(KEY, {**headers, name: "1773144000"}, got.body)
        assert not check(KEY, {key: value for key, value in headers.items() if key != name}, got.body)
    with Receiver() as receiver:
        Webhook(receiver.url, KEY).send("a-key", b"{}", NOW)
        (old,) = receiver.got
    assert not check(KEY, dict(old.headers), old.body), "what is old may have been caught on its way"


@pytest.mark.parametrize(
    ("how", "seconds", "words"),
    [
        ("refuses", 30.0, "answered 500"),
        ("redirects", 30.0, "answered 307, and a redirect is not followed"),
        ("hangs", 3.0, "no answer within 3 s"),
        ("drips", 3.0, "no answer within 3 s"),
    ],
)
@pytest.mark.timeout(60)  # what is not bounded would not end
def test_a_receiver_that_does_not_take_it(how: How, seconds: float, words: str) -> None:
    with Receiver(how) as receiver:
        with pytest.raises(NotTold, match=words):
            Webhook(receiver.url, KEY, seconds=seconds).send("a-key", b"{}", NOW)
        assert len(receiver.got) == 1, "nobody was asked elsewhere, or twice"


@pytest.mark.timeout(60)  # the answer has no end
def test_of_an_answer_nothing_is_read_beyond_its_head() -> None:
    with Receiver("floods") as receiver:
        Webhook(receiver.url, KEY).send("a-key", b"{}", NOW)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/secret", "https://nowhere.invalid/secret"])
def test_a_receiver_that_is_gone(url: str) -> None:
    with pytest.raises(NotTold) as caught:
        Webhook(url, KEY, seconds=5.0).send("a-key", b"{}", NOW)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver, Receiver() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        Webhook(receiver.url, KEY).send("a-key", b"{}", NOW)
        assert len(receiver.got) == 1
        assert proxy.got == []


def test_address_and_key_are_shown_nowhere() -> None:
    assert "secret" not in repr(Webhook("https://alerts.example/secret", b"a-secret-key" * 3))
