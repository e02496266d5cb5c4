"""The rules of alarms looked at, and people told: in the log and by a webhook. One at a time does this for a database.

What is to be told is noted in the transaction that changes the alarm, told after it, and then noted as told. Who is
killed between these tells it again, with the same key.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson

from analytics.alarms.changes import Changes, step
from analytics.alarms.conditions import SYSTEM, WINDOWS, Condition, Disk, Gateway, Limits, find
from analytics.alarms.rules import BY_KEY, DATABASE
from borough.delivery.webhook import NotTold, Webhook
from dashboard.operations.health import gateways_out
from dashboard.web.board import Boards
from devices.text import visible
from store import alarm_facts, alarms, care_alerts, complaints, outbox_list
from store.alarm_facts import Facts, Heard, Lag
from store.alarms import Alarm, Event, Notice, Way
from store.connect import Connection

log = logging.getLogger(__name__)

#: A collector that was not subscribed for so long has no session; one said so lately that it cannot archive.
SUBSCRIBED, UNARCHIVED = timedelta(minutes=2), timedelta(minutes=2)
#: E-mails that were due so long ago are late; causes of messages are looked at once a minute.
UNSENT, UNLOOKED = timedelta(minutes=10), timedelta(minutes=5)
#: Messages of so much time are looked at for lags and rejections.
RECENT = timedelta(minutes=15)
#: What is usual for a family is asked again after so long.
USUAL_FOR = timedelta(hours=1)
#: Where nobody looked for so long, what was seen before proves nothing.
GAP = timedelta(minutes=5)
#: A notice that nobody took is given up when it is so old.
GIVEN_UP = timedelta(hours=24)
#: The first pause before another try and the longest, each about half as long again at random.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=30)
#: Times of texts: of the same day, and of another.
_CLOCK, _DAY = "%H:%M", "%Y-%m-%d %H:%M"
#: Before all times.
NEVER = datetime.min.replace(tzinfo=UTC)
#: Notices told at once, before the rules are looked at again.
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What is looked at and who is told. ``folders``: whose disks are looked at; ``site``: where the pages are."""

    zone: ZoneInfo
    parking_grace: timedelta
    parking_silence: timedelta
    limits: Limits = field(default_factory=Limits)
    folders: Sequence[Path] = ()
    webhook: Webhook | None = None
    site: str | None = None


@dataclass(slots=True)
class Outage:
    """A time without a database: since when, and who was told. ``key``: of the message that says so."""

    since: datetime
    key: UUID
    logged: bool = False
    told: bool = False
    tries: int = 0
    due_at: datetime = NEVER


class Watcher:
    """Looks and tells; keeps what is usual and the register of bays between two looks."""

    def __init__(self, options: WatchOptions, chance: Callable[[], float] = random.random) -> None:
        self._options = options
        self._chance = chance
        self._boards = Boards(options.zone, options.parking_grace, options.parking_silence)
        self._usual: dict[str, tuple[datetime, Heard]] = {}
        self._usual_lags: tuple[datetime, list[Lag]] | None = None
        self._outage: Outage | None = None
        self._ways: tuple[Way, ...] = ("log",) if options.webhook is None else ("log", "webhook")

    def away(self, problem: str, now: datetime) -> None:
        """The database is away: it cannot be noted, so it is told from here once it has been for its rule's time."""
        outage = self._outage = self._outage or Outage(now, uuid4())
        if now - outage.since < BY_KEY[DATABASE].holds:
            return
        text = f"{problem}, since {outage.since:%Y-%m-%d %H:%M} UTC"
        begun = outage.since + BY_KEY[DATABASE].holds
        one = Notice(0, "begun", outage.key, outage.tries, begun, DATABASE, SYSTEM, "urgent", text, begun, None)
        if not outage.logged:
            outage.logged = True
            _log(one)
        webhook = self._options.webhook
        if webhook is None or outage.told or now < outage.due_at or now - begun >= GIVEN_UP:
            return
        try:
            webhook.send(str(one.key), orjson.dumps(document(one, self._options.site)), now)
        except NotTold as error:
            outage.due_at = now + self._pause(outage.tries)
            if outage.tries == 0:
                _not_taken(error)
            outage.tries += 1
        else:
            outage.told = True

    def back(self, connection: Connection, now: datetime) -> None:
        """The database is there: what was told while it was away is noted, as an alarm that ends like any other.

        Raises psycopg.Error; then it is noted the next time.
        """
        outage = self._outage
        if outage is not None and outage.logged:
            begun = outage.since + BY_KEY[DATABASE].holds
            until = _CLOCK if now.date() == outage.since.date() else _DAY
            away = f"from {outage.since:{_DAY}} to {now:{until}} UTC"
            with connection.transaction():
                known = next((one for one in alarms.unended(connection) if one.rule == DATABASE), None)
                if known is not None:
                    # it came back for less than a lull: the same alarm, which has not ended
                    text = f"it was away more than once since {known.seen_at:{_DAY}} UTC, last {away}"
                    alarms.change(connection, known._replace(text=text, calm_at=None))
                else:
                    text = f"it was away {away}"
                    number = alarms.add(
                        connection, Alarm(None, DATABASE, SYSTEM, "urgent", text, "", outage.since, begun)
                    )
                    alarms.note_begun(connection, number, "log", outage.key, begun, tries=1, told_at=begun)
                    if "webhook" in self._ways:
                        tries, told_at = (outage.tries + 1, now) if outage.told else (outage.tries, None)
                        alarms.note_begun(
                            connection, number, "webhook", outage.key, begun, tries=tries, told_at=told_at
                        )
        self._outage = None

    def look(self, connection: Connection, now: datetime) -> Changes:
        """Look at all rules and write what changed, in a transaction of its own. Raises psycopg.Error."""
        conditions = self._conditions(connection, now)
        with connection.transaction():
            before = alarms.looked_at(connection)
            gap = before is None or now - before > GAP
            changes = step(alarms.unended(connection), conditions, now, gap=gap)
            for one in changes.dropped:
                assert one.id is not None
                alarms.drop(connection, one.id)
            for one in changes.kept:
                alarms.change(connection, one)
            numbers = {one: alarms.add(connection, one) for one in changes.added}
            told: tuple[tuple[Event, Sequence[Alarm]], ...] = ("begun", changes.begun), ("ended", changes.ended)
            for event, some in told:
                for one in some:
                    alarms.note(connection, numbers[one] if one.id is None else one.id, event, self._ways, now)
            alarms.looked(connection, now)
        return changes

    def tell(self, connection: Connection, now: Callable[[], datetime]) -> None:
        """Tell what is due. A receiver that does not answer is left alone until the next time. Raises psycopg.Error."""
        for one in alarms.due(connection, "log", now(), _AT_ONCE):
            _log(one)
            alarms.told(connection, one, "log", now())
        webhook = self._options.webhook
        # what was noted for a webhook that is no more set stays: it may be set again within the day
        for one in alarms.due(connection, "webhook", now(), _AT_ONCE):
            if now() - one.made_at >= GIVEN_UP:
                alarms.give_up(connection, one, "webhook", "nobody took it for a day", now())
                log.error(
                    "the webhook was told nothing of alarm %d (%s), and is not asked again", one.alarm_id, one.event
                )
                continue
            if webhook is None:
                break
            try:
                webhook.send(str(one.key), orjson.dumps(document(one, self._options.site)), now())
            except NotTold as error:
                self._failed(connection, one, str(error), now())
                break
            alarms.told(connection, one, "webhook", now())

    def _failed(self, connection: Connection, one: Notice, problem: str, now: datetime) -> None:
        alarms.failed(connection, one, "webhook", problem, now + self._pause(one.tries), last=None)
        if one.tries == 0:
            _not_taken(problem)

    def _pause(self, tries: int) -> timedelta:
        pause = min(FIRST_PAUSE * (1 << min(tries, 20)), LONGEST_PAUSE)
        return pause * (1 + self._chance() / 2)

    def _conditions(self, connection: Connection, now: datetime) -> list[Condition]:
        last = alarm_facts.last_heard(connection, now)
        facts = Facts(
            collectors=alarm_facts.collectors(connection, now, SUBSCRIBED, RECENT),
            lags=alarm_facts.lags(connection, now - RECENT, now),
            usual_lags=self._lags(connection, now),
            unarchived=alarm_facts.unarchived(connection, now - UNARCHIVED),
            heard=[self._heard(connection, family, at, now) for family, at in last.items()],
            rejections=alarm_facts.rejections(connection, now - RECENT),
            waiting=alarm_facts.waiting(connection),
            overdue=complaints.overdue(connection, complaints.overdue_before(now, self._options.zone))[0],
            unsent=outbox_list.late(connection, now - UNSENT),
            unlooked=outbox_list.unlooked(connection, now - UNLOOKED),
        )
        out, _ = gateways_out(self._boards.current(connection).open)
        gateways = [Gateway(visible(one.gateway), one.silent, one.bays) for one in out]
        # what takes the sensors of homes with it is told here, and to no carer
        known = {one.name for one in gateways}
        homes = [one for one in care_alerts.gateways(connection) if visible(one.name) not in known]
        gateways += [Gateway(visible(one.name), one.homes, one.homes, "home") for one in homes]
        disks, lost = disks_of(self._options.folders)
        return [*find(facts, disks, gateways, self._options.limits, now), *lost]

    def _lags(self, connection: Connection, now: datetime) -> list[Lag]:
        if self._usual_lags is None or not timedelta(0) <= now - self._usual_lags[0] < USUAL_FOR:
            self._usual_lags = now, alarm_facts.usual_lags(connection, now)
        return self._usual_lags[1]

    def _heard(self, connection: Connection, family: str, last: datetime, now: datetime) -> Heard:
        known = self._usual.get(family)
        if known is None or not timedelta(0) <= now - known[0] < USUAL_FOR:
            known = self._usual[family] = now, alarm_facts.usual(connection, family, last, WINDOWS)
        return known[1]._replace(last=last)


def _not_taken(problem: object) -> None:
    log.warning("the webhook took nothing: %s; it is tried again until it does, for a day", problem)


def disks_of(folders: Sequence[Path]) -> tuple[list[Disk], list[Condition]]:
    """Where these folders lie, and what is wrong with those that cannot be looked at."""
    disks, lost = [], []
    for folder in folders:
        try:
            found = os.statvfs(folder)
        except OSError as error:
            lost.append(Condition("disk", str(folder), f"cannot be looked at: {error.strerror}"))
        else:
            disks.append(Disk(str(folder), found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize))
    return disks, lost


def document(one: Notice, site: str | None) -> dict[str, Any]:
    """A notice as a program reads it."""
    rule = BY_KEY.get(one.rule)
    return {
        "type": f"alarm.{one.event}",
        "timestamp": one.made_at,
        "data": {
            "alarm": one.alarm_id or None,
            "rule": one.rule,
            "title": one.rule if rule is None else rule.title,
            "subject": one.subject,
            "severity": one.severity,
            "text": one.text,
            "begun_at": one.begun_at,
            "ended_at": one.ended_at,
            "todo": "" if rule is None else rule.todo,
            "page": None if site is None else f"{site.rstrip('/')}/engineer/alarms",
        },
    }


def _log(one: Notice) -> None:
    level = logging.INFO if one.event == "ended" else logging.ERROR if one.severity == "urgent" else logging.WARNING
    title = BY_KEY[one.rule].title if one.rule in BY_KEY else one.rule
    when = one.begun_at if one.ended_at is None or one.event == "begun" else one.ended_at
    number = one.alarm_id or "of the database"
    at = when.isoformat(timespec="seconds")
    what = f"{one.severity}: {title} ({one.subject}): {one.text}"
    log.log(level, "alarm %s %s at %s, %s", number, one.event, at, what)
