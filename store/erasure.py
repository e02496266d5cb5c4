"""Erasure of a tenancy from the database: everything between its days (docs/decisions/006-erasure.md).

First the tombstones, committed alone, so that nothing comes back while the rest is deleted; then one transaction for
all that is there. Both can be repeated at any moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from devices.homes import FUELS
from devices.naming import Naming, Words
from store import corrections, daily, erasures, tombstones, touched
from store.connect import Connection
from store.copy import Int4s, Int8s
from store.daily import DailyUse
from store.queries import queries
from store.tier import tier
from store.times import begin_of, instant, microseconds, next_month
from store.tombstones import Tombstone

_SQL = queries("erasure")
_ALWAYS = datetime(1, 1, 2, tzinfo=UTC)
#: The limit is there for slips of the hand; an erasure is bounded by its meters.
_UNBOUNDED = "set local timescaledb.max_tuples_decompressed_per_dml_transaction = 0"
_NEVER = datetime(9999, 12, 30, tzinfo=UTC)


def _personal(names: str) -> list[tuple[str, bytes]]:
    """Tables of the schema personal, each with the query of its name."""
    return [(f"personal.{name}", _SQL[name]) for name in names.split()]


def _public(names: str) -> list[tuple[str, bytes]]:
    """Tables of the schema public, each with the query of its name."""
    return [(f"public.{name}", _SQL[name]) for name in names.split()]


#: What is deleted by tenancy and home, in an order that no foreign key minds. Each column of the database stands in
#: store/erasure_tables.py.
_BY_TENANCY = (
    *_personal("daily_use comparison comparison_late cell_member"),
    *_personal("usual_spell alert_notice quiet_alert care_code care_link"),
    *_personal("nudge nudge_way"),
    *_personal("consent tariff contact_stop stop_token message contact session account sign_in_code"),
    *_personal("access letter complaint kept_file"),
    # after those that were answered: what is left must still be
    ("personal.complaint", _SQL["open_complaint"]),
    ("public.publication", _SQL["publication"]),
    *_personal("home_meter home_sensor"),
    ("personal.trial_member", _SQL["trial_member"]),
    ("personal.tenancy", _SQL["delete_tenancy"]),
    *_personal("home_details touched_home home"),
)
_BY_DEVICE = (
    ("public.rejected", _SQL["rejected"]),
    ("public.rejected_flood", _SQL["rejected_flood"]),
    ("public.sequence", _SQL["sequence"]),
)
_BY_SENSOR = (
    ("personal.touched_monitor", _SQL["touched_monitor"]),
    ("public.air_index_day", _SQL["air_index_day"]),
    *_personal("touched_bay visit_outcome stay bay_day"),
)
#: What goes with the rejections.
_BESIDE = ("public.rejected_bytes", "personal.rejected_bytes")
_BY_SERIES = _public("reading latest superseded reading_digest observation_queue reading_count air_day touched_day")


class MeterPeriod(NamedTuple):
    """A meter's or movement sensor's days in a tenancy, or a sensor's in its own bay; ``end`` None: no end yet.

    ``gone``: nobody else is measured by it. A bay's sensor stays.

    ``name``: what the broker calls it, where that is not its id.
    """

    device_id: str
    family: str
    model: str
    start: datetime
    end: datetime | None
    gone: bool
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be erased. ``to_day`` is not included; ``last``: the home goes too.

    ``letters``, ``merged`` (print runs with letters of others) and ``exports`` are files.
    """

    tenancy_id: int
    home_id: int
    uprn: str
    from_day: date
    to_day: date | None
    last: bool
    start: datetime
    end: datetime | None
    meters: Sequence[MeterPeriod]
    letters: Sequence[str] = ()
    merged: Sequence[str] = ()
    exports: Sequence[str] = ()

    def words(self) -> Words:
        """What names the household, and nobody else."""
        meters = sorted({one.device_id for one in self.meters if one.gone})
        names = tuple(sorted({one.name for one in self.meters if one.gone and one.name is not None}))
        return Words(self.tenancy_id, self.uprn if self.last else None, meters, names)

    def tombstones(self, key: bytes, *, gone: bool = False) -> list[Tombstone]:
        """What stays of it: a mark for each meter and period, and one for the tenancy. ``gone``: meters that go did."""
        # a device that is gone is known to nobody by its name: what comes under it is told by a mark of its own
        called = [
            (name, one)
            for one in self.meters
            for name in (one.device_id, *([one.name] if one.gone and one.name is not None else []))
        ]
        found = [
            Tombstone("meter", tombstones.mark(key, name), microseconds(one.start), _end(one.end),
                      one.family, one.model, gone and one.gone)
            for name, one in called
        ]  # fmt: skip
        mark = tombstones.tenancy_mark(key, self.uprn, self.from_day)
        return [*found, Tombstone("tenancy", mark, microseconds(self.start), _end(self.end))]


class Rejection(NamedTuple):
    """A rejected message of a meter that stays: whose days it speaks of shows only when it is read. Arrival [us]."""

    id: int
    topic: str
    payload: bytes
    arrival: int


def plan(connection: Connection, tenancy_id: int, zone: ZoneInfo) -> Plan | None:
    """What is to be erased of a tenancy, days of ``zone``; None where there is no such one. Raises psycopg.Error."""
    row = connection.execute(_SQL["tenancy"], (tenancy_id,)).fetchone()
    if row is None:
        return None
    meters = [
        MeterPeriod(device_id, family, model, begin_of(first, zone), _until(end, zone), gone, name)
        for device_id, name, family, model, first, end, gone in connection.execute(
            _SQL["meters"], (tenancy_id,)
        ).fetchall()
    ]
    letters = connection.execute(_SQL["letters"], (tenancy_id,)).fetchall()
    exports = [path for (path,) in connection.execute(_SQL["exports"], (tenancy_id,)).fetchall()]
    _, home_id, uprn, from_day, to_day, last = row
    start, end = begin_of(from_day, zone), _until(to_day, zone)
    measured = {one.device_id for one in meters}
    given = {"home": home_id, "start": start, "stop": end}
    meters += [
        MeterPeriod(device_id, family, model, begins, ends, gone=False)
        for device_id, family, model, begins, ends in connection.execute(_SQL["bays"], given).fetchall()
        if device_id not in measured
    ]
    merged = sorted({merged for _, merged in letters if merged is not None})
    return Plan(
        tenancy_id, home_id, uprn, from_day, to_day, last, start, end, meters, sorted({path for path, _ in letters}),
        merged, exports,
    )  # fmt: skip


def _until(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else begin_of(day, zone)


def _end(end: datetime | None) -> int | None:
    return None if end is None else microseconds(end)


def bury(connection: Connection, key: bytes, what: Plan, files: Iterable[str] = ()) -> None:
    """Write the tombstones and note files that must be removed, inside the running transaction, which should end then.

    From its commit on no reading of these meters and days is stored. Raises psycopg.Error.
    """
    every = sorted({*what.letters, *what.merged, *what.exports, *files})
    if every:
        connection.execute(_SQL["note_files"], (every,))
    tombstones.put(connection, key, what.tombstones(key))


def late_rejections(connection: Connection, what: Plan) -> list[Rejection]:
    """Rejected messages of the tenancy's meters that stay. Raises psycopg.Error."""
    return [
        Rejection(*row)
        for device_id in sorted({one.device_id for one in what.meters if not one.gone})
        for row in connection.execute(_SQL["late_rejections"], {"device": device_id}).fetchall()
    ]


def erase(connection: Connection, key: bytes, what: Plan, rejections: Sequence[int] = ()) -> Counter[str]:
    """Delete all of a tenancy inside the running transaction; rows by table. ``rejections``: ids of further ones.

    At its end writers of readings wait for the commit. Raises psycopg.Error.
    """
    done: Counter[str] = Counter()
    gone = sorted({one.device_id for one in what.meters if one.gone})
    parameters = {
        "tenancy": what.tenancy_id, "home": what.home_id, "from_day": what.from_day, "to_day": what.to_day,
        "last": what.last, "gone": gone, "merged": list(what.merged),
    }  # fmt: skip
    connection.execute(_SQL["lock_import"])
    daily.lock_daily_use(connection)  # nobody writes use that was computed from readings which are being deleted
    connection.execute(_SQL["lock_records"])
    touched.keep(connection)
    connection.execute(_SQL["lock_tenancy"], parameters)
    connection.execute(_SQL["lock_home"], parameters)
    if tier(connection) == "community":
        connection.execute(_UNBOUNDED)
    connection.execute(_SQL["allow"], (what.tenancy_id,))
    taken: Counter[str] = Counter()
    for one in what.meters:
        taken[one.family] += _meter(connection, done, one.device_id, (one.start, one.end or _NEVER), rejections)
    done["public.rejected"] += forget_named(connection, naming(connection, [what.words()]))
    if not what.last:
        _empty_days(connection, what)
    for table, query in _BY_TENANCY:
        done[table] += connection.execute(query, parameters).rowcount
    connection.execute(_SQL["merged"], parameters)
    connection.execute(_SQL["correction"], parameters)
    # from here on no batch is written: what came in of days without a tenancy goes with the meter's series
    tombstones.put(connection, key, what.tombstones(key, gone=True))
    for device_id, family in sorted({(one.device_id, one.family) for one in what.meters if one.gone}):
        taken[family] += _meter(connection, done, device_id, (_ALWAYS, _NEVER), rejections)
    _delete_meters(connection, done, gone)
    erasures.count(connection, taken)
    erasures.erased(connection, erasures.mark(key, what.tenancy_id))
    return +done


def naming(connection: Connection, words: Iterable[Words]) -> Naming:
    """What finds these households in what others sent, and not devices that stay. Raises psycopg.Error."""
    named = [word for one in words for word in one.all()]
    rows = connection.execute(_SQL["every_device"]).fetchall() if named else []
    return Naming(named, [name for device_id, _, _, topic in rows for name in (device_id, topic) if name is not None])


def forget_named(connection: Connection, named: Naming) -> int:
    """Delete rejections of any device that name one of the households, inside the running transaction; how many.

    Corrections lose the words in whatever people wrote of them. Raises psycopg.Error.
    """
    if not named.searched:
        return 0
    gone: set[int] = set()
    with connection.cursor(name="named") as cursor:
        cursor.itersize = 50  # their bytes can be large
        cursor.execute(_SQL["candidates"], {"words": named.searched})
        for number, text, payload in cursor:
            if named(text.encode()) or any(named.topic(line) for line in text.splitlines()) or named(payload or b""):
                gone.add(number)
    flooded = connection.execute(_SQL["flooded"], {"words": named.searched}).fetchall()
    connection.execute(_SQL["flood_naming"], ([device for (device,) in flooded if named.topic(device)],))
    corrections.forget_named(connection, named)
    return connection.execute(_SQL["naming"], (Int8s(sorted(gone)),)).rowcount if gone else 0


def _empty_days(connection: Connection, what: Plan) -> None:
    """Take the tenancy's days out of the months of a home that others live in too."""
    homes = np.array([what.home_id], np.int64)
    known = daily.months(connection, homes)
    if known is None:
        return
    first = max(what.from_day, known[0])
    end = next_month(known[1])
    days = ((end if what.to_day is None else min(what.to_day, end)) - first).days
    if days > 0:
        nothing = DailyUse(homes, first, np.full((1, days), daily.NONE, np.int64), np.zeros((1, days), np.int16))
        for fuel in FUELS:
            daily.write_days(connection, fuel, nothing)


def _meter(
    connection: Connection,
    done: Counter[str],
    device_id: str,
    period: tuple[datetime, datetime],
    rejections: Sequence[int],
) -> int:
    """Delete what there is of a meter in a period; how many readings went."""
    series = [row[0] for row in connection.execute(_SQL["series"], (device_id,)).fetchall()]
    parameters = {
        "device": device_id, "series": Int4s(series), "start": period[0], "stop": period[1],
        "rejections": Int8s(rejections),
    }  # fmt: skip
    before = done["public.reading"]
    for table, query in (*_BY_DEVICE, *_BY_SENSOR, *(_BY_SERIES if series else ())):
        done[table] += connection.execute(query, parameters).rowcount
    return done["public.reading"] - before


def files(connection: Connection) -> list[str]:
    """Files that are yet to be removed. Raises psycopg.Error."""
    return [path for (path,) in connection.execute(_SQL["files"]).fetchall()]


def file_gone(connection: Connection, path: str) -> None:
    """Note inside the running transaction that a file is removed. Raises psycopg.Error."""
    connection.execute(_SQL["file_gone"], (path,))


def kept_files(connection: Connection) -> list[tuple[str, str]]:
    """(path, kind) of ledgers and recordings that were noted. Raises psycopg.Error."""
    return [(path, kind) for path, kind in connection.execute(_SQL["kept_files"]).fetchall()]


def keep_folder(connection: Connection, path: str, kind: str) -> None:
    """Note a file or a folder with ledgers or recordings (``kind``: ledger, recording). Raises psycopg.Error."""
    connection.execute(_SQL["keep_folder"], (path, kind))


def marked(connection: Connection, key: bytes, found: Iterable[Tombstone]) -> tuple[list[int], list[MeterPeriod]]:
    """What a restored database holds of these tombstones again: tenancies, and meters with their periods.

    Raises psycopg.Error.
    """
    by_mark: dict[bytes, list[Tombstone]] = {}
    for one in found:
        by_mark.setdefault(one.mark, []).append(one)
    held = [
        tenancy_id
        for tenancy_id, uprn, from_day in connection.execute(_SQL["every_tenancy"]).fetchall()
        if any(one in by_mark for one in tombstones.tenancy_marks(key, uprn, from_day))
    ]
    meters = [
        MeterPeriod(device_id, family, model, instant(one.start), None if one.end is None else instant(one.end), False)
        for device_id, family, model, _ in connection.execute(_SQL["every_device"]).fetchall()
        for one in by_mark.get(tombstones.mark(key, device_id), ())
    ]
    return held, meters


def empty_meters(connection: Connection, key: bytes, meters: Iterable[MeterPeriod]) -> Counter[str]:
    """Delete what came of meters in refused periods, inside the running transaction, and those that are gone.

    A meter that is linked to a home by now stays. Raises psycopg.Error.
    """
    done: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    daily.lock_daily_use(connection)
    connection.execute(_SQL["lock_records"])
    if tier(connection) == "community":
        connection.execute(_UNBOUNDED)
    for one in meters:
        row = connection.execute(_SQL["unlinked"], (one.device_id,)).fetchone()
        gone = one.gone and bool(row and row[0])
        period = (_ALWAYS, _NEVER) if gone else (one.start, one.end or _NEVER)
        taken[one.family] += _meter(connection, done, one.device_id, period, ())
        if gone:
            mark = tombstones.mark(key, one.device_id)
            start, end = microseconds(one.start), _end(one.end)
            tombstones.put(connection, key, [Tombstone("meter", mark, start, end, one.family, one.model, gone=True)])
            taken[one.family] += _meter(connection, done, one.device_id, period, ())
            _delete_meters(connection, done, [one.device_id])
    erasures.count(connection, taken)
    return +done


def _delete_meters(connection: Connection, done: Counter[str], gone: Sequence[str]) -> None:
    connection.execute(_SQL["lock_devices"], {"gone": gone})
    connection.execute(_SQL["forget_monitor"], {"gone": gone})
    done["personal.bay_sensor"] += connection.execute(_SQL["bay_sensor"], {"gone": gone}).rowcount
    done["personal.series"] += connection.execute(_SQL["delete_series"], {"gone": gone}).rowcount
    done["personal.device"] += connection.execute(_SQL["device"], {"gone": gone}).rowcount


def alone(connection: Connection) -> bool:
    """Whether this connection may erase now: one at a time, until it closes. Raises psycopg.Error."""
    row = connection.execute(_SQL["alone"]).fetchone()
    return bool(row and row[0])


def vacuum(connection: Connection, tables: Iterable[str], start: datetime) -> None:
    """Give back what was deleted from these tables, of readings from ``start`` on; the connection is in autocommit.

    Raises psycopg.Error.
    """
    for table in sorted(tables):
        parts = [table, *(_BESIDE if table == "public.rejected" else ())]
        if table == "public.reading" and tier(connection) != "plain":
            parts = [name for (name,) in connection.execute(_SQL["chunks"], (start,)).fetchall()]
        for name in parts:
            connection.execute(f"vacuum {name}".encode())
