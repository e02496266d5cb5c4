"""A collector without its broker: messages go to the builder as a source gives them, and its batches to the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.device import Device
from ingest.batch_writer import BatchWriter
from ingest.metrics import Metrics
from ingest.options import BrokerOptions, CollectorOptions
from ingest.source import Chunk
from ingest.subscriptions import Subscription
from store import registry
from store.batch import COUNT_NAMES, Counts
from store.connect import connect
from tests.tools.batches import DAY, HALF_HOUR, T0, query
from tests.tools.load import rfc3339

QOS1, AGAIN, RETAINED = 0x32, 0x3A, 0x33
#: 2026-03-01T00:00:00Z [us], when the first message arrives.
ARRIVAL = T0 + 28 * 86_400_000_000

SUBSCRIPTIONS = (
    Subscription("estimates/{device}", "native"),
    Subscription("settled/{device}", "native", restates=True),
    Subscription("revised/{device}", "native", restates=True),
    Subscription("packs/{device}", "senml-json", restates=True),
)
DEVICES = (
    Device("m1", "smart-meter", "native", personal=True),
    Device("s1", "smart-meter", "native", personal=True, origin="simulated"),
    Device("g1", "smart-meter", "thrifty", personal=True),
    Device("b1", "parking-bay", "native"),
)
KEEP = {"thrifty": {"import_register": 1800.0, "power": float("inf")}}


KEYS = [("m1", T0), ("m1", T0 + HALF_HOUR), ("m1", T0 + 9 * DAY), ("s1", T0)]
VALUES = [0.044, 0.44, 0.0]
SOURCES = ["estimates", "settled", "revised"]
#: What happens to a collector: messages, some of them again, commits and restarts.
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("new"), st.sampled_from(SOURCES), st.sampled_from(KEYS), st.sampled_from(VALUES)),
        st.tuples(st.just("new"), st.sampled_from(SOURCES), st.just(KEYS[0]), st.sampled_from(VALUES)),
        st.tuples(st.just("again"), st.integers(0, 30)),
        st.just(("commit",)),
        st.just(("restart",)),
    ),
    max_size=30,
)


def options(url: str, archive: Path | None = None) -> CollectorOptions:
    """A collector of the three sources, one without the right to restate."""
    return CollectorOptions(url, BrokerOptions(), SUBSCRIPTIONS, keep=KEEP, formats=FORMATS, archive=archive)


class Restated:
    """One collector and its database. ``total``: the account of what it committed; ``arrival`` [us] of the newest."""

    def __init__(self, url: str, archive: Path | None = None, devices: Sequence[Device] = DEVICES) -> None:
        self.url = url
        self.options = options(url, archive)
        self.total = Counts()
        self._generation = 0
        self.arrival = ARRIVAL
        self._number = 0
        self._sent: dict[int, tuple[str, bytes]] = {}
        with connect(url) as connection:
            registry.upsert(connection, devices)
        self.start()

    def start(self) -> None:
        """A new process."""
        self._writer = BatchWriter(self.options, "c1", Metrics())
        builder = self._writer.builder
        builder.memory.entries.update(self._writer.load_memory())
        with connect(self.url) as connection:
            builder.routes.update(registry.load(connection)[0])
        self._generation += 1

    def restart(self) -> None:
        """What was received and is not committed is lost."""
        self._writer.close()
        self.start()

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()

    def send(self, source: str, time: int, device: str = "m1", flags: int = QOS1, **values: float) -> int:
        """A message of readings at ``time`` [us]; its number, by which it can come again."""
        return self.send_json(source, {"time": rfc3339(time), **values}, device, flags)

    def send_json(self, source: str, content: Mapping[str, Any] | list[Any], device: str, flags: int = QOS1) -> int:
        """A message of any content."""
        self._number += 1
        self._sent[self._number] = (f"{source}/{device}", json.dumps(content).encode())
        self._deliver(self._number, flags)
        return self._number

    def again(self, number: int) -> None:
        """The broker delivers a message once more, on a new connection."""
        self._generation += 1
        self._deliver(number, AGAIN)

    def _deliver(self, number: int, flags: int) -> None:
        topic, payload = self._sent[number]
        self.arrival += 1_000_000
        chunk = Chunk(self._generation, self.arrival, len(payload), [topic], [payload], [number], [flags])
        self._writer.builder.receive(chunk)

    def commit(self) -> Counts:
        """Write what was received as one batch; its account over all families."""
        outcome = self._writer.write(self._writer.builder.take(), 30.0)
        self._writer.built = None
        found = Counts()
        for counts in outcome.counts.values():
            found.add(counts)
        assert found.adds_up()
        self.total.add(found)
        return found

    def values(self, property_name: str = "import_interval") -> dict[tuple[str, int], float]:
        """What is stored of a property, by device and time [us]."""
        return {
            (device, time): value
            for device, time, value in query(
                self.url,
                "select s.device_id, (extract(epoch from r.time) * 1000000)::int8, r.value from reading r"
                f" join personal.series s on s.id = r.series_id where s.property = '{property_name}'",
            )
        }

    def superseded(self) -> list[tuple[tuple[str, int], float, float, str]]:
        """What was restated, in the order of arrival: device and time, old value, new value, source."""
        rows = query(
            self.url,
            "select s.device_id, (extract(epoch from c.time) * 1000000)::int8, c.old_value, c.new_value, c.source"
            " from superseded c join personal.series s on s.id = c.series_id"
            " where c.correction_id is null order by c.arrival",
        )
        return [((device, time), old, new, source) for device, time, old, new, source in rows]


def fates(counts: Counts) -> dict[str, int]:
    """The words of an account that are not nought, readings only."""
    words = [name for name in COUNT_NAMES if name.startswith("readings_")]
    return {
        name.removeprefix("readings_"): getattr(counts, name)
        for name in words
        if getattr(counts, name) and name != "readings_decoded"
    }


def latest(url: str, property_name: str = "import_interval") -> list[float]:
    return [
        row[0]
        for row in query(
            url,
            "select l.value from latest l join personal.series s on s.id = l.series_id"
            f" where s.property = '{property_name}' and s.device_id <> 's1' order by s.device_id",
        )
    ]
