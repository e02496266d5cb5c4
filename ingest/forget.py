"""Which kept messages (archive, recordings) belong to what was erased: they are read again, and judged as new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from devices.topics import names_within
from ingest.archive_files import Frame
from ingest.batch_builder import BatchBuilder
from ingest.options import CollectorOptions
from ingest.series_cache import NewSeries
from ingest.suppressions import FOREVER, Suppression, Suppressions
from store.batch import SeriesState


class ErasureFilter:
    """Says of messages whether they must go, by the time of their readings, or by their arrival where they have none.

    Also messages on topics that no subscription names, when a level of the topic is the device's id.
    """

    def __init__(self, options: CollectorOptions, suppressions: Suppressions, devices: Iterable[Device]) -> None:
        self._suppressions = suppressions
        # what a message says of its time counts, however late or early it was recorded
        any_time = replace(options, earliest=0, ahead=FOREVER / 4 / 1_000_000)
        self._builder = BatchBuilder(any_time, suppressions, self._invented, name="forget")
        self._builder.routes.update(replace(device, retired=False) for device in devices)
        self._series = 0
        self._of_topic: dict[str, Suppression | None] = {}

    def concerns(self, device_id: str) -> bool:
        """Whether something of a device was erased."""
        return self._suppressions.of(device_id) is not None

    def frame(self, frame: Frame) -> Sequence[bool]:
        """The same for a frame of the archive."""
        found: list[bool] = self(frame.topics, frame.payloads, frame.arrivals).tolist()
        return found

    def __call__(
        self, topics: Sequence[str], payloads: Sequence[bytes], arrivals: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which of these messages must go, ``(messages,)``; arrivals [us since the Unix epoch]."""
        gone = np.zeros(len(topics), bool)
        rows = [row for row, topic in enumerate(topics) if self._look(topic) is not None]
        if not rows:
            return gone
        self._builder.receive_kept(
            [topics[row] for row in rows], [payloads[row] for row in rows], [int(arrivals[row]) for row in rows]
        )
        built = self._builder.build(0)
        gone[rows] = built.suppressed
        ignored = set(built.pending.ignored)  # a status names the device all the same
        for place, row in enumerate(rows):
            suppression = self._look(topics[row])
            unread = built.pending.routes[place].device_id is None or place in ignored
            if unread and suppression is not None and suppression.covers(int(arrivals[row])):
                gone[row] = True
        return gone

    def _invented(self, new: Sequence[NewSeries]) -> list[SeriesState]:
        """Ids that no store has: nothing is written."""
        first, self._series = self._series, self._series + len(new)
        return [SeriesState(number, None, float("nan")) for number in range(first, self._series)]

    def _look(self, topic: str) -> Suppression | None:
        if topic not in self._of_topic:
            device = self._builder.routes.find(topic).device
            # who has the name today is not who had it before
            names = [name for name in names_within(topic) if device is None or name != device.topic]
            if device is not None:
                names.insert(0, device.id)
            found = (self._suppressions.of(name) for name in names)
            self._of_topic[topic] = next((one for one in found if one is not None), None)
        return self._of_topic[topic]
