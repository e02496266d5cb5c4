"""A batch that cannot be written is cut in parts, until the message that hurts stands alone and is set aside."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from traceback import extract_tb

import psycopg
from psycopg import errors

from devices.decoding import Reason
from ingest.columns import Columns
from ingest.source import Chunk
from store.series import NotRegistered
from store.tombstones import WrongKey

#: Classes of SQLSTATE that say that the database is well and these rows cannot be written: data, constraints, limits.
_OF_THE_DATA = {"22", "23", "54"}


def lies_in_data(error: Exception) -> bool:
    """Whether an error of sealing or writing would not come with other messages, as far as it says so of itself.

    Everything that can be said of the database at large (away, full, read-only, locked, not migrated) is not.
    """
    if isinstance(error, psycopg.Error):
        if error.sqlstate is None:  # psycopg's own: a value that it cannot send; a connection's errors are Operational
            return isinstance(error, psycopg.DataError | psycopg.ProgrammingError)
        return error.sqlstate[:2] in _OF_THE_DATA
    return not isinstance(error, WrongKey | NotRegistered | OSError)


def too_slow(error: Exception) -> bool:
    """Whether the database gave up a statement because of its time limit: it is well, and this took too long."""
    return isinstance(error, errors.QueryCanceled)


def place_of(error: Exception) -> str:
    """What failed and where, without the error's text: it may quote the message, and with it a household's number."""
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return f"{type(error).__name__} ({state})"
    frames = extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].name}, line {frames[-1].lineno}" if frames else type(error).__name__


def pieces(chunk: Chunk, size: int) -> list[Chunk]:
    """A chunk in pieces of about ``size`` bytes, or one message. Arrivals go on where the piece before ends."""
    if chunk.size <= size or len(chunk.topics) == 1:
        return [chunk]
    ends = list(accumulate(map(len, chunk.payloads)))
    count, rest = len(ends), (chunk.size - ends[-1]) / len(ends)  # topics and headers, about the same for each
    found = []
    start = held = 0
    while start < count:
        # messages of nothing but a topic are bounded by their number
        stop = min(bisect_left(ends, held + size) + 1, start + max(1, int(size / max(rest, 1))), count)
        found.append(
            Chunk(
                chunk.generation,
                chunk.arrival + start,
                ends[stop - 1] - held + round(rest * (stop - start)),
                chunk.topics[start:stop],
                chunk.payloads[start:stop],
                chunk.packet_ids[start:stop],
                chunk.flags[start:stop],
            )
        )
        start, held = stop, ends[stop - 1]
    return found


def cut(columns: Columns) -> list[Columns]:
    """The quarters of a batch of several messages, in their order, to be sealed anew.

    The first forgets what the batch was to forget: what any of them then remembers comes later, as it did.
    """
    count = len(columns)
    ends = sorted({count * part // 4 for part in range(1, 5)} - {0})
    parts = [_part(columns, start, stop) for start, stop in zip([0, *ends], ends, strict=False)]
    first = parts[0]
    first.forget, first.new_slots, first.new_devices = columns.forget, columns.new_slots, columns.new_devices
    return parts


def set_aside(columns: Columns, what: str) -> Columns:
    """A batch of one message as one rejected message, none of whose readings is written."""
    alone = _part(columns, 0, 1)
    alone.forget, alone.new_slots, alone.new_devices = columns.forget, columns.new_slots, columns.new_devices
    alone.messages, alone.slots, alone.values = [], [], []
    alone.packs, alone.pack_rows, alone.pack_times, alone.untimed, alone.ignored = [], [], [], [], []
    alone.times = [0]
    alone.rejected_readings, alone.rejected_more, alone.sequences = [], {}, []
    alone.rejected_messages = [(0, Reason.UNSTORABLE, f"the store does not take it: {what}")]
    alone.aside = True
    return alone


def _part(columns: Columns, start: int, stop: int) -> Columns:
    """The messages from ``start`` to ``stop`` (not included)."""
    part = Columns()
    for name in ("topics", "payloads", "packet_ids", "flags", "routes", "times"):
        setattr(part, name, getattr(columns, name)[start:stop])
    place = 0
    for count, arrival, generation in columns.chunks:
        inside = min(place + count, stop) - max(place, start)
        if inside > 0:
            part.chunks.append((inside, arrival, generation))
        place += count
    # readings and pack rows ascend
    first, last = bisect_left(columns.messages, start), bisect_left(columns.messages, stop)
    part.messages = [message - start for message in columns.messages[first:last]]
    part.slots, part.values = columns.slots[first:last], columns.values[first:last]
    row, end = bisect_left(columns.pack_rows, first), bisect_left(columns.pack_rows, last)
    part.pack_rows = [number - first for number in columns.pack_rows[row:end]]
    part.pack_times = columns.pack_times[row:end]
    for name in ("packs", "untimed", "ignored"):
        setattr(part, name, [message - start for message in getattr(columns, name) if start <= message < stop])
    part.arrived = {n - start: value for n, value in columns.arrived.items() if start <= n < stop}
    part.cut = {n - start: value for n, value in columns.cut.items() if start <= n < stop}
    part.answered = {n - start for n in columns.answered if start <= n < stop}
    part.first_times = {n - start: value for n, value in columns.first_times.items() if start <= n < stop}
    part.rejected_messages = [
        (n - start, reason, detail) for n, reason, detail in columns.rejected_messages if start <= n < stop
    ]
    part.rejected_readings = [
        (n - start, name, reason, detail) for n, name, reason, detail in columns.rejected_readings if start <= n < stop
    ]
    part.rejected_more = {
        (n - start, why): count for (n, why), count in columns.rejected_more.items() if start <= n < stop
    }
    part.sequences = [(n - start, number) for n, number in columns.sequences if start <= n < stop]
    part.size = columns.size * (stop - start) // len(columns)
    part.archived = columns.archived
    return part
