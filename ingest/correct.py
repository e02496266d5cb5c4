"""``borough correct``: messages that were kept are decoded again, and what comes out takes the place of what is stored.

The way is the collector's, `BatchBuilder`; the writer is `store.corrections`. Of a key that comes twice the
first decides, as in live traffic, or the last that may restate, so the same correction a second time changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from ingest import archive_files
from ingest.archive_files import Frame
from ingest.batch_builder import BatchBuilder
from ingest.batch_rejections import reasons
from ingest.build_batch import BuiltBatch
from ingest.decoder_version import decoder_version
from ingest.options import CollectorOptions
from ingest.restatements import decided
from ingest.seen import Seen
from ingest.series_cache import FAMILY_NAMES, FAMILY_NUMBER, NewSeries
from ingest.suppressions import Suppressions, states
from store import corrections, registry
from store.batch import Int32, SeriesState
from store.connect import Connection, connect
from store.corrections import Correction, Key, Publication, Rows, Tally
from store.session_lock import given_back
from store.times import instant, microseconds
from store.tombstones import Stale

_DAY = 86_400_000_000
#: Where the calendar begins and ends [us].
_FIRST, _LAST = (microseconds(moment.replace(tzinfo=UTC)) for moment in (datetime.min, datetime.max))  # noqa: DTZ901


class CorrectionBusy(Exception):
    """Another correction is running: two at a time would record each other's values as old ones."""


class Source(Protocol):
    """Messages that were kept. ``name`` says where; ``exact_arrivals``: theirs are the arrivals of the collector."""

    name: str
    exact_arrivals: bool

    def content(self) -> dict[str, int]:
        """What there is now, to be read by ``frames``, also after an interruption, in the very same order."""

    def frames(self, content: Mapping[str, int]) -> Iterator[Frame]:
        """The messages. Raises ArchiveError, OSError."""


class ArchiveSource:
    """The archive's messages of some families that arrived on a day or later."""

    exact_arrivals = True

    def __init__(self, folder: Path, families: frozenset[str] | None, device: str | None, since: date) -> None:
        self.name = f"archive {folder}"
        self._folder = folder
        self._families = families
        self._device = device
        self._since = since

    def content(self) -> dict[str, int]:
        found = {}
        for segment in archive_files.segments(self._folder, self._families, self._since):
            devices = archive_files.devices_of(segment.path) if self._device is not None else None
            if devices is None or self._device in devices:
                found[str(segment.path.relative_to(self._folder))] = archive_files.summary(segment.path).frames
        return found

    def frames(self, content: Mapping[str, int]) -> Iterator[Frame]:
        return archive_files.merged(self._folder, content)


class FrameSource:
    """Any other messages, such as a recording's: ``read`` gives the same frames at every call.

    Readings that take their arrival as time are left alone: the recorder's arrival is not the collector's.
    """

    exact_arrivals = False

    def __init__(self, name: str, read: Callable[[], Iterator[Frame]]) -> None:
        self.name = name
        self._read = read

    def content(self) -> dict[str, int]:
        return {}

    def frames(self, content: Mapping[str, int]) -> Iterator[Frame]:  # noqa: ARG002 - a recording does not grow
        return self._read()


@dataclass(frozen=True, slots=True)
class Request:
    """What to correct: readings from ``start`` (included) to ``end`` (not) [us since the epoch], all or of some."""

    start: int
    end: int
    reason: str
    author: str
    family: str | None = None
    device: str | None = None
    dry_run: bool = False


@dataclass(slots=True)
class Corrected:
    """What a correction did, or would do. ``correction`` is None for a dry run and where nothing was changed.

    ``outside``: readings outside the period; ``untimed``: left alone, see ``FrameSource``. ``tally`` has all of an
    interrupted correction's runs.
    """

    tally: Tally
    correction: Correction | None = None
    resumed: bool = False
    outside: int = 0
    untimed: int = 0
    days: list[tuple[str, date]] = field(default_factory=list)
    published: list[Publication] = field(default_factory=list)


def correct(
    options: CollectorOptions, source: Source, request: Request, said: Callable[[int, int], None] = lambda *_: None
) -> Corrected:
    """Decode the source again and supersede what is stored; ``said`` is told messages done and readings changed.

    Killed at any moment, the same call goes on with it. What was erased does not come back. Raises CorrectionBusy;
    ArchiveError; store.tombstones.WrongKey; psycopg.Error.
    """
    with connect(options.database_url, "borough correct") as connection, given_back(connection):
        if not corrections.lock(connection):
            raise CorrectionBusy
        while True:
            try:
                return _Run(connection, options, source, request).run(said)
            except Stale:
                connection.rollback()  # somebody was erased meanwhile: it goes on where it is, with what is known now


class _Run:
    def __init__(self, connection: Connection, options: CollectorOptions, source: Source, request: Request) -> None:
        self.connection = connection
        self.options = options
        self.source = source
        self.request = request
        # repeats and keep rules are judged here, over all batches
        self.builder = BatchBuilder(
            options, Suppressions(options.tombstone_key), self._resolve, name="correct", thin=False
        )
        with connection.transaction():
            self.builder.suppressions.read(connection)
            devices = registry.load(connection, 0)[0]
        # a device that was taken out of service has a past
        self.builder.routes.update(replace(device, retired=False) for device in devices)
        self.keep = np.zeros(0, np.int64)
        self.unknown = 0
        self.seen = Seen()
        self.filled = Seen()
        self.chosen: dict[str, bool] = {}
        self.correction: int | None = None
        self.done = Corrected(Tally())
        self.touched: set[tuple[str, date]] = set()

    def run(self, said: Callable[[int, int], None]) -> Corrected:
        content = self.source.content()
        progress = 0
        if not self.request.dry_run:
            self.correction, content, progress = corrections.begin(self.connection, self._key(), content)
            self.done.resumed = progress > 0
        number, messages = 0, 0
        for number, frame in enumerate(self.source.frames(content), 1):
            messages += self._receive(frame)
            # an interrupted run wrote up to `progress`: what came before is decoded only to know its keys
            full, pending = self.options.batch_readings, self.builder.pending
            if number == progress or len(pending) >= full or len(pending.series_indexes) >= full:
                self._batch(number, write=number > progress)
                said(messages, self.done.tally.superseded + self.done.tally.inserted)
        self._batch(number, write=number > progress)
        self._end()
        return self.done

    def _key(self) -> Key:
        request = self.request
        return Key(
            request.author,
            request.reason,
            instant(request.start),
            instant(request.end),
            self.source.name,
            decoder_version(self.options),
            request.family,
            request.device,
        )

    def _receive(self, frame: Frame) -> int:
        """Decode the chosen messages of a frame; returns their number."""
        rows = [row for row, topic in enumerate(frame.topics) if self._is_chosen(topic)]
        self.builder.receive_kept(
            [frame.topics[row] for row in rows],
            [frame.payloads[row] for row in rows],
            frame.arrivals[rows].tolist(),
            None if frame.flags is None else [frame.flags[row] for row in rows],
        )
        return len(rows)

    def _is_chosen(self, topic: str) -> bool:
        found = self.chosen.get(topic)
        if found is None:
            routes = self.builder.routes
            route = routes.by_topic.get(topic) or routes.find(topic)
            family = self.request.family
            found = self.chosen[topic] = (family is None or route.family == FAMILY_NUMBER[family]) and (
                self.request.device is None or route.device_id == self.request.device
            )
        return found

    def _batch(self, number: int, *, write: bool) -> None:
        if not len(self.builder.pending) and not write:
            return
        built = self.builder.build(time.time_ns() // 1000)
        rows, beside = self._rows(built)
        if not write:
            return
        if self.correction is not None:
            tally = corrections.apply(self.connection, self.correction, rows, beside, number, built.batch.tombstones)
        else:
            changed, new, _, tally = corrections.diff(self.connection, rows)
            self.connection.rollback()
            touched = changed | new
            keys = np.unique(rows.time[touched] // _DAY * 256 + rows.family[touched]).tolist()
            self.touched.update((FAMILY_NAMES[key % 256], instant(key // 256 * _DAY).date()) for key in keys)
            tally.add(beside)
        self.done.tally.add(tally)

    def _resolve(self, new: Sequence[NewSeries]) -> list[SeriesState]:
        """The ids of new series, as if nothing were stored of them: repeats are judged here and not by the builder."""
        pairs = [(item.device.id, item.property) for item in new]
        if self.request.dry_run:
            numbers: list[int] = []
            for known in corrections.known_series(self.connection, pairs):
                self.unknown += known is None
                numbers.append(-self.unknown if known is None else known)
            self.connection.rollback()
        else:
            numbers = [state.series for state in states(self.connection, new)]
            self.connection.commit()
        self.keep = np.concatenate((self.keep, np.array([item.keep for item in new], np.int64)))
        return [SeriesState(number, None, float("nan")) for number in numbers]

    def _rows(self, built: BuiltBatch) -> tuple[Rows, Tally]:
        """The batch's rows within the period whose keys are new to this correction."""
        pending, batch = built.pending, built.batch
        duplicates = sum(counts.readings_duplicates for counts in batch.counts.values())
        rejected = sum(counts.readings_rejected + counts.messages_rejected for counts in batch.counts.values())
        conflicts = reasons(batch.rejected).get("conflict", 0)
        found, passed = decided(batch)
        inside = (found.time >= self.request.start) & (found.time < self.request.end)
        if not self.source.exact_arrivals and pending.untimed:
            untimed = np.isin(found.message, pending.untimed)
            self.done.untimed += int((inside & untimed).sum())
            inside &= ~untimed
        self.done.outside += int((found.time < self.request.start).sum() + (found.time >= self.request.end).sum())
        new = np.zeros(len(inside), bool)
        places = np.flatnonzero(inside)
        # what may restate is told from what is stored by its arrival, however often its key came
        new[places] = self.seen.add(found.series[places], found.time[places]) | found.restates[places]
        keep = self._keep_of(found.series)
        first = np.zeros(len(inside), bool)
        ruled = np.flatnonzero(new & (keep > 0))
        if len(ruled):
            period = batch.time[ruled] // keep[ruled] * keep[ruled]
            same = np.concatenate(
                ([False], (found.series[ruled][1:] == found.series[ruled][:-1]) & (period[1:] == period[:-1]))
            )
            leading = ruled[~same]
            first[leading] = self.filled.add(found.series[leading], period[~same])
        # the builder has taken out those within the batch already
        again = (passed.time >= self.request.start) & (passed.time < self.request.end)
        repeated = int(inside.sum() - new.sum() + again.sum()) + duplicates + conflicts
        beside = Tally(len(pending), repeated, repeated=repeated, rejected=rejected - conflicts)
        rows = Rows(
            found.series[new],
            found.time[new],
            found.value[new],
            found.family[new],
            keep[new],
            built.arrivals[found.message[new]],
            first[new],
            FAMILY_NAMES,
            found.restates[new],
        )
        return rows, beside

    def _keep_of(self, series: Int32) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        cache = self.builder.series_cache
        numbers = cache.series[: cache.size]
        order = np.argsort(numbers, kind="stable")
        place = order[np.searchsorted(numbers[order], series)] if len(order) else np.empty(0, np.intp)
        keep: np.ndarray[tuple[int], np.dtype[np.int64]] = self.keep[place]
        return keep

    def _end(self) -> None:
        done = self.done
        if self.correction is None:
            done.days = sorted(self.touched)
        else:
            days = corrections.days(self.connection, self.correction)
            done.correction = corrections.finish(self.connection, self.correction)
            done.days = days if done.correction is not None else []
            if done.correction is not None:
                done.tally = Tally(*done.correction[-8:])
        done.published = corrections.published(self.connection, done.days)
        self.connection.rollback()


def day_before(moment: int) -> date:
    """The UTC day before an instant [us]: a clock that is ahead makes a reading of the next day."""
    return instant(max(moment - _DAY, _FIRST)).date()


def period_of(start: str, end: str) -> tuple[int, int]:
    """Instants [us] of two ISO 8601 dates or instants (without an offset they are UTC). Raises ValueError."""
    moments = [datetime.fromisoformat(text) for text in (start, end)]
    found = [microseconds(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment) for moment in moments]
    # an offset may lead out of the calendar
    first, last = (min(max(moment, _FIRST), _LAST) for moment in found)
    if first >= last:
        raise ValueError("the period ends before it begins")
    return first, last
