"""What a collector says of itself: Prometheus metrics. No label ever holds a device id.

Their library is imported at the first scrape: it is no small part of a collector's start.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.batch_rejections import reasons
from ingest.source import SourceStatus
from store.batch import COUNT_NAMES, Batch, Counts, Outcome

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0)

_HELP = {
    "messages_received": "Messages that the broker delivered.",
    "messages_decoded": "Messages that were read and committed.",
    "messages_ignored": "Status messages, and retained ones without a time.",
    "messages_rejected": "Messages that were rejected as a whole.",
    "readings_decoded": "Readings in decoded messages.",
    "readings_stored": "Readings that are new in the table.",
    "readings_duplicates": "Readings that were already known.",
    "readings_thinned": "Readings that the keep rule does not store.",
    "readings_rejected": "Readings rejected alone, the rest of their message being stored.",
    "readings_refused": "Readings of erased or withdrawn tenancies, kept nowhere.",
    "readings_restated": "Readings that took the place of a stored one with another value.",
}


class Histogram:
    """Counts by upper bound [s], cumulative only when asked."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Add one observation."""
        self._counts[bisect_left(_BUCKETS, seconds)] += 1
        self._sum += seconds

    def observe_all(self, seconds: NDArray[np.float64]) -> None:
        """Add many at once."""
        found = np.bincount(np.searchsorted(_BUCKETS, seconds), minlength=len(self._counts)).tolist()
        self._counts = [a + b for a, b in zip(self._counts, found, strict=True)]
        self._sum += float(seconds.sum())

    def metric(self, name: str, text: str) -> Metric:
        """The Prometheus form."""
        from prometheus_client.core import HistogramMetricFamily

        total = 0
        buckets = []
        for bound, count in zip((*_BUCKETS, float("inf")), self._counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound == float("inf") else repr(bound), total))
        family = HistogramMetricFamily(name, text)
        family.add_metric([], buckets, self._sum)
        return family


class Metrics:
    """The totals of one collector process since its start.

    ``in_flight`` is asked at the scrape: messages by family that are received and not yet committed. Whoever moves
    messages from there to ``committed`` holds ``lock`` meanwhile: a scrape that saw them in neither place, or in both,
    would not add up.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.committed: dict[str, Counts] = {}
        self.rejected: dict[str, int] = {}
        #: by family, readings whose time is an arrival after an absence
        self.after_absence: dict[str, int] = {}
        self.in_flight: list[Callable[[], dict[str, int]]] = []
        self.write_seconds = Histogram()
        self.lag_seconds = Histogram()
        #: what the control connection found last, and what the last transaction did
        self.database_reached = False
        self.database_takes = True
        self.broker_connected: Callable[[], bool] = lambda: False
        self.sources: list[SourceStatus] = []
        #: what the broker says of all its clients: what it threw away since its start, what it keeps for sessions now
        self.broker_dropped: int | None = None
        #: the first of them as the broker itself said it: until it does the other stands at 0
        self.broker_said_dropped: int | None = None
        self.broker_queued: int | None = None
        self.staged_batches = 0
        self.write_errors = 0
        #: messages archived and not archived, failed writes, and whether the last one failed
        self.archive_messages = 0
        self.archive_missed = 0
        self.archive_errors = 0
        self.archive_failing = False
        self.started = time.time()

    @property
    def database_up(self) -> bool:
        """Whether the database is there and takes what we write."""
        return self.database_reached and self.database_takes

    def flying(self) -> dict[str, int]:
        """Messages in flight by family."""
        total: dict[str, int] = {}
        for ask in self.in_flight:
            for family, count in ask().items():
                total[family] = total.get(family, 0) + count
        return total

    def commit(self, counts: dict[str, Counts]) -> None:
        """Add what a committed batch counted. Hold ``lock``."""
        for family, found in counts.items():
            self.committed.setdefault(family, Counts()).add(found)

    def wrote(self, outcome: Outcome, batch: Batch | None) -> None:
        """What a committed batch says besides its counts; None: it was committed before."""
        self.write_seconds.observe(outcome.seconds)
        self.staged_batches += outcome.staged
        if batch is None:
            return
        for reason, count in reasons(batch.rejected).items():
            self.rejected[reason] = self.rejected.get(reason, 0) + count
        if len(outcome.conflicts):
            self.rejected["conflict"] = self.rejected.get("conflict", 0) + len(outcome.conflicts)
        for item in batch.late:
            self.after_absence[item.family] = self.after_absence.get(item.family, 0) + item.readings
        if len(batch.time):
            self.lag_seconds.observe_all(np.maximum(time.time() - batch.time / 1e6, 0.0))

    def collect(self) -> Iterable[Metric]:
        """All metrics, for prometheus_client."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        with self.lock:
            flying = self.flying()
            committed = {family: replace(counts) for family, counts in self.committed.items()}
        families = sorted({*committed, *flying})
        for name in COUNT_NAMES:
            family = CounterMetricFamily(f"borough_{name}", _HELP[name], labels=["family"])
            for label in families:
                value = getattr(committed.get(label, Counts()), name)
                if name == "messages_received":
                    value += flying.get(label, 0)
                family.add_metric([label], value)
            yield family
        gauge = GaugeMetricFamily(
            "borough_messages_in_flight", "Messages received and not yet committed.", labels=["family"]
        )
        for label in families:
            gauge.add_metric([label], flying.get(label, 0))
        yield gauge
        reasons = CounterMetricFamily("borough_rejections", "Rejections by reason.", labels=["reason"])
        for reason, count in sorted(self.rejected.items()):
            reasons.add_metric([reason], count)
        yield reasons
        absent = CounterMetricFamily(
            "borough_readings_after_absence",
            "Readings without a time of their own that waited at the broker.",
            labels=["family"],
        )
        for label in families:
            absent.add_metric([label], self.after_absence.get(label, 0))
        yield absent
        yield self.write_seconds.metric("borough_write_seconds", "Duration of a batch's transaction.")
        yield self.lag_seconds.metric("borough_lag_seconds", "From a reading's time to its commit.")
        yield GaugeMetricFamily("borough_database_up", "Whether the last transaction worked.", int(self.database_up))
        yield GaugeMetricFamily(
            "borough_broker_connected", "Whether the session is connected and subscribed.", int(self.broker_connected())
        )
        yield GaugeMetricFamily(
            "borough_backlog",
            "Whether messages that waited at the broker may still come.",
            int(any(status.connected and status.backlog.absence is not None for status in self.sources)),
        )
        lost = sum(status.lost for status in self.sources)
        taken = sum(status.taken_over for status in self.sources)
        yield CounterMetricFamily("borough_sessions_lost", "Sessions the broker had forgotten.", lost)
        yield CounterMetricFamily("borough_taken_over", "Times another client took our session.", taken)
        yield CounterMetricFamily("borough_write_errors", "Failed transactions, each tried again.", self.write_errors)
        yield CounterMetricFamily("borough_staged_batches", "Batches with repeats of stored keys.", self.staged_batches)
        yield CounterMetricFamily("borough_archive_messages", "Messages archived.", self.archive_messages)
        yield CounterMetricFamily(
            "borough_archive_missed", "Accepted messages that could not be archived.", self.archive_missed
        )
        yield CounterMetricFamily("borough_archive_errors", "Failed writes of the archive.", self.archive_errors)
        yield GaugeMetricFamily(
            "borough_archive_failing", "Whether messages are not being archived now.", int(self.archive_failing)
        )
        if self.broker_dropped is not None:
            yield CounterMetricFamily(
                "borough_broker_dropped", "Messages that the broker threw away, of any client.", self.broker_dropped
            )
        if self.broker_queued is not None:
            yield GaugeMetricFamily(
                "borough_broker_queued",
                "Messages that the broker keeps for sessions, of any client.",
                self.broker_queued,
            )
        yield GaugeMetricFamily("borough_start_time_seconds", "When the collector started.", self.started)

    def text(self) -> bytes:
        """The exposition format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)
