"""What the runner keeps of parking: days of bays, stays, days of zones; arrays outside, rows in the tables.

Whoever writes or erases them calls ``lock`` first in its transaction. Bays are places in a list of ids that a call is
given. A moment that is none is ``NONE``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg.abc import Buffer

from store.batch import Int64
from store.connect import Connection
from store.copy import EPOCH_2000, Instants, Int4s, Int8s, copy_block, instants, int4s
from store.queries import queries
from store.times import instant

_SQL = queries("parking_record")

#: No moment.
NONE = -1
#: PostgreSQL's ``-infinity``.
_INFINITELY_EARLY = np.iinfo(np.int64).min
#: How a stay begins and ends, by their codes in arrays.
BEGINS = ("reading", "unknown")
ENDS = ("reading", "silent", "swapped", "stuck", "lasts")


class Touched(NamedTuple):
    """Notes of bays that were seen: their ids ``(notes,)``, the bays, and zones that these have left, or None."""

    ids: Int64
    bays: list[str]
    zones: list[str | None]


class Carries(NamedTuple):
    """How bays' days end: ``state`` as of ``analytics.parking.stays.Carry``, -1 where no day is stored; moments [us].

    All ``(bays,)``; ``device`` is an id or None.
    """

    state: Int64
    since: Int64
    heard: Int64
    device: list[str | None]


class BayDays(NamedTuple):
    """One local day of bays.

    ``bay`` ``(rows,)``: places in the list of bays; ``quarters`` ``(rows, quarter hours, 3)``: occupied, free and
    suspended [ms]; ``arrivals``, ``repeated`` and the carry ``(rows,)``; ``device``: places in a list, -1 for none.
    """

    bay: Int64
    quarters: NDArray[np.int32]
    arrivals: Int64
    repeated: Int64
    state: Int64
    since: Int64
    heard: Int64
    device: Int64


class StayRows(NamedTuple):
    """Stays ``(stays,)``: ``bay`` is a place in the list of bays, ``begins`` and ``ends`` in ``BEGINS`` and ``ENDS``.

    Moments [us]; ``departure`` and ``over_from`` can be ``NONE``; ``over`` and ``suspended`` [s].
    """

    bay: Int64
    arrival: Int64
    departure: Int64
    begins: Int64
    ends: Int64
    over_from: Int64
    over: Int64
    suspended: Int64


class ZoneDays(NamedTuple):
    """A local day of zones: ``quarters`` ``(zones, quarter hours, 4)`` [bay-seconds], ``arrivals`` by quarter hour."""

    zones: list[str]
    bays: Int64
    quarters: NDArray[np.int32]
    arrivals: NDArray[np.int32]


def lock(connection: Connection) -> None:
    """Keep the days of bays to oneself until the transaction ends; waits. Raises psycopg.Error."""
    connection.execute(_SQL["hold"])


def recorded(connection: Connection) -> tuple[int, str] | None:
    """Up to which moment [us] (not included) all days are computed, and by what rules; or None.

    Raises psycopg.Error.
    """
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["recorded"]).fetchone()
    return None if row is None else (int(instants(row[0])[0]), row[1])


def keep_recorded(connection: Connection, moment: int, rules: str) -> None:
    """Note how far the days are computed now, and by what rules. Raises psycopg.Error."""
    connection.execute(_SQL["keep_recorded"], (instant(moment), rules))


def touch_bays(connection: Connection) -> None:
    """Have all days of every bay computed again. Raises psycopg.Error."""
    connection.execute(_SQL["touch_bays"])


def newest_reading(connection: Connection) -> int | None:
    """When [us] the newest reading of all sensors of bays is of, linked or not. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["newest"]).fetchone()
    return None if row is None or row[0] is None else int(instants(row[0])[0])


def touched_bays(connection: Connection) -> Touched:
    """Bays whose days must all be computed again, as far as this statement sees. Raises psycopg.Error."""
    rows = connection.execute(_SQL["touched_bays"]).fetchall()
    return Touched(np.array([row[0] for row in rows], np.int64), [row[1] for row in rows], [row[2] for row in rows])


def forget_bays(connection: Connection, ids: Int64) -> None:
    """Delete exactly these notes of bays. Raises psycopg.Error."""
    if len(ids):
        connection.execute(_SQL["forget_bays"], (Int8s(ids),))


def touch_day(connection: Connection, day: date) -> None:
    """Have a day (UTC) of all bays computed again. Raises psycopg.Error."""
    connection.execute(_SQL["touch_day"], (day,))


def begin_anew(connection: Connection) -> None:
    """Take away all that is computed and have every day computed again, inside the running transaction.

    Raises psycopg.Error.
    """
    lock(connection)
    for query in (
        _SQL["empty_days"],
        _SQL["empty_stays"],
        _SQL["empty_zones"],
        _SQL["empty_recorded"],
        _SQL["touch_bays"],
    ):
        connection.execute(query)


def first_day(connection: Connection, bays: Sequence[str]) -> date | None:
    """The first local day that is stored of any of these bays. Raises psycopg.Error."""
    row = connection.execute(_SQL["first_days"], (list(bays),)).fetchone()
    return None if row is None else row[0]


def first_zone_day(connection: Connection, zones: Sequence[str]) -> date | None:
    """The first local day that is stored of any of these zones. Raises psycopg.Error."""
    row = connection.execute(_SQL["first_zone_day"], (list(zones),)).fetchone()
    return None if row is None else row[0]


def carries(connection: Connection, bays: Sequence[str], day: date) -> Carries:
    """How a local day ends in these bays. Raises psycopg.Error."""
    state, since, heard = (np.full(len(bays), NONE, np.int64) for _ in range(3))
    found = Carries(state, since, heard, [None] * len(bays))
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["carries"], {"bays": list(bays), "day": day}).fetchone()
    if row is None or row[0] is None:
        return found
    place = int4s(row[0]) - 1
    found.state[place] = np.frombuffer(row[1], ">i2")
    found.since[place], found.heard[place] = received(row[2]), received(row[3])
    for at, device in zip(place.tolist(), row[4], strict=True):
        found.device[at] = device
    return found


def write_bay_days(
    connection: Connection, day: date, bays: Sequence[str], devices: Sequence[str], rows: BayDays
) -> Int64:
    """Make a local day of all these bays what ``rows`` say; places of bays of which something changed, rising.

    A bay without a row has none afterwards. Inside the running transaction. Raises psycopg.Error.
    """
    names = list(bays)
    with connection.cursor(binary=True) as cursor:
        gone = cursor.execute(_SQL["remove_days"], {"bays": names, "day": day, "keep": Int4s(rows.bay)}).fetchone()
        changed = None
        if len(rows.bay):
            _stage(connection, rows)
            given = {"bays": names, "devices": list(devices), "day": day}
            changed = cursor.execute(_SQL["merge_stage"], given).fetchone()
    parts = [int4s(row[0]) for row in (gone, changed) if row is not None and row[0] is not None]
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64))


def stays_of(connection: Connection, bays: Sequence[str], start: int, end: int) -> StayRows:
    """Stored stays of some bays that arrived in a time [us], in no order. Raises psycopg.Error."""
    given = {"bays": list(bays), "start": instant(start), "stop": instant(end)}
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            _SQL["stays_of"], {**given, "begin_words": list(BEGINS), "end_words": list(ENDS)}
        ).fetchone()
    assert row is not None
    bay, arrival, departure, begins, ends, over_from, over, suspended = (part or b"" for part in row)
    return StayRows(
        _numbers(bay), received(arrival), received(departure), _numbers(begins), _numbers(ends), received(over_from),
        _numbers(over), _numbers(suspended),
    )  # fmt: skip


def stays_at(
    connection: Connection, bays: Sequence[str], bay: Int64, arrival: Int64
) -> tuple[Int64, Int64, Int64, Int64]:
    """Of single stays those that are stored: place in the question, ``begins``, ``ends``, ``departure``.

    Raises psycopg.Error.
    """
    if not len(bay):
        none = np.empty(0, np.int64)
        return none, none, none, none
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            _SQL["stays_at"],
            {
                "bays": list(bays), "bay": Int4s(bay), "arrival": Instants(arrival),
                "begin_words": list(BEGINS), "end_words": list(ENDS),
            },
        ).fetchone()  # fmt: skip
    assert row is not None
    place, begins, ends = (_numbers(part or b"") for part in row[:3])
    return place, begins, ends, received(row[3] or b"")


def remove_stays(connection: Connection, bays: Sequence[str], bay: Int64, arrival: Int64) -> int:
    """Delete single stays; how many there were. Raises psycopg.Error."""
    if not len(bay):
        return 0
    given = {"bays": list(bays), "place": Int4s(bay), "arrival": Instants(arrival)}
    return connection.execute(_SQL["remove_stays"], given).rowcount


def write_stays(connection: Connection, bays: Sequence[str], rows: StayRows) -> tuple[Int64, Int64]:
    """Write stays that may differ; bay's place and arrival [us] of those that were not so already.

    Raises psycopg.Error.
    """
    if not len(rows.bay):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            _SQL["write_stays"],
            {
                "bays": list(bays), "place": Int4s(rows.bay), "arrival": Instants(rows.arrival),
                "departure": Instants(rows.departure), "begins": Int4s(rows.begins), "ends": Int4s(rows.ends),
                "over_from": Instants(rows.over_from), "over": Int4s(rows.over), "suspended": Int4s(rows.suspended),
                "begin_words": list(BEGINS), "end_words": list(ENDS), "none": instant(NONE),
            },
        ).fetchone()  # fmt: skip
    assert row is not None
    return _numbers(row[0] or b""), received(row[1] or b"")


def refresh_zones(connection: Connection, day: date, edges: Int64, zones: Sequence[str]) -> int:
    """Sum a local day of zones up again from their open bays, inside the running transaction; how many rows changed.

    ``edges`` ``(quarter hours + 1,)`` [us]: of the day. What of a bay with a sensor is neither occupied nor free nor
    suspended is unknown. A zone none of whose bays has a day has no row. Raises psycopg.Error.
    """
    names = sorted(set(zones))
    if not names:
        return 0
    found = _sum_zones(connection, day, edges, names)
    done = connection.execute(_SQL["remove_zones"], (day, sorted(set(names) - set(found.zones)))).rowcount
    if found.zones:
        done += connection.execute(
            _SQL["write_zones"],
            {
                "day": day, "zones": found.zones, "bays": Int4s(found.bays),
                "quarters": [part.astype(">i4").tobytes() for part in found.quarters],
                "arrivals": [part.astype(">i4").tobytes() for part in found.arrivals],
            },
        ).rowcount  # fmt: skip
    return done


def _sum_zones(connection: Connection, day: date, edges: Int64, names: Sequence[str]) -> ZoneDays:
    count = len(edges) - 1
    place = {name: at for at, name in enumerate(names)}
    bounds = {"zones": list(names), "start": instant(int(edges[0])), "stop": instant(int(edges[-1]))}
    sums = np.zeros((len(names), count, 3), np.int64)
    bays = np.zeros(len(names), np.int64)
    arrivals = np.zeros((len(names), count), np.int64)
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["zone_sums"], {"zones": list(names), "day": day}).fetchone()
        assert row is not None
        seen = np.array([place[name] for name in row[0] or ()], np.int64)
        quarters = np.frombuffer(row[1] or b"", ">i4").reshape(len(seen), count, 3)
        for at in np.unique(seen).tolist():
            sums[at] = quarters[seen == at].sum(axis=0, dtype=np.int64)
        for name, number in cursor.execute(_SQL["zone_bays"], bounds).fetchall():
            bays[place[name]] = number
        row = cursor.execute(_SQL["zone_arrivals"], bounds).fetchone()
        assert row is not None
        if row[0]:
            quarter = np.searchsorted(edges, instants(row[1]), side="right") - 1
            np.add.at(arrivals, (np.array([place[name] for name in row[0]], np.int64), quarter), 1)
    seconds = (sums + 500) // 1_000
    lasted = np.diff(edges) // 1_000_000
    unknown = np.maximum(bays[:, None] * lasted - seconds.sum(axis=2), 0)
    kept = np.unique(seen)
    whole = np.concatenate((seconds, unknown[:, :, None]), axis=2)
    return ZoneDays(
        [names[at] for at in kept.tolist()], bays[kept], whole[kept].astype(np.int32), arrivals[kept].astype(np.int32)
    )


def _stage(connection: Connection, rows: BayDays) -> None:
    width = rows.quarters.shape[1] * 3
    block = np.empty(len(rows.bay), np.dtype([
        ("fields", ">i2"), ("place_width", ">i4"), ("place", ">i4"), ("quarters_width", ">i4"),
        ("quarters", ">i4", width), ("arrivals_width", ">i4"), ("arrivals", ">i4"), ("repeated_width", ">i4"),
        ("repeated", ">i4"), ("state_width", ">i4"), ("state", ">i2"), ("since_width", ">i4"), ("since", ">i8"),
        ("heard_width", ">i4"), ("heard", ">i8"), ("device_width", ">i4"), ("device", ">i4"),
    ]))  # fmt: skip
    block["fields"] = 8
    block["place_width"], block["place"] = 4, rows.bay
    block["quarters_width"], block["quarters"] = 4 * width, rows.quarters.reshape(len(rows.bay), width)
    block["arrivals_width"], block["arrivals"] = 4, rows.arrivals
    block["repeated_width"], block["repeated"] = 4, rows.repeated
    block["state_width"], block["state"] = 2, rows.state
    block["since_width"], block["since"] = 8, _sent(rows.since)
    block["heard_width"], block["heard"] = 8, _sent(rows.heard)
    block["device_width"], block["device"] = 4, rows.device
    connection.execute(_SQL["make_stage"])
    connection.execute(_SQL["empty_stage"])
    copy_block(connection, _SQL["copy_stage"], block)


def _sent(moments: Int64) -> Int64:
    return np.where(moments == NONE, _INFINITELY_EARLY, moments - EPOCH_2000)


def received(data: Buffer) -> Int64:
    """Decode ``string_agg(timestamptz_send(…), '')`` [us]; ``-infinity`` is ``NONE``."""
    raw = np.frombuffer(data, ">i8").astype(np.int64)
    return np.where(raw == _INFINITELY_EARLY, NONE, raw + EPOCH_2000)


def _numbers(data: Buffer) -> Int64:
    return int4s(data).astype(np.int64)
