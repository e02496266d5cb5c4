"""Recordings as a source of a replay: the bytes as they were, or their readings once more as native messages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from borough.replay.messages import Outgoing, Reading, instants
from borough.replay.recording import Recorded, RecordingError, RecordingReader
from borough.replay.row_reader import DEVICES
from devices.decoders import FORMATS
from devices.decoding import PACK, STATUS, Decoded, Flaw, Reason, Rejection, Relative, Twice
from devices.device import Device
from devices.families import UNKNOWN
from devices.models import LATEST_ONLY, model_of
from ingest.instants import BAD, both, instant, nearest
from ingest.routes import Route, Routes
from ingest.subscriptions import Subscription

_SECOND = 1_000_000
_NUMBERS = (bool, int, float)


class RecordingSource:
    """The messages of recordings, file after file, with what the collector should read in each.

    ``subscriptions`` and ``devices`` are the collector's; a device that is not registered counts as registered by
    itself where ``auto_register`` (the ledger is then written for a collector that does so), and nothing is read in a
    payload above ``payload_maximum`` [bytes]. Retained messages were
    old when they were recorded: they are left out and counted in ``retained``. ``lost`` [bytes] is what a crash of the
    recorder left unreadable. Raises RecordingError, OSError.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        subscriptions: Sequence[Subscription],
        devices: Iterable[Device],
        *,
        auto_register: bool,
        keep: Mapping[str, Mapping[str, float]],
        payload_maximum: int = 1024 * 1024,
    ) -> None:
        self._readers = [RecordingReader(path) for path in paths]
        self._routes = Routes(subscriptions, FORMATS, keep=keep, auto_register="real" if auto_register else None)
        self._routes.update(devices)
        self._keep = keep
        self._payload_maximum = payload_maximum
        self._kept: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], Reading] = {}
        self.retained = 0

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(reader.size for reader in self._readers)

    @property
    def read(self) -> int:
        """Bytes read so far."""
        return sum(reader.position for reader in self._readers)

    @property
    def lost(self) -> int:
        """Bytes after the last whole block of each file, known at the end."""
        return sum(reader.lost for reader in self._readers)

    def messages(self) -> Iterator[Recorded]:
        """The messages without the retained ones, in the order in which they arrived."""
        for reader in self._readers:
            for message in reader:
                if message.retained:
                    self.retained += 1
                else:
                    yield message

    def as_recorded(self, messages: Iterable[Recorded]) -> Iterator[Outgoing]:
        """The very bytes to the very topics."""
        for message in messages:
            route = self._route(message)
            readings = self._readings(route, message, None)
            # looked at now: reading a message may have registered its device
            if (device := route.device) is not None:
                readings = [self._thinned(device.model, reading) for reading in readings]
            yield Outgoing(message.arrival, message.topic, message.payload, readings)

    def as_native(self, messages: Iterable[Recorded], shift: int) -> Iterator[Outgoing]:
        """What can be read in them, as native messages with times of their own, ``shift`` [us] later.

        A message without a time gets its arrival; what the collector would reject is left out.
        """
        text_of = instants()
        for message in messages:
            groups: dict[tuple[str, str, int], dict[str, float]] = {}
            for reading in self._readings(self._route(message), message, message.arrival):
                if not reading.verdict:
                    time = (message.arrival if reading.time is None else reading.time) + shift
                    groups.setdefault((reading.family, reading.device, time), {})[reading.property] = reading.value
            for (family, device, time), values in groups.items():
                yield Outgoing(
                    message.arrival + shift,
                    f"borough/{family}/{device}/reading",
                    orjson.dumps({"time": text_of(time), **values}),
                    [Reading(device, family, name, time, value) for name, value in values.items()],
                )

    # -- what is in a message ----------------------------------------------------------------------------------------

    def _route(self, message: Recorded) -> Route:
        route = self._routes.by_topic.get(message.topic) or self._routes.find(message.topic)
        if len(self._routes.new_devices) > DEVICES:
            raise RecordingError(f"these recordings name more than {DEVICES} devices; replay them in parts")
        return route

    def _readings(self, route: Route, message: Recorded, arrival: int | None) -> list[Reading]:
        """What is in a message that arrives at ``arrival`` [us]; None: now, long after it was recorded."""
        device = route.device_id or ""

        def family() -> str:
            # asked after the decoder, which may have registered the device
            return route.device.family if route.device else UNKNOWN

        if len(message.payload) > self._payload_maximum:
            return [Reading(device, family(), "", None, math.nan, Reason.OVERSIZE)]
        try:
            decoded = route.decode(message.payload)
        except Rejection as error:
            return [Reading(device, family(), "", None, math.nan, error.reason)]
        if decoded is STATUS:
            return [Reading(device, family(), "", None, math.nan, "ignored")]
        return [self._judged(route, family(), name, time, value, arrival) for name, time, value in _pairs(decoded)]

    def _judged(self, route: Route, family: str, name: str, time: Any, value: Any, arrival: int | None) -> Reading:
        device = route.device_id or ""
        moment: int | None = None
        verdict = ""
        if time is not None and not isinstance(time, Relative):
            moment = instant(time)
            if isinstance(time, Twice):
                moment = both(time)[1] if arrival is None else nearest(time, arrival)
            if moment == BAD:
                moment, verdict = None, Reason.BAD_TIME
        if not verdict:
            if isinstance(value, Flaw):
                verdict = value.reason
            elif name not in route.properties:
                verdict = Reason.UNKNOWN_PROPERTY
            elif type(value) not in _NUMBERS:
                verdict = Reason.BAD_VALUE
        return Reading(device, family, name, moment, math.nan if verdict else float(value), verdict)

    def _thinned(self, model: str, reading: Reading) -> Reading:
        """The reading, with the verdict ``thinned`` where the model's keep rule does not store it."""
        if reading.verdict or reading.time is None:
            return reading
        period = {**model_of(model).keep, **self._keep.get(model, {})}.get(reading.property, 0)
        if not period:
            return reading
        key = (reading.device, reading.property)
        last = self._last.get(key)
        if last is not None and (last.time, last.value) == (reading.time, reading.value):
            return last  # what becomes of a repeat became of its original
        turn = 0 if period == LATEST_ONLY else reading.time // round(period * _SECOND)
        if period == LATEST_ONLY or self._kept.get(key, turn - 1) >= turn:
            reading = reading._replace(verdict="thinned")
        else:
            self._kept[key] = turn
        self._last[key] = reading
        return reading


def _pairs(decoded: Decoded) -> Iterator[tuple[str, Any, Any]]:
    time, values, _ = decoded
    if time is PACK:
        yield from values
    else:
        for name, value in values.items():
            yield name, time, value
