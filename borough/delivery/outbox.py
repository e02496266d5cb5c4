"""The outbox's worker: takes what is due, hands it to the relay, and notes how that ended.

A message is taken (committed), its e-mail sent up to the last dot, that noted (committed), the dot sent, and the answer
noted (committed). Who is killed before the second of these commits sends nothing, and another takes the message; who is
killed after it leaves it ``perhaps``. Several workers take turns without knowing of each other.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg

from borough.delivery import mail, rules, smtp
from borough.delivery.mail import Sender
from borough.delivery.rules import Rules
from borough.delivery.smtp import Outcome, Relay, RelayProblem
from borough.delivery.trigger_list import TRIGGERS
from borough.delivery.triggers import Trigger, TriggerOptions
from store import outbox_list, outbox_work
from store.connect import Connection
from store.outbox_work import Answer, Candidate

log = logging.getLogger(__name__)

#: Messages taken at once: what a worker that stops gives back, or one that hangs withholds from others.
BATCH = 20
#: Pauses after a message's fault, from the first to the longest, and after one of the relay; half as much at random.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=30)
RELAY_PAUSE, LONGEST_RELAY_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
#: A connection that was not used for so long is asked whether it lives.
_IDLE = timedelta(seconds=5)
#: An e-mail's page that stops what it tells.
STOP = "/stop/"


@dataclass(frozen=True, slots=True)
class Mail:
    """By whom, and through which relay."""

    relay: Relay
    sender: Sender


@dataclass(frozen=True, slots=True)
class DeliverOptions:
    """What ``borough deliver`` needs. ``mail`` None: e-mails wait until there is a relay."""

    rules: Rules
    triggers: TriggerOptions
    mail: Mail | None = None


@dataclass(slots=True)
class _Ended:
    """How a try ended, while that is not noted yet."""

    one: Candidate
    worker: int
    outcome: Outcome
    handed: datetime | None
    at: datetime


@dataclass(slots=True)
class Worker:
    """Works by turns; keeps its connection to the relay between them. ``chance``: from 0 to 1, of pauses."""

    options: DeliverOptions
    chance: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: What it did since it was made, by the word for it.
    done: Counter[str] = field(default_factory=Counter)
    _number: int = 0
    _connection: Connection | None = None
    _smtp: smtp.Connection | None = None
    _used: datetime | None = None
    _not_noted: _Ended | None = None
    _faults: int = 0
    _told: str = ""
    _again_at: datetime | None = None

    @property
    def problem(self) -> str:
        """What is wrong with the relay; empty: nothing, as far as is known."""
        return self._told

    def turn(self, connection: Connection, stopped: Callable[[], bool]) -> int:
        """Do what is due, some of it at most; how many messages were looked at: 0, nothing is due.

        ``connection`` is in autocommit; another one than before makes another worker. Raises psycopg.Error; then what
        was handed over and could not be noted is noted in the next turn.
        """
        if self._connection is not connection:
            self._number, self._connection = outbox_work.enter(connection), connection
        self._recover(connection)
        channels = ["page"]
        given = self.options.mail
        if given is not None and outbox_work.due(connection, self.now(), "email") and self._relay(connection, given):
            channels.append("email")
        now = self.now()
        today = now.astimezone(self.options.rules.zone).date()
        taken, looked = outbox_work.take(
            connection, self._number, now, today, channels, BATCH,
            lambda one, held: rules.decide(one, held, self.options.rules, now),
        )  # fmt: skip
        stops = outbox_work.links(connection, [one for one in taken if mail.stoppable(one)], now)
        for place, one in enumerate(taken):
            assert given is not None
            if stopped() or not self._relay(connection, given):
                self._give_back(connection, taken[place:])
                break
            if not self._send(connection, one, given, stops.get(one.id)):
                self._give_back(connection, taken[place + 1 :])
                break
        self.done["looked"] += looked
        return looked

    def close(self) -> None:
        """End the connection to the relay."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _recover(self, connection: Connection) -> None:
        back, perhaps = outbox_work.recover(connection, self.now())
        if back or perhaps:
            log.warning("of workers that are gone %d messages wait again, %d were perhaps sent", back, perhaps)
        if self._not_noted is not None:
            self._note(connection, self._not_noted)
        if expired := outbox_work.expire(connection, self.now()):
            self.done["expired"] += expired
            log.warning("%d messages were not taken in time", expired)

    def _relay(self, connection: Connection, given: Mail) -> bool:
        """Whether the relay lets us in now; after a fault it is left alone for a while."""
        now = self.now()
        if self._smtp is not None and not self._smtp.closed:
            if self._used is not None and now - self._used < _IDLE:
                return True
            if self._smtp.alive():
                self._used = now
                return True
        self.close()
        if self._again_at is not None and now < self._again_at:
            return False
        try:
            self._smtp = smtp.Connection(given.relay, given.sender.domain)
        except RelayProblem as error:
            self._ill(connection, error)
            return False
        self._used = now
        self._faults, self._again_at = 0, None
        if self._told:
            log.info("the relay takes e-mails again")
            self._told = ""
        outbox_work.relay_well(connection, now)
        return True

    def _ill(self, connection: Connection, problem: RelayProblem) -> None:
        """Note a fault that is no message's, and leave the relay alone for a while."""
        pause = min(RELAY_PAUSE * (1 << min(self._faults, 20)), LONGEST_RELAY_PAUSE) * (1 + self.chance() / 2)
        self._faults += 1
        self._again_at = self.now() + pause
        if str(problem) != self._told:
            log.error("the relay: %s; e-mails wait", problem)
            self._told = str(problem)
        outbox_work.relay_ill(connection, str(problem), self.now())

    def _send(self, connection: Connection, one: Candidate, given: Mail, token: str | None) -> bool:
        """Hand one over and note it; ``token``: of its link. False: nothing more goes to this relay now."""
        assert self._smtp is not None
        assert one.address is not None
        handed: list[datetime] = []

        def hand() -> bool:
            at = self.now()
            # kept before it is asked: an answer of the database that is lost may have been a yes
            handed.append(at)
            agreed = rules.KINDS[one.kind].agreed
            return outbox_work.hand(connection, one.id, self._number, at, agreed=agreed)

        try:
            stop = None if token is None else self.options.triggers.site + STOP + token
            built = mail.build(one, given.sender, stop, self.now())
        except ValueError as error:
            answer = Answer("content", None, None, f"no e-mail can be made of it: {type(error).__name__}")
            self._note(connection, _Ended(one, self._number, Outcome("failed", answer), None, self.now()))
            return True
        try:
            outcome = self._smtp.send(given.sender.address, one.address, built, hand)
        except RelayProblem as error:
            self._ill(connection, error)
            self._give_back(connection, [one])
            return False
        except psycopg.Error:
            # before the last dot: the relay has nothing, whatever was committed
            answer = Answer("content", None, None, "the database was away before the last dot")
            self._not_noted = _Ended(one, self._number, Outcome("again", answer), handed[-1], self.now())
            raise
        self._used = self.now()
        self._note(connection, _Ended(one, self._number, outcome, handed[-1] if handed else None, self.now()))
        return True

    def _note(self, connection: Connection, ended: _Ended) -> None:
        """Note how a try ended. Where that fails it is kept for the next turn."""
        self._not_noted = ended
        one, (state, answer) = ended.one, ended.outcome
        if state == "held":
            self._give_back(connection, [one])
        elif state == "again":
            at = ended.at + self._pause(one.tries)
            outbox_work.again(connection, one.id, ended.worker, answer, at, ended.at, ended.handed)
        else:
            outbox_work.settle(connection, one.id, ended.worker, state, answer, ended.at, ended.handed)
        self._not_noted = None
        self.done[state] += 1
        if state in ("failed", "perhaps") or (state == "again" and one.tries == 0):
            log.warning("message %d (%s): %s: %s", one.id, one.kind, state, answer.answer)

    def _give_back(self, connection: Connection, some: Sequence[Candidate]) -> None:
        outbox_work.give_back(connection, self._number, [one.id for one in some])

    def _pause(self, tries: int) -> timedelta:
        return min(FIRST_PAUSE * (1 << min(tries, 20)), LONGEST_PAUSE) * (1 + self.chance() / 2)


def look(
    connection: Connection, options: TriggerOptions, now: datetime, triggers: Sequence[Trigger] = TRIGGERS
) -> list[str]:
    """Look at all triggers; the names of those that failed, which the log explains. Raises psycopg.OperationalError."""
    failed = []
    for one in triggers:
        try:
            one.look(connection, options, now)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("trigger %s failed; the others are looked at all the same", one.name)
            failed.append(one.name)
            outbox_list.looked(connection, one.name, now, well=False)
        else:
            outbox_list.looked(connection, one.name, now, well=True)
    return failed
