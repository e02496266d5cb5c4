"""A batch that cannot be written is cut in parts, until the message that hurts stands alone and is set aside."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from traceback import extract_tb

import psycopg
from psycopg import errors

from devices.decoding import Reason
from ingest.pending_batch import PendingBatch
from ingest.source import Chunk
from store.series import NotRegistered
from store.tombstones import WrongKey

#: Classes of SQLSTATE that say that the database is well and these rows cannot be written: data, constraints, limits.
_OF_THE_DATA = {"22", "23", "54"}


def lies_in_data(error: Exception) -> bool:
    """Whether an error of building or writing would not come with other messages, as far as it says so of itself.

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
                chunk.absence,
            )
        )
        start, held = stop, ends[stop - 1]
    return found


def cut(pending: PendingBatch) -> list[PendingBatch]:
    """The quarters of a batch of several messages, in their order, to be built anew.

    The first forgets what the batch was to forget: what any of them then remembers comes later, as it did.
    """
    count = len(pending)
    ends = sorted({count * part // 4 for part in range(1, 5)} - {0})
    parts = [_part(pending, start, stop) for start, stop in zip([0, *ends], ends, strict=False)]
    first = parts[0]
    first.forget, first.new_series, first.new_devices = pending.forget, pending.new_series, pending.new_devices
    return parts


def set_aside(pending: PendingBatch, what: str) -> PendingBatch:
    """A batch of one message as one rejected message, none of whose readings is written."""
    alone = _part(pending, 0, 1)
    alone.forget, alone.new_series, alone.new_devices = pending.forget, pending.new_series, pending.new_devices
    alone.messages, alone.series_indexes, alone.values = [], [], []
    alone.packs, alone.pack_rows, alone.pack_times, alone.untimed, alone.ignored = [], [], [], [], []
    alone.restating = []
    alone.times = [0]
    alone.rejected_readings, alone.rejected_more, alone.sequences = [], {}, []
    alone.rejected_messages = [(0, Reason.UNSTORABLE, f"the store does not take it: {what}")]
    alone.aside = True
    return alone


def _part(pending: PendingBatch, start: int, stop: int) -> PendingBatch:
    """The messages from ``start`` to ``stop`` (not included)."""
    part = PendingBatch()
    for name in ("topics", "payloads", "packet_ids", "flags", "routes", "times"):
        setattr(part, name, getattr(pending, name)[start:stop])
    place = 0
    for count, arrival, generation in pending.chunks:
        inside = min(place + count, stop) - max(place, start)
        if inside > 0:
            part.chunks.append((inside, arrival, generation))
        place += count
    # readings and pack rows ascend
    first, last = bisect_left(pending.messages, start), bisect_left(pending.messages, stop)
    part.messages = [message - start for message in pending.messages[first:last]]
    part.series_indexes, part.values = pending.series_indexes[first:last], pending.values[first:last]
    row, end = bisect_left(pending.pack_rows, first), bisect_left(pending.pack_rows, last)
    part.pack_rows = [number - first for number in pending.pack_rows[row:end]]
    part.pack_times = pending.pack_times[row:end]
    for name in ("packs", "untimed", "ignored", "restating"):
        setattr(part, name, [message - start for message in getattr(pending, name) if start <= message < stop])
    part.arrived = {n - start: value for n, value in pending.arrived.items() if start <= n < stop}
    part.cut = {n - start: value for n, value in pending.cut.items() if start <= n < stop}
    part.copies = {n - start for n in pending.copies if start <= n < stop}
    part.answered = {n - start for n in pending.answered if start <= n < stop}
    part.first_times = {n - start: value for n, value in pending.first_times.items() if start <= n < stop}
    part.rejected_messages = [
        (n - start, reason, detail) for n, reason, detail in pending.rejected_messages if start <= n < stop
    ]
    part.rejected_readings = [
        (n - start, name, reason, detail) for n, name, reason, detail in pending.rejected_readings if start <= n < stop
    ]
    part.rejected_more = {
        (n - start, why): count for (n, why), count in pending.rejected_more.items() if start <= n < stop
    }
    part.sequences = [(n - start, number) for n, number in pending.sequences if start <= n < stop]
    part.late = [
        (max(begin, start) - start, min(end, stop) - start, absence)
        for begin, end, absence in pending.late
        if max(begin, start) < min(end, stop)
    ]
    part.size = pending.size * (stop - start) // len(pending)
    part.archived = pending.archived
    return part
