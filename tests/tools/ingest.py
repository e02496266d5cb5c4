"""What the tests of decoding and building share: devices, a scripted wire format, and a plain model of the store.

The scripted format stands where a vendor's decoder would: a payload is a number, and the script says what it decodes
to, so that answers which JSON cannot carry (NaN, a fault of the decoder) can be sent as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from devices.decoding import Binding, Decode, Decoded, Format
from devices.device import Device
from ingest.batch_builder import BatchBuilder
from ingest.batch_times import Limits
from ingest.build_batch import BuiltBatch
from ingest.memory import Memory
from ingest.options import BrokerOptions, CollectorOptions
from ingest.pending_batch import PendingBatch
from ingest.routes import Routes
from ingest.series_cache import NewSeries, SeriesCache
from ingest.source import Chunk
from ingest.subscriptions import Subscription
from ingest.suppressions import NO_SERIES, Suppressions
from store.batch import Batch, Counts, SeriesState

#: 2026-02-01T00:00:00Z [us]: when the tests take place.
NOW = 1_769_904_000_000_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HALF_HOUR = 30 * MINUTE
EARLIEST = 946_684_800_000_000
LIMITS = Limits(earliest=EARLIEST, ahead=300 * SECOND)

QOS0, QOS1, RETAINED, DUPLICATE = 0x30, 0x32, 0x31, 0x3A

DEVICES = (
    Device("m1", "smart-meter", "native", personal=True),
    Device("g1", "smart-meter", "thrifty", personal=True),
    Device("b1", "parking-bay", "native"),
    Device("a1", "air-monitor", "native"),
)
#: Keep rules of the model ``thrifty`` [s]: registers by the half-hour, power shown and not stored.
KEEP = {"thrifty": {"import_register": 1800.0, "export_register": 60.0, "power": float("inf")}}


class Message(NamedTuple):
    """One message as the broker delivers it. ``answer`` is what its payload decodes to, or an exception to raise."""

    device: str
    family: str
    answer: Any
    packet_id: int = 0
    flags: int = QOS0
    payload: bytes | None = None


class Collecting:
    """A collector's way from chunk to batch, the real one, and the model of a store."""

    def __init__(
        self,
        devices: Iterable[Device] = DEVICES,
        *,
        payload_maximum: int = 1024 * 1024,
        suppressions: Suppressions | None = None,
    ) -> None:
        self.script: dict[bytes, Any] = {}
        options = CollectorOptions(
            "",
            BrokerOptions(),
            [Subscription("test/{family}/{device}", "scripted")],
            payload_maximum=payload_maximum,
            earliest=LIMITS.earliest,
            ahead=LIMITS.ahead / SECOND,
            keep=KEEP,
            formats={"scripted": Format("scripted", ("test/{family}/{device}",), self._bind)},
        )
        self.builder = BatchBuilder(
            options, Suppressions(None) if suppressions is None else suppressions, self._states, name="test"
        )
        self.routes.update(devices)
        self.store = Store()
        #: what was built last
        self.built: BuiltBatch
        #: (generation of the connection, packet id) of every acknowledgement, and the marks to watch by generation
        self.acknowledged: list[tuple[int, int]] = []
        self.marks: dict[int, list[int]] = {}
        #: what the store remembers of redeliveries: packet id -> (digest, arrival, rejected)
        self.remembered: dict[int, tuple[bytes, int, bool]] = {}

    @property
    def pending(self) -> PendingBatch:
        """What was received and is not built."""
        return self.builder.pending

    @property
    def routes(self) -> Routes:
        """Routes by topic."""
        return self.builder.routes

    @property
    def series_cache(self) -> SeriesCache:
        """What is known of each series."""
        return self.builder.series_cache

    @property
    def memory(self) -> Memory:
        """What packet ids stand for."""
        return self.builder.memory

    def _states(self, new: Sequence[NewSeries]) -> list[SeriesState]:
        nothing = SeriesState(NO_SERIES, None, float("nan"))
        return [nothing if item.erased_device else self.store.state(item) for item in new]

    def _bind(self, _binding: Binding) -> Decode:
        def decode(payload: bytes) -> Decoded:
            answer = self.script[payload]
            if isinstance(answer, BaseException):
                raise answer
            time, values, sequence = answer
            return time, dict(values) if isinstance(values, Mapping) else list(values), sequence

        return decode

    def payload(self, answer: Any) -> bytes:
        """The bytes that decode to ``answer`` from now on."""
        payload = str(len(self.script)).encode()
        self.script[payload] = answer
        return payload

    def receive(self, messages: Sequence[Message], *, arrival: int = NOW, generation: int = 1) -> None:
        """Receive one chunk."""
        payloads = [item.payload if item.payload is not None else self.payload(item.answer) for item in messages]
        topics = [f"test/{item.family}/{item.device}" for item in messages]
        chunk = Chunk(
            generation,
            arrival,
            sum(map(len, payloads)) + sum(map(len, topics)),
            topics,
            payloads,
            [item.packet_id for item in messages],
            [item.flags for item in messages],
        )
        self.builder.receive(chunk)

    def build(self, *, now: int = NOW) -> Batch:
        """Build a batch of what was received."""
        self.built = self.builder.build(now)
        assert_told(self.built.batch)
        return self.built.batch

    def commit(self, *, now: int = NOW) -> tuple[Batch, dict[str, Counts]]:
        """Build a batch of what was received, let the store take it and acknowledge it."""
        pending = self.pending
        batch = self.build(now=now)
        counts = self.store.write(batch)
        for generation, packet_ids in pending.acknowledgements():
            self.acknowledged += [(generation, packet_id) for packet_id in packet_ids]
            self.marks.setdefault(generation, []).extend(self.memory.acknowledge(generation, packet_ids))
        return batch, counts

    def confirm(self, generation: int = 1) -> None:
        """The broker has read every acknowledgement so far of a connection."""
        forgotten = [self.memory.confirm(mark) for mark in self.marks.pop(generation, [])]
        self.pending.forget.extend(packet_id for packet_id in forgotten if packet_id is not None)


def assert_told(batch: Batch) -> None:
    """A batch has a reason for each message and reading that it counts as rejected, family by family."""
    told: dict[str, int] = {}
    for (family, _), count in batch.rejections.items():
        told[family] = told.get(family, 0) + count
    counted = {name: found.messages_rejected + found.readings_rejected for name, found in batch.counts.items()}
    assert told == {name: count for name, count in counted.items() if count}


class Store:
    """What the store does with a batch by its contract (`store.batch`), as dictionaries."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[str, str], int] = {}
        self.rows: dict[tuple[int, int], float] = {}
        self.latest: dict[int, tuple[int, float]] = {}
        self.conflicts: list[Any] = []

    def state(self, item: NewSeries) -> SeriesState:
        """The state of a new series. Ids fall while indexes rise, so that one is never taken for the other."""
        number = self.numbers.setdefault((item.device.id, item.property), 1000 - len(self.numbers))
        time, value = self.latest.get(number, (None, 0.0))
        return SeriesState(number, time, value)

    def write(self, batch: Batch) -> dict[str, Counts]:
        """Take a batch; returns the complete account."""
        counts = {family: _copy(account) for family, account in batch.counts.items()}
        found: list[int] = []
        for row in range(len(batch.series)):
            series, time, value = int(batch.series[row]), int(batch.time[row]), float(batch.value[row])
            account = counts[batch.families[int(batch.family[row])]]
            stored, thin = self.rows.get((series, time)), int(batch.thin[row])
            if stored is not None and stored == value:
                account.readings_duplicates += 1
            elif stored is not None and not thin:
                account.readings_rejected += 1
                found.append(row)
            elif thin and any(key[0] == series and key[1] // thin == time // thin for key in self.rows):
                account.readings_thinned += 1
            else:
                account.readings_stored += 1
                self.rows[series, time] = value
        self.conflicts.extend(batch.conflicts(found))
        for series, time, value in zip(
            batch.latest_series.tolist(), batch.latest_time.tolist(), batch.latest_value.tolist(), strict=True
        ):
            if series not in self.latest or time > self.latest[series][0]:
                self.latest[series] = (time, value)
        return counts

    def named(self, rows: Mapping[tuple[int, int], float]) -> dict[tuple[str, str, int], float]:
        """Rows with device and property in place of the series."""
        names = {number: name for name, number in self.numbers.items()}
        return {(*names[series], time): value for (series, time), value in rows.items()}


def _copy(counts: Counts) -> Counts:
    total = Counts()
    total.add(counts)
    return total


def total(accounts: Iterable[Mapping[str, Counts]]) -> dict[str, Counts]:
    """The sum of several accounts, by family."""
    result: dict[str, Counts] = {}
    for account in accounts:
        for family, counts in account.items():
            result.setdefault(family, Counts()).add(counts)
    return result


def text(time: int) -> str:
    """An instant [us] as a device writes it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    return moment.isoformat().replace("+00:00", "Z")
