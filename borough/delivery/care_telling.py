"""Tells carers of what `borough.delivery.care` noted: whom, when, and in which words.

What a message says is that there is a notice, and where to sign in: no address, no name, nothing about anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import escape
from zoneinfo import ZoneInfo

from borough.delivery.triggers import TriggerOptions
from devices.bank_holidays import bank_holidays
from store import care_alerts, outbox
from store.care_alerts import Alert, Step
from store.connect import Connection
from store.times import microseconds

#: The name of its settings in ``TriggerOptions.more``.
NAME = "care"
SUBJECT = "Movement notice: please sign in"


@dataclass(frozen=True, slots=True)
class CareOptions:
    """``answer``: so long a carer has to answer before the next one is told. ``office``: hours of the local day, Monday
    to Friday but bank holidays, in which sensors that are not heard and cold rooms are told."""

    answer: timedelta = timedelta(minutes=30)
    office: tuple[int, int] = (9, 17)


def tell(connection: Connection, options: TriggerOptions, alert_id: int, now: datetime) -> None:
    """Tell of one alert whoever is to be told now, in the running transaction. Raises psycopg.Error."""
    alert = care_alerts.locked(connection, alert_id)
    if alert is None or alert.shadow:
        return
    steps = care_alerts.chain(connection, alert)
    if alert.ended_at is not None:
        for step in steps:
            if alert.kind == "quiet" and step.told_at is not None and step.ended_at is None:
                _tell_end(connection, options, alert, step, now)
    elif alert.acknowledged_at is None:
        given: CareOptions = options.more.get(NAME) or CareOptions()
        turn = next_step(alert, steps, given.answer, now)
        if turn is not None:
            due = now if alert.kind == "quiet" else office(now, options.zone, given.office)
            kind: outbox.Kind = "care-alert" if alert.kind == "quiet" else "care-note"
            if alert.kind == "quiet":
                care_alerts.withhold_ends(connection, turn.link_id, now)
            _put(connection, options, alert, turn, "begun", kind, due, now)


def next_step(alert: Alert, steps: Sequence[Step], answer: timedelta, now: datetime) -> Step | None:
    """Who is to be told now that nobody has answered; None: nobody yet, or nobody more.

    A spell goes from one to the next, at once where the message to the last one cannot arrive; of anything else the
    first carer alone is told. Who was not told because somebody had answered, or it had ended, is told now.
    """
    told = [step for step in steps if step.told_at is not None and not _untold(step)]
    waiting = [step for step in steps if step.told_at is None or _untold(step)]
    if not waiting or (told and alert.kind != "quiet"):
        return None
    newest = max(told, key=lambda step: step.told_at or now, default=None)
    if newest is not None and newest.state not in care_alerts.LOST:
        assert newest.told_at is not None
        if now - newest.told_at < answer:
            return None
    return waiting[0]


def _untold(step: Step) -> bool:
    return step.void and step.state in care_alerts.LOST


def _tell_end(connection: Connection, options: TriggerOptions, alert: Alert, step: Step, now: datetime) -> None:
    if step.state in care_alerts.LOST:  # who was not told that it began is not told that it ended
        care_alerts.note(connection, alert.id, step.link_id, "ended", now, None)
    else:
        _put(connection, options, alert, step, "ended", "care-note", now, now)


def _put(
    connection: Connection,
    options: TriggerOptions,
    alert: Alert,
    step: Step,
    way: care_alerts.Way,
    kind: outbox.Kind,
    due: datetime,
    now: datetime,
) -> None:
    message = None
    if step.contact_id is not None:
        text, html = words(options, way)
        message = outbox.put(
            connection,
            # once by the notice of it, under the alert's lock; what is taken up again is another message
            key=f"care:{alert.id}:{step.link_id}:{way}:{microseconds(now)}",
            contact=step.contact_id,
            kind=kind,
            origin=care_alerts.origin(connection, alert.home_id, now.astimezone(options.zone).date()),
            subject=SUBJECT,
            text=text,
            html=html,
            thread=care_alerts.thread(step.link_id),
            tenancy=alert.tenancy_id,
            due_at=due,
        )
        if message is None:  # the tenancy or the contact is being erased
            return
    care_alerts.note(connection, alert.id, step.link_id, way, now, message)


def words(options: TriggerOptions, way: care_alerts.Way) -> tuple[str, str]:
    """Text and HTML of a message: that there is a notice, and where it is read. Who sends it stands below it."""
    begun = "There is a new movement notice for you."
    first = begun if way == "begun" else "A movement notice has ended. This says nothing of any other notice."
    address = f"{options.site}/care"
    last = "We say no more in a message, because others may read it."
    text = f"{first}\n\nPlease sign in to read it:\n{address}\n\n{last}\n"
    link = f'<a href="{escape(address)}">Please sign in to read it</a>' if options.site else "Please sign in to read it"
    return text, f"<p>{first}</p><p>{link}</p><p>{last}</p>"


def office(now: datetime, zone: ZoneInfo, hours: tuple[int, int]) -> datetime:
    """``now`` where that is in the office hours of a working day, else when the next ones begin."""
    local = now.astimezone(zone)
    day, clock = local.date(), local.time()
    if _works(day) and time(hours[0]) <= clock and clock.hour < hours[1]:
        return now
    if not (_works(day) and clock < time(hours[0])):
        day += timedelta(days=1)
        while not _works(day):
            day += timedelta(days=1)
    return datetime.combine(day, time(hours[0]), zone).astimezone(now.tzinfo)


def _works(day: date) -> bool:
    return day.weekday() < 5 and day not in bank_holidays()
