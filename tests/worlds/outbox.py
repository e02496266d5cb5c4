"""A small outbox: people, messages to them, workers with a clock that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from borough.delivery.mail import Sender
from borough.delivery.outbox import DeliverOptions, Mail, Worker
from borough.delivery.rules import Rules
from borough.delivery.smtp import Relay
from borough.delivery.triggers import TriggerOptions
from store import contacts, outbox
from store.connect import Connection, connect
from store.outbox import Standing

LONDON = ZoneInfo("Europe/London")
#: A Tuesday in summer, 13:00 on the clock on the wall.
NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)
SENDER = Sender("Testing Council", "no-reply@council.example", "help@council.example", "01632 960000")
SITE = "https://council.example"


def options(port: int | None, *, seconds: float = 10.0, rules: Rules | None = None, **relay: Any) -> DeliverOptions:
    """Options for a relay on this machine; without quiet hours unless ``rules`` has some."""
    return DeliverOptions(
        rules or Rules(LONDON, (time(0), time(0))),
        TriggerOptions(LONDON, SITE, "Testing Council", None, "real"),
        None if port is None else Mail(Relay("127.0.0.1", port, seconds=seconds, **relay), SENDER),
    )


@dataclass(slots=True)
class Clock:
    """An instant that passes only when it is told to; a millisecond at every look, so that no two are the same."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def pass_(self, span: timedelta) -> None:
        """Let time pass."""
        self.at += span


@dataclass(slots=True)
class World:
    """A database with an outbox in it."""

    url: str
    clock: Clock = field(default_factory=Clock)
    _made: int = 0
    _own: Connection | None = None

    @property
    def own(self) -> Connection:
        """The connection of whoever asks and puts."""
        if self._own is None:
            self._own = self.connect()
        return self._own

    def close(self) -> None:
        """End it."""
        self.own.close()

    def connect(self) -> Connection:
        """A connection as a worker has it."""
        return connect(self.url, "test outbox", autocommit=True)

    def empty(self) -> None:
        """As it was at first."""
        self.own.execute("delete from personal.contact")
        self.own.execute("delete from public.relay")

    def person(self, address: str | None = None, *, confirmed: bool = True, **given: Any) -> int:
        """Somebody new."""
        self._made += 1
        found = contacts.email(
            self.own,
            address or f"person-{self._made}@home.example",
            confirmed_at=self.clock.at if confirmed else None,
            **{"origin": "real", **given},
        )
        assert found is not None
        return found

    def put(self, contact: int, **given: Any) -> int:
        """A message that is due now."""
        self._made += 1
        found = outbox.put(
            self.own,
            **{
                "key": f"test:{self._made}", "contact": contact, "kind": "care-alert", "origin": "real",
                "subject": f"Message {self._made}", "text": f"The text of {self._made}.", "due_at": self.clock.at,
                **given,
            },
        )  # fmt: skip
        assert found is not None
        return found

    def standing(self, message: int) -> Standing:
        """What became of a message."""
        found = outbox.standing(self.own, message)
        assert found is not None
        return found

    def state(self, message: int) -> str:
        """The same in a word."""
        return self.standing(message).state

    def worker(self, given: DeliverOptions) -> Worker:
        """One whose pauses are the shortest."""
        return Worker(given, chance=lambda: 0.0, now=self.clock)

    def work(self, given: DeliverOptions) -> Worker:
        """One works until nothing is due, and ends."""
        worker = self.worker(given)
        with self.connect() as connection:
            while worker.turn(connection, lambda: False):
                pass
        worker.close()
        return worker

    def rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return self.own.execute(query.encode(), given).fetchall()


def settings(database: str, relay: str | None, **more: str) -> dict[str, str]:
    """The environment of `borough deliver`."""
    found = {
        "BOROUGH_DATABASE_URL": database, "BOROUGH_WEB_URL": SITE, "BOROUGH_MAIL_QUIET_HOURS": "never",
        "BOROUGH_MAIL_SENDER": SENDER.address, "BOROUGH_COUNCIL_NAME": SENDER.name,
    }  # fmt: skip
    if relay is not None:
        found["BOROUGH_SMTP_URL"] = relay
    return {**found, **{f"BOROUGH_{name.upper()}": value for name, value in more.items()}}


def quiet(given: DeliverOptions, begin: time = time(21), end: time = time(8)) -> DeliverOptions:
    """The same with quiet hours."""
    return replace(given, rules=replace(given.rules, quiet=(begin, end)))
