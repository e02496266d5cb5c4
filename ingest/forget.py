"""Which kept messages (archive, recordings) belong to what was erased: they are read again, and judged as new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from ingest.archive_files import Frame
from ingest.columns import Columns, gather
from ingest.memory import Memory
from ingest.options import CollectorOptions
from ingest.refusals import FOREVER, Refusals, Refused
from ingest.routes import Routes
from ingest.seal import Limits, seal
from ingest.slots import Slots
from ingest.source import Chunk
from store.batch import SeriesState


class Judge:
    """Says of messages whether they must go, by the time of their readings, or by their arrival where they have none.

    Also messages on topics that no subscription names, when a level of the topic is the device's id.
    """

    def __init__(self, options: CollectorOptions, refusals: Refusals, devices: Iterable[Device]) -> None:
        self._options = options
        self._refusals = refusals
        self._routes = Routes(
            options.subscriptions, options.formats, keep={}, auto_register=None, refusals=refusals
        )  # fmt: skip
        self._routes.update(replace(device, retired=False) for device in devices)
        self._slots = Slots()
        # what a message says of its time counts, however late or early it was recorded
        self._limits = Limits(0, FOREVER // 4)
        self._of_topic: dict[str, Refused | None] = {}

    def concerns(self, device_id: str) -> bool:
        """Whether something of a device was erased."""
        return self._refusals.of(device_id) is not None

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
        columns = Columns()
        payload_of = [payloads[row] for row in rows]
        chunk = Chunk(
            0, int(arrivals[rows[0]]), sum(map(len, payload_of)), [topics[row] for row in rows], payload_of,
            [0] * len(rows), [0] * len(rows),
        )  # fmt: skip
        gather(columns, chunk, self._routes, Memory(), self._options.payload_maximum)
        columns.arrived.update((place, int(arrivals[row])) for place, row in enumerate(rows))
        new, self._routes.new_slots = self._routes.new_slots, []
        first = self._slots.size
        self._slots.extend(new, [SeriesState(first + place, None, float("nan")) for place in range(len(new))])
        sealed = seal(columns, self._slots, Memory(), self._limits, "forget", 0, self._refusals)
        gone[rows] = sealed.silent
        ignored = set(columns.ignored)  # a status names the device all the same
        for place, row in enumerate(rows):
            refused = self._look(topics[row])
            unread = columns.routes[place].device_id is None or place in ignored
            if unread and refused is not None and refused.covers(int(arrivals[row])):
                gone[row] = True
        return gone

    def _look(self, topic: str) -> Refused | None:
        if topic not in self._of_topic:
            found = [self._refusals.of(level) for level in topic.split("/")]
            self._of_topic[topic] = next((one for one in found if one is not None), None)
        return self._of_topic[topic]
