"""Alerts of homes: spells without movement beyond what is usual, sensors that are not heard, cold rooms; and to whom of
the carers each was told.

Locks are taken in one order by all: the alert, then its links, then messages. A link that is withdrawn while somebody
tells of an alert waits for that, and then withholds the message (trigger ``end_link``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from devices.device import Origin
from store import outbox
from store.connect import Connection
from store.queries import queries

_SQL = queries("care_alerts")

Kind = Literal["quiet", "silent", "cold"]
Way = Literal["begun", "ended"]
#: What is back within this time is the same alert, and told of no second time.
BACK = timedelta(hours=24)
#: So long it is known that a home or a gateway had not been heard.
REMEMBERED = timedelta(days=4)
#: Messages that reach nobody any more: the next carer is told at once.
LOST = ("failed", "withheld", "expired")


class Alert(NamedTuple):
    """``since``: the last movement (`quiet`), when it was heard last (`silent`) or began (`cold`); ``device``: the
    sensor, "" for the whole home. ``usual_seconds``: how long a spell is usual then; None of another kind.

    ``shadow``: no carer was named, so it is told to nobody. ``acknowledged_by``: the link of who answered first.
    """

    id: int
    tenancy_id: int
    home_id: int
    kind: Kind
    device: str
    since: datetime
    usual_seconds: int | None
    noted_at: datetime
    ended_at: datetime | None
    shadow: bool
    acknowledged_at: datetime | None
    acknowledged_by: int | None


class Shown(NamedTuple):
    """An alert for a page: who answered, as the resident calls them (None: nobody, or one who is a carer no more); the
    room of the sensor; and how many carers were told."""

    alert: Alert
    answered: str | None
    room: str
    told: int


class Step(NamedTuple):
    """A carer of an alert's home, in the order in which they are told; when they were, what became of the message
    (None: it stands on the page alone), whether that was withheld for good, and when its end was told."""

    link_id: int
    contact_id: int | None
    told_at: datetime | None
    state: str | None
    void: bool
    ended_at: datetime | None


class Gateway(NamedTuple):
    """A gateway of several homes, none of which is heard since an instant."""

    name: str
    homes: int
    since: datetime


class Counts(NamedTuple):
    """Homes with movement sensors, tenancies that agree to their use, tenancies with a carer; and alerts since an
    instant: spells that were told, spells in shadow, silent sensors."""

    homes: int
    agreed: int
    carers: int
    quiet: int
    shadow: int
    silent: int


def unended(connection: Connection) -> list[Alert]:
    """All that has not ended. Raises psycopg.Error."""
    return [Alert(*row) for row in connection.execute(_SQL["open"])]


def begin(
    connection: Connection,
    tenancy_id: int,
    kind: Kind,
    device: str,
    since: datetime,
    usual_seconds: int | None,
    now: datetime,
) -> int | None:
    """Note an alert; its number. None: it is noted already, or the tenancy does not agree any more or is being erased.

    Raises psycopg.Error.
    """
    values = {
        "tenancy": tenancy_id, "kind": kind, "device": device, "since": since, "usual": usual_seconds, "now": now,
        "back": now - BACK,
    }  # fmt: skip
    row = connection.execute(_SQL["begin"], values).fetchone()
    return None if row is None else int(row[0])


def end(connection: Connection, alert_id: int, now: datetime) -> bool:
    """Note that an alert is over; False where it was. Raises psycopg.Error."""
    return connection.execute(_SQL["end"], {"id": alert_id, "now": now}).fetchone() is not None


def unshadow(connection: Connection) -> int:
    """What lasts as a first carer is linked is told like any other from now on; how many. Raises psycopg.Error."""
    return connection.execute(_SQL["unshadow"]).rowcount


def untold(connection: Connection, now: datetime) -> list[int]:
    """Alerts of which somebody may have to be told. Raises psycopg.Error."""
    return [number for (number,) in connection.execute(_SQL["untold"], {"recent": now - BACK})]


def locked(connection: Connection, alert_id: int) -> Alert | None:
    """An alert, which nobody answers or ends until the transaction ends; None: it is gone. Raises psycopg.Error."""
    row = connection.execute(_SQL["lock"], {"id": alert_id}).fetchone()
    return None if row is None else Alert(*row)


def chain(connection: Connection, alert: Alert) -> list[Step]:
    """The carers of an alert's home by rank; none is withdrawn until the transaction ends. Raises psycopg.Error."""
    return [Step(*row) for row in connection.execute(_SQL["chain"], {"id": alert.id, "tenancy": alert.tenancy_id})]


def note(connection: Connection, alert_id: int, link_id: int, way: Way, now: datetime, message: int | None) -> None:
    """Note that a carer was told that an alert began or ended. Raises psycopg.Error."""
    values = {"id": alert_id, "link": link_id, "way": way, "now": now, "message": message}
    connection.execute(_SQL["note"], values)


def origin(connection: Connection, home_id: int, day: date) -> Origin:
    """Whether a home's sensors are real; one that is simulated makes the home so. Raises psycopg.Error."""
    row = connection.execute(_SQL["origin"], {"home": home_id, "day": day}).fetchone()
    return "simulated" if row is not None and row[0] == "simulated" else "real"


def acknowledge(connection: Connection, alert_id: int, link_id: int, now: datetime) -> bool:
    """Note, in the running transaction, that the carer of a link looks into it: nobody else is told of it from now on.

    False, and nothing is changed, where somebody was faster, where it has ended, or where the link is none of its
    home's. Raises psycopg.Error.
    """
    values = {"id": alert_id, "link": link_id, "now": now}
    # alone first: an update that waited for another's looks at the row anew, but not for what "not exists" asks of it
    connection.execute(_SQL["lock"], {"id": alert_id})
    if connection.execute(_SQL["acknowledge"], values).fetchone() is None:
        return False
    withhold(connection, alert_id, "answered", now)
    return True


def withhold(connection: Connection, alert_id: int, reason: str, now: datetime) -> None:
    """Have messages of an alert's beginning, and of no other alert, that are not sent yet not be sent.

    Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["told"], {"id": alert_id}).fetchall()
    outbox.withhold_some(connection, [message for (message,) in rows], reason, now)


def withhold_ends(connection: Connection, link_id: int, now: datetime) -> None:
    """Have ends that a link was not told of yet not be told: a beginning is told now, and they would come after it.

    Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["ends"], {"link": link_id}).fetchall()
    outbox.withhold_some(connection, [message for (message,) in rows], "another has begun", now)


def thread(link_id: int) -> str:
    """What holds together the messages of a link: who stops a kind of them gets no other one of this home."""
    return f"care:{link_id}"


def of_tenancy(connection: Connection, tenancy_id: int, since: datetime, most: int = 100) -> list[Shown]:
    """What was noted of a home and lasted at an instant or later, the newest first. Raises psycopg.Error."""
    rows = connection.execute(_SQL["of_tenancy"], {"tenancy": tenancy_id, "since": since, "most": most})
    return [Shown(Alert(*row[:12]), row[12], row[13], row[14]) for row in rows]


def note_gateways(connection: Connection, found: Sequence[Gateway], now: datetime) -> None:
    """Keep which gateways of homes are not heard; all others are. Raises psycopg.Error."""
    connection.execute(_SQL["gateways_back"], {"gateways": [one.name for one in found], "now": now})
    connection.execute(_SQL["gateways_over"], {"before": now - REMEMBERED})
    for one in found:
        values = {"gateway": one.name, "homes": one.homes, "since": one.since, "now": now}
        connection.execute(_SQL["gateway"], values)


def back(connection: Connection, now: datetime, zone: ZoneInfo) -> tuple[dict[int, datetime], dict[str, datetime]]:
    """When homes that were not heard were heard again, by tenancy and by gateway, ``now`` where that is not noted yet:
    what was there meanwhile is not known, unless its readings came late.

    Raises psycopg.Error.
    """
    values = {
        "after": now - REMEMBERED, "now": now, "zone": zone.key, "day": now.astimezone(zone).date(),
    }  # fmt: skip
    rows = connection.execute(_SQL["back"], values).fetchall()
    return {row[0]: row[2] for row in rows if row[0] is not None}, {
        row[1]: row[2] for row in rows if row[1] is not None
    }


def gateways(connection: Connection) -> list[Gateway]:
    """Gateways of homes that are not heard. Raises psycopg.Error."""
    return [Gateway(*row) for row in connection.execute(_SQL["gateways"])]


def forget(connection: Connection, before: datetime, now: datetime) -> int:
    """Delete alerts that ended, and carers that were withdrawn, before an instant; how many. An address of somebody who
    has been no carer for a month goes too. Raises psycopg.Error.
    """
    done = connection.execute(_SQL["forget"], {"before": before}).rowcount
    done += connection.execute(_SQL["forget_links"], {"before": before}).rowcount
    connection.execute(_SQL["forget_contacts"], {"month": now - timedelta(days=30), "now": now})
    connection.execute(_SQL["forget_codes"], {"now": now})
    return done


def counts(connection: Connection, since: datetime, day: date) -> Counts:
    """How many there are, for operators: nothing of a single home. Raises psycopg.Error."""
    row = connection.execute(_SQL["counts"], {"since": since, "day": day}).fetchone()
    assert row is not None
    return Counts(*row)
