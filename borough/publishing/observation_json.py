"""An Observation as its messages at the broker: topics and JSON of SensorThings 1.1 and 2.0.

Each goes to the set of all Observations and to that of its Datastream. What 1.1 says is the whole Observation with its
links; 2.0 leaves out what a client can work out for itself (its `metadata=none`), and says in a user property whether
the Observation is new or has changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.sensorthings.addresses import root_of
from dashboard.sensorthings.forms import Writer, dumps
from simulators.publisher import Marked, Message
from store import sta_entities
from store.observation_queue import Queued
from store.sta_entities import Version
from store.times import instant


class Observations:
    """Observations of one version; ``site`` is the site's public address."""

    def __init__(self, version: Version, site: str) -> None:
        self._version = version
        entity = sta_entities.model(version).entities["Observation"]
        self._writer = Writer(version, root_of(site, version), entity, None, annotations=version == "1.1")

    def messages(self, item: Queued) -> Iterator[Message | Marked]:
        """The messages of an open reading."""
        time = instant(item.time)
        period = (time, None if item.stop is None else instant(item.stop))
        columns = {"phenomenonTime": period, "result": (item.value,), "resultTime": period}
        row = [item.series, time, *(value for name in self._writer.wanted for value in columns[name])]
        payload = dumps(self._writer.write(row))
        for path in ("Observations", f"Datastreams({item.series})/Observations"):
            topic = f"v{self._version}/{path}"
            if self._version == "1.1":
                yield topic, payload
            else:
                yield topic, payload, {"type": "update" if item.changed else "create"}
