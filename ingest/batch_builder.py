"""The collector's way from messages to a batch for the store, in one piece.

Whoever reads messages goes it: the live collector, a retry of rejections, a correction, and what looks for messages of
the erased.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest import restatements
from ingest.batch_times import Limits
from ingest.build_batch import BuiltBatch, build_batch
from ingest.memory import Memory
from ingest.options import CollectorOptions
from ingest.pending_batch import PendingBatch, decode_chunk
from ingest.routes import Routes
from ingest.series_cache import NewSeries, SeriesCache
from ingest.source import Chunk
from ingest.suppressions import Suppressions
from ingest.unread import UnreadNames
from store.batch import SeriesState

#: The series of new (device, property) pairs and their newest readings, one for each in their order.
Resolve = Callable[[Sequence[NewSeries]], Sequence[SeriesState]]


class BatchBuilder:
    """Builds batches of what it receives, in the account of ``name``. ``routes`` wants to be told the devices.

    ``register``: an unknown device may be taken by its first message, where the options say so; ``thin``: keep rules
    are applied; ``by_now``: what was ahead of the clock when it came is taken once the clock has passed. Two threads
    may share one: what is received, the routes and `take` belong to the first, `learn`, `build` and ``series_cache`` to
    the second.
    """

    def __init__(
        self,
        options: CollectorOptions,
        suppressions: Suppressions,
        resolve: Resolve,
        *,
        name: str,
        register: bool = False,
        thin: bool = True,
        by_now: bool = False,
    ) -> None:
        self.suppressions = suppressions
        #: what messages had and nobody read, of live ones
        self.unread = UnreadNames() if register else None
        self.routes = Routes(
            options.subscriptions,
            options.formats,
            keep=options.keep,
            auto_register=options.auto_register_origin if register and options.auto_register else None,
            suppressions=suppressions,
            unread=self.unread,
        )
        self.memory = Memory()
        #: what is received and not yet taken
        self.pending = PendingBatch()
        self.series_cache = SeriesCache()
        self._limits = Limits(options.earliest, round(options.ahead * 1_000_000), by_now)
        self._payload_maximum = options.payload_maximum
        self._resolve = resolve
        self._name = name
        self._thin = thin

    def receive(self, chunk: Chunk) -> None:
        """Decode messages as a source delivers them."""
        start = len(self.pending)
        decode_chunk(self.pending, chunk, self.routes, self.memory, self._payload_maximum)
        if self.routes.restates:
            restatements.note(self.pending, start, self.memory)

    def receive_kept(
        self,
        topics: Sequence[str],
        payloads: Sequence[bytes],
        arrivals: Sequence[int],
        flags: Sequence[int] | None = None,
    ) -> None:
        """Decode messages that were kept: each counts with its own arrival [us since the Unix epoch]."""
        if not topics:
            return
        start, count = len(self.pending), len(topics)
        self.receive(
            Chunk(
                0,
                arrivals[0],
                sum(map(len, payloads)),
                list(topics),
                list(payloads),
                [0] * count,
                [0] * count if flags is None else list(flags),
            )
        )
        self.pending.arrived.update(enumerate(arrivals, start))

    def take(self) -> PendingBatch:
        """What was received until now, with the devices and series that were new in it; the next batch begins."""
        pending, self.pending = self.pending, PendingBatch()
        pending.new_series, self.routes.new_series = self.routes.new_series, []
        pending.new_devices, self.routes.new_devices = self.routes.new_devices, []
        return pending

    def learn(self, pending: PendingBatch) -> None:
        """Take over the series that are new in what was taken. Raises what ``resolve`` raises, and nothing is lost."""
        new = pending.new_series
        if new:
            states = self._resolve(new)
            self.series_cache.extend(new if self._thin else [item._replace(keep=0) for item in new], states)
            pending.new_series = []

    def build(self, now: int, pending: PendingBatch | None = None) -> BuiltBatch:
        """A batch of what was received, or of what was taken before. ``now`` [us] is the minute of the account."""
        if pending is None:
            pending = self.take()
        self.learn(pending)
        return build_batch(
            pending,
            self.series_cache,
            self.memory,
            self._limits,
            self._name,
            now,
            self.suppressions,
            self.routes.households,
        )
