"""What must be done once a day: retention, and old chunks into the columnstore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from devices.families import FAMILIES
from store import (
    absences,
    air_record,
    alarms,
    care_alerts,
    columnstore,
    complaints,
    corrections,
    digests,
    flow,
    observation_queue,
    outbox,
    outbox_list,
    snapshots,
    sta_count,
    touched,
)
from store.connect import Connection
from store.copy import Int4s
from store.queries import queries
from store.tier import Tier, tier
from store.times import aware

_SQL = queries("maintain")
#: Series of one DELETE: some seconds of work and one short transaction.
_SERIES = 500
#: The limit is there for slips of the hand; one DELETE is bounded by its series.
_UNBOUNDED = "set local timescaledb.max_tuples_decompressed_per_dml_transaction = 0"
#: How long days may be counted for SensorThings [s]; what is left is counted by the next run, or as it is asked.
_COUNTING = 60.0
#: Days of bays, or stays, of one DELETE.
_ROWS = 20_000
#: Days that the log of access is kept at least: the database refuses to delete what is younger.
_YEAR = 366
#: Days after their end that alarms are kept.
_ALARMS = 400
#: Days after which what a publisher of observations could not tell is forgotten.
_PUBLISHER = 7


@dataclass(slots=True)
class Report:
    """What was done. ``readings``: rows deleted by family; ``chunks``: dropped whole, with what was in them.

    ``columnstore``: chunks that were compressed, ``columnstore_again``: those that late rows were compressed into,
    ``columnstore_left``: those that somebody else held, or for which the time was over; the next run's.
    """

    readings: dict[str, int] = field(default_factory=dict)
    chunks: int = 0
    latest: int = 0
    superseded: int = 0
    rejected_bytes: int = 0
    flood_hours: int = 0
    accesses: int = 0
    messages: int = 0
    care_alerts: int = 0
    bay_days: int = 0
    stays: int = 0
    flow_minutes: int = 0
    touched_days: int = 0
    complaints: int = 0
    columnstore: int = 0
    columnstore_again: int = 0
    columnstore_left: int = 0
    publisher_gone: bool = False


def maintain(
    connection: Connection,
    retention: Mapping[str, int],
    now: datetime,
    rejected_bytes_days: int = 7,
    columnstore_after_days: int = 30,
    access_days: int = 1_096,
    complaint_days: int = 730,
    message_days: int = 400,
    care_days: int = 366,
) -> Report:
    """Delete what is older than its retention [days by family; a family that is not there is kept for ever].

    With the readings of bays their days and stays go; days of zones stay, and so do hours and days of air. Where every
    registered family has one, whole chunks past the longest are dropped; the rest is deleted by series, in transactions
    of their own, so the connection must not be inside one. Bytes of rejections of personal and unknown devices go after
    ``rejected_bytes_days``, rows of the log of access after ``access_days``, a year at least, complaints
    ``complaint_days`` after their answer, messages to people so many ``message_days`` after they came to their end,
    notices to carers ``care_days`` after theirs, minutes of the pipeline after 30 days; the queue of observations where
    nobody published them for a week; codes and links in messages when they are of no use any more. Of the notes of a
    written day the newest stays.
    On TimescaleDB Community, chunks that end more than ``columnstore_after_days`` ago are compressed, and what came
    late into such chunks: late data are dearer there, so let the time for them pass first. ``now`` is an aware instant.
    Raises psycopg.Error; ValueError for an unknown family, a retention of less than a day, a naive ``now``.
    """
    for family, days in retention.items():
        if family not in FAMILIES:
            raise ValueError(f"retention of {family!r}: no such family; one of {', '.join(FAMILIES)}")
        if days < 1:
            raise ValueError(f"retention of {family}: {days} days, at least 1 is needed")
    aware(now)
    if not connection.autocommit:
        raise ValueError("maintain needs a connection in autocommit: it commits step by step")
    report = Report()
    if "air-monitor" in retention:
        # before anything of them goes: hours that readings are gone of are not computed again
        _keep_hours(connection, now - timedelta(days=retention["air-monitor"]))
    kind = tier(connection)
    if kind != "plain":
        _drop_chunks(connection, retention, now, report)
    for family, days in retention.items():
        _delete_old(connection, kind, family, now - timedelta(days=days), report)
        report.superseded += corrections.delete_superseded(connection, family, now - timedelta(days=days))
        digests.forget(connection, (now - timedelta(days=days)).astimezone(UTC).date(), family)
    if "parking-bay" in retention:
        _delete_record(connection, now - timedelta(days=retention["parking-bay"]), report)
    report.rejected_bytes = connection.execute(
        _SQL["delete_bytes"], (now - timedelta(days=rejected_bytes_days),)
    ).rowcount
    connection.execute(_SQL["delete_texts"], (now - timedelta(days=rejected_bytes_days),))
    report.flood_hours = connection.execute(_SQL["delete_flood"], (now - timedelta(days=2),)).rowcount
    absences.delete(connection, now - timedelta(days=_YEAR))
    alarms.forget(connection, now - timedelta(days=_ALARMS))
    report.complaints = complaints.forget(connection, now, complaint_days)
    outbox.cut(connection, now)
    report.messages = outbox_list.forget(connection, now - timedelta(days=message_days))
    with connection.transaction():
        report.care_alerts = care_alerts.forget(connection, now - timedelta(days=care_days), now)
    report.publisher_gone = observation_queue.abandon(connection, now - timedelta(days=_PUBLISHER)) is not None
    report.flow_minutes = flow.delete(connection, now - flow.KEPT)
    # each transaction notes its days, and of families without an analysis nobody takes the notes away
    while done := touched.thin(connection, _ROWS):
        report.touched_days += done
    snapshots.thin(connection)
    with connection.transaction():
        connection.execute(_SQL["expiring"])
        report.accesses = connection.execute(
            _SQL["delete_accesses"], (now - timedelta(days=max(access_days, _YEAR)),)
        ).rowcount
    sta_count.keep(connection, _COUNTING)
    if kind == "community":
        converted = columnstore.convert(connection, now - timedelta(days=columnstore_after_days))
        report.columnstore, report.columnstore_again, report.columnstore_left = converted
    return report


def _keep_hours(connection: Connection, before: datetime) -> None:
    """Note the first day (UTC) of which all readings of air are left where those before an instant are deleted."""
    day = before.astimezone(UTC)
    with connection.transaction():
        air_record.keep_first_day(connection, (day + timedelta(days=1) - timedelta(microseconds=1)).date())


def _drop_chunks(connection: Connection, retention: Mapping[str, int], now: datetime, report: Report) -> None:
    families = {row[0] for row in connection.execute(_SQL["families"]).fetchall()}
    if not families or not families <= retention.keys():
        return
    longest = now - timedelta(days=max(retention[family] for family in families))
    with connection.transaction():
        sta_count.forget(connection, longest.astimezone(UTC).date())
        row = connection.execute(_SQL["drop_chunks"], (longest,)).fetchone()
    report.chunks = 0 if row is None else row[0]


def _delete_old(connection: Connection, kind: Tier, family: str, before: datetime, report: Report) -> None:
    rows = connection.execute(_SQL["expired"], {"family": family, "before": before}).fetchall()
    series = [row[0] for row in rows]
    deleted = 0
    for first in range(0, len(series), _SERIES):
        some = Int4s(series[first : first + _SERIES])
        with connection.transaction():
            sta_count.forget(connection, before.astimezone(UTC).date(), family)
            if kind == "community":
                connection.execute(_UNBOUNDED)
            deleted += connection.execute(_SQL["delete_readings"], (some, before)).rowcount
    if deleted:
        report.readings[family] = deleted
    report.latest += connection.execute(_SQL["delete_latest"], (family, before)).rowcount


def _delete_record(connection: Connection, before: datetime, report: Report) -> None:
    """Delete days of bays and stays whose readings are gone, some at a time.

    The local day that ``before`` is in, wherever that is, stays: the next one begins with its end.
    """
    day = before.astimezone(UTC).date() - timedelta(days=1)
    while done := connection.execute(_SQL["delete_bay_days"], {"day": day, "rows": _ROWS}).rowcount:
        report.bay_days += done
    while done := connection.execute(_SQL["delete_stays"], {"before": before, "rows": _ROWS}).rowcount:
        report.stays += done
