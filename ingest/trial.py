"""A trial: what would become of rejected messages now, or with a mapping that is installed nowhere. Stores nothing.

The way is the collector's, `BatchBuilder`, on a connection that may only read. What is stored comes out of it by the
store's own answers, and each message is built alone, so that what is counted is counted of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from devices.decoding import Format, Reason
from devices.families import FAMILIES
from devices.tried import Fate, Tried, TriedReading, TriedRejection
from ingest.batch_builder import BatchBuilder
from ingest.build_batch import BuiltBatch
from ingest.options import CollectorOptions
from ingest.restatements import decided
from ingest.series_cache import FAMILY_NAMES, NewSeries
from ingest.suppressions import Suppressions
from store import registry, series
from store.arrays import values_at
from store.batch import SeriesState
from store.connect import Connection, connect
from store.rejected import RejectedMessage

#: So many readings of a message are shown, and so many rejections.
SHOWN = 100
#: How long the store may take for one question of a trial [s].
_ANSWER_SECONDS = 30.0


class NoFormat(ValueError):
    """The mapping would read nothing: no subscription names its format. The text says which there are."""


def with_format(options: CollectorOptions, found: Format, instead: str | None = None) -> CollectorOptions:
    """The options with a format in place of the one of its name, or of ``instead``. Raises NoFormat."""
    named = sorted({item.format for item in options.subscriptions})
    name = instead or found.name
    if name not in named:
        raise NoFormat(f"no subscription names the format {name!r}: say which it stands in for, {', '.join(named)}")
    return replace(options, formats={**options.formats, name: found})


def try_again(
    options: CollectorOptions,
    messages: Sequence[RejectedMessage],
    mapping: Format | None = None,
    fmt: str | None = None,
) -> list[Tried]:
    """What would become of messages, one for each in the order of their arrival, with today's registry.

    ``mapping`` is read in place of the format ``fmt`` (default: of its own name). Raises NoFormat;
    store.tombstones.WrongKey; psycopg.Error.
    """
    if mapping is not None:
        options = with_format(options, mapping, fmt)
    each = {item.message: item for item in messages}.values()
    whole = sorted(each, key=lambda item: (item.row.arrival, item.message))
    with connect(options.database_url, "borough rejected try", statement_timeout=_ANSWER_SECONDS) as connection:
        connection.read_only = True
        trial = _Trial(options, connection)
        return [trial.message(item) for item in whole]


class _Trial:
    def __init__(self, options: CollectorOptions, connection: Connection) -> None:
        self.connection = connection
        self.builder = BatchBuilder(
            options, Suppressions(options.tombstone_key), self._resolve, name="trial", by_now=True
        )
        self.builder.suppressions.read(connection)  # every statement of a trial is in one transaction
        self.builder.routes.update(registry.load(connection, 0)[0])
        self.unknown = 0
        self.index: dict[int, int] = {}  # series number -> index
        self.seen: dict[tuple[int, int], float] = {}  # (series, time) -> value of an earlier message

    def message(self, item: RejectedMessage) -> Tried:
        if item.payload is None or item.size is not None:
            return Tried(item.message, item.row.family, gone=True)
        arrival = round(item.row.arrival.timestamp() * 1_000_000)
        self.builder.receive_kept([item.row.topic], [item.payload], [arrival])
        built = self.builder.build(time.time_ns() // 1000)
        readings, conflicts = self._readings(built)
        counts = list(built.batch.counts.values())
        rejections = [
            TriedRejection(one.property, one.reason, one.detail, one.more) for one in built.batch.rejected
        ] + conflicts
        return Tried(
            item.message,
            FAMILY_NAMES[built.pending.routes[0].family],
            readings[:SHOWN],
            rejections[:SHOWN],
            repeated=sum(one.readings_duplicates for one in counts) + max(0, len(readings) - SHOWN),
            thinned=sum(one.readings_thinned for one in counts),
            refused=sum(one.readings_refused for one in counts),
            status=bool(sum(one.messages_ignored for one in counts)),
        )

    def _resolve(self, new: Sequence[NewSeries]) -> list[SeriesState]:
        """What is known of new series; those that a retry would begin have numbers below zero here."""
        pairs = [(item.device.id, item.property) for item in new]
        found: list[SeriesState] = []
        for place, state in enumerate(series.known(self.connection, pairs), self.builder.series_cache.size):
            self.unknown += state is None
            known = SeriesState(-1 - self.unknown, None, float("nan")) if state is None else state
            self.index[known.series] = place
            found.append(known)
        return found

    def _readings(self, built: BuiltBatch) -> tuple[list[TriedReading], list[TriedRejection]]:
        found, _ = decided(built.batch)
        if not len(found.series):
            return [], []
        thin = dict(zip(zip(built.batch.series.tolist(), built.batch.time.tolist(), strict=True),
                        built.batch.thin.tolist(), strict=True))  # fmt: skip
        stored = np.full(len(found.series), np.nan)
        places, values = values_at(self.connection, found.series, found.time)
        stored[places] = values
        readings, conflicts = [], []
        rows = zip(
            found.series.tolist(), found.time.tolist(), found.value.tolist(), stored.tolist(),
            found.restates.tolist(), strict=True,
        )  # fmt: skip
        for number, moment, value, known, restates in rows:
            cache, place = self.builder.series_cache, self.index[number]
            device, name = cache.devices[place], cache.properties[place]
            key = (number, moment)
            before = self.seen.get(key) if np.isnan(known) else known
            fate: Fate = "period" if thin.get(key) else "new"
            if before is None:
                self.seen[key] = value
            elif before == value:
                fate = "there"
            elif restates:
                fate = "replaces"
            else:
                conflicts.append(TriedRejection(name, Reason.CONFLICT, "stored before with another value", None))
                continue
            unit = FAMILIES[device.family].properties[name].unit
            readings.append(TriedReading(device.id, name, moment, value, unit, fate))
        return readings, conflicts
