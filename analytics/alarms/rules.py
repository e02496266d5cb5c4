"""What raises an alarm, what that means and what to do: the one list, which evaluation, pages and documents read.

Prometheus has rules of its own (deploy/prometheus), of what a collector says of itself. These are of what stands in the
database, and need nothing beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

#: ``urgent``: somebody is woken, readings are being lost or will be. ``soon``: within the working day.
Severity = Literal["urgent", "soon"]

#: An alarm ends when its condition has not held for so long: one that comes and goes is one alarm.
CALM: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its condition must hold for ``holds`` before anybody is told. ``subject``: what an alarm of it is of."""

    key: str
    title: str
    severity: Severity
    subject: str
    holds: timedelta
    means: str
    todo: str


_MINUTE = timedelta(minutes=1)

#: The one that no look at the database can find: whoever watches notes it when the database is back.
DATABASE: Final = "database"

RULES: Final = (
    Rule(
        DATABASE,
        "The database is away",
        "urgent",
        "system",
        2 * _MINUTE,
        "`borough watch` could not reach the database, or got no answer. Nothing is lost yet: the broker keeps the"
        " queue until it is full.",
        "Look at the database, its log and its disk. The log and the webhook tell it while it lasts; this page knows of"
        " it once it is over.",
    ),
    Rule(
        "collector",
        "No collector runs",
        "urgent",
        "system",
        timedelta(0),
        "No collector has written what its minutes were like for three minutes. Nothing is lost yet: the broker keeps"
        " the queue until it is full.",
        "Start `borough collect`, or look at its log; the database may refuse what it writes.",
    ),
    Rule(
        "broker",
        "No collector is subscribed",
        "urgent",
        "system",
        5 * _MINUTE,
        "A collector runs, but none has a session at the broker with all its subscriptions.",
        "Look at the broker, its certificates, and the collector's account and rights there; `/health/ready` says why.",
    ),
    Rule(
        "dropped",
        "The broker throws messages away",
        "urgent",
        "system",
        timedelta(0),
        "In the last 15 minutes the broker counted messages that it dropped because a queue was full, of any client:"
        " readings are lost.",
        "Raise `max_queued_messages`, add collectors, look at who has a session at the broker and does not read it.",
    ),
    Rule(
        "silent",
        "A family has fallen silent",
        "urgent",
        "family",
        timedelta(0),
        "Nothing has come from a family of devices for longer than it usually is quiet: the shortest of 15 minutes,"
        " 1 hour, 6 hours and 1 day in which it used to send something 95 times of 100, in the seven days before.",
        "Look whether the collector runs and is ready (`/health/ready`), then at the broker, then at the network or the"
        " supplier of these devices.",
    ),
    Rule(
        "lag",
        "Readings come late",
        "soon",
        "family",
        5 * _MINUTE,
        "Half of a family's readings of 15 minutes, at least 20, were older than the limit when they were stored, and"
        " in the week that ended a day ago they were not.",
        "Look at the broker's queue on the page Pipeline, then at gateways, the supplier, and the devices' clocks.",
    ),
    Rule(
        "rejected",
        "Many messages are rejected",
        "soon",
        "family",
        5 * _MINUTE,
        "Of the messages of 15 minutes more than the limit, and at least 20, could not be read. They are kept, and can"
        " be read again.",
        "Look at the reasons with `borough rejected list`: a format that changed needs a mapping, unknown devices need"
        " to be registered; then `borough rejected retry`.",
    ),
    Rule(
        "archive",
        "Messages are not archived",
        "soon",
        "collector",
        5 * _MINUTE,
        "A collector cannot write its archive. Readings are stored; corrections by another decoder will not have these"
        " messages.",
        "Look at the disk and the rights of the folder `BOROUGH_ARCHIVE`.",
    ),
    Rule(
        "days",
        "Days are not computed",
        "soon",
        "family",
        timedelta(hours=1),
        "Readings came for days that have waited for an hour to be computed: pages show what was before.",
        "Look whether `borough analyse --watch` runs, and what it logs.",
    ),
    Rule(
        "gateway",
        "A gateway is out",
        "soon",
        "gateway",
        10 * _MINUTE,
        "Most parking bays, or the sensors of all homes, of one gateway fell silent together: one fault, not one each.",
        "Look at the gateway's power and its network; the page Health of the sensors lists its bays. No carer is told.",
    ),
    Rule(
        "complaint",
        "A complaint is overdue",
        "soon",
        "system",
        timedelta(0),
        "A complaint about data was not acknowledged within 30 days, which the law asks of the council.",
        "The data protection officer acknowledges it on the page Complaints about data, `/data-protection/complaints`.",
    ),
    Rule(
        "unlooked",
        "Nobody looks for cause of messages",
        "urgent",
        "system",
        5 * _MINUTE,
        "For five minutes nobody has looked whether carers, or people who asked for air alerts, are to be told"
        " something, or looking fails each time. Nobody is told of a spell without movement meanwhile.",
        "Look whether `borough deliver --every 60` runs, and what it logs.",
    ),
    Rule(
        "unsent",
        "Messages to people wait",
        "urgent",
        "system",
        5 * _MINUTE,
        "E-mails were due over ten minutes ago and are not handed to the relay: alerts and codes among them, perhaps.",
        "Look at the page Outbox, `borough doctor`, the relay (`BOROUGH_SMTP_URL`), and whether `borough deliver`"
        " runs.",
    ),
    Rule(
        "disk",
        "A disk is nearly full",
        "urgent",
        "folder",
        5 * _MINUTE,
        "Less than the limit is free where a folder lies. A full disk stops the database; the broker then keeps"
        " messages until it is full as well.",
        "Delete or move what is not needed, or enlarge the disk. Retention: `borough maintain`, and its settings.",
    ),
)

BY_KEY: Final = {rule.key: rule for rule in RULES}
