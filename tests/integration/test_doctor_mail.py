"""`borough doctor` and messages to people: each fault of a relay is planted, and told by its code, no password."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from borough.doctor.advice import ADVICE
from borough.doctor.finding import Finding
from borough.doctor.mail import mail
from borough.settings.settings import read_settings
from store import outbox_work
from tests.tools.certificates import Authority
from tests.tools.relay import DROP, HANG, Relay
from tests.tools.servers import Cluster
from tests.worlds.outbox import World, options, settings


@pytest.fixture(scope="module")
def outbox_database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def world(outbox_database: str) -> Iterator[World]:
    found = World(outbox_database)
    found.empty()
    found.clock.at = datetime.now(UTC)
    yield found
    found.close()


@pytest.fixture
def ask(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str | None, str]]:
    """What is found with a relay and settings, by code."""

    def asked(relay: str | None, **more: object) -> dict[str | None, str]:
        given = settings(world.url, relay, **{name: str(value) for name, value in more.items()})
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        found: list[Finding] = mail(read_settings())
        assert all(one.code is None or one.code in ADVICE for one in found)
        assert "hunter2" not in str(found)
        return {one.code: one.found for one in found}

    return asked


@contextmanager
def encrypted(folder: Path, *, implicit: bool) -> Iterator[tuple[Relay, Path]]:
    """A relay with a certificate, and the file of its authority."""
    made = Authority(folder)
    pair = made.server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with Relay(tls=context, implicit=implicit) as relay:
        yield relay, made.ca


Ask = Callable[..., dict[str | None, str]]


def test_a_relay_that_is_well(ask: Ask) -> None:
    with Relay() as relay:
        assert ask(relay.url) == {None: f"127.0.0.1:{relay.port} takes e-mails from no-reply@council.example"}
        assert relay.got == []


def test_no_relay_is_no_fault_until_something_is_due(ask: Ask, world: World) -> None:
    assert list(ask(None)) == [None]
    world.clock.at -= timedelta(minutes=11)
    world.put(world.person())
    assert ask(None)["outbox-none"] == "1 message is due by e-mail, and no relay is set"


@pytest.mark.parametrize(
    ("stage", "answer", "code", "words"),
    [
        ("connect", "554 5.3.2 not today", "mail-relay", "greets us with 554 5.3.2 not today"),
        ("connect", DROP, "mail-relay", "cannot be reached"),
        ("connect", HANG, "mail-relay", "does not answer within 2 s"),
        ("MAIL", "550 5.7.1 not yours", "mail-sender", "takes nothing from no-reply@council.example: 550 5.7.1"),
        ("MAIL", DROP, "mail-relay", "ended when it was asked"),
    ],
)
def test_a_relay_that_is_ill(ask: Ask, stage: str, answer: str, code: str, words: str) -> None:
    with Relay() as relay:
        relay.always[stage] = answer  # type: ignore[index]
        found = ask(relay.url, smtp_timeout=2)
    assert words in found[code]


def test_a_relay_that_is_not_there(ask: Ask, free_port: int) -> None:
    assert "cannot be reached: Connection refused" in ask(f"smtp://127.0.0.1:{free_port}")["mail-relay"]
    assert "cannot be reached" in ask("smtp://no-such-host.invalid")["mail-relay"]


@pytest.mark.parametrize("implicit", [False, True])
def test_encryption(ask: Ask, tmp_path: Path, implicit: bool) -> None:
    with encrypted(tmp_path / "ours", implicit=implicit) as (relay, ca):
        assert list(ask(relay.url, smtp_ca_file=ca)) == [None]
        assert (
            "its certificate is not good"
            in ask(relay.url, smtp_ca_file=Authority(tmp_path / "other").ca)["mail-certificate"]
        )


def test_tls_where_there_is_none_and_none_where_it_is_needed(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with Relay() as relay:
        found = ask(relay.url.replace("smtp://", "smtps://"), smtp_timeout=2)
        assert found.keys() <= {"mail-tls", "mail-relay"}
        # the same relay under a name that is not this machine's own
        monkeypatch.setattr("borough.delivery.smtp._OWN", ())
        assert "offers no STARTTLS" in ask(relay.url)["mail-tls"]
        assert relay.seen.count("MAIL") == 0


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_signing_in(ask: Ask, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    with Relay(user=("borough", "hunter2")) as relay:
        assert list(ask(relay.url, smtp_username="borough", smtp_password_file=secret)) == [None]
        assert "does not let us in: 535" in ask(relay.url, smtp_username="else", smtp_password_file=secret)["mail-auth"]
    with Relay() as relay:
        found = ask(relay.url, smtp_username="borough", smtp_password_file=secret)
        assert "takes no sign-in, and a user is set" in found["mail-auth"]
    with Relay(user=("borough", "hunter2")) as relay:
        assert "530" in ask(relay.url, smtp_username="", smtp_password_file="")["mail-sender"]


def test_settings_that_do_not_fit(ask: Ask) -> None:
    assert "is no address of a relay" in ask("gopher://relay.example")["mail-settings"]


def test_what_became_of_messages(ask: Ask, world: World) -> None:
    with Relay() as relay:
        relay.answers["RCPT"] = ["550 5.1.1 no"]
        relay.answers["TAKEN"] = [DROP]
        world.put(world.person())
        world.put(world.person())
        world.work(options(relay.port))
        world.clock.at -= timedelta(minutes=11)
        world.put(world.person())
        found = ask(relay.url)
        assert found["outbox-failed"] == "in seven days 1 message was refused"
        assert found["outbox-perhaps"] == "in seven days 1 message was perhaps sent"
        assert found["outbox-late"] == "1 message has been due for ten minutes and more"
        outbox_work.relay_ill(world.own, "the relay is on fire", datetime.now(UTC) - timedelta(minutes=20))
        found = ask(relay.url)
        assert found["outbox-relay"].endswith("UTC the relay is on fire")
        assert "outbox-late" not in found
