"""What a replay sends: messages in our native formats, and the readings in each, for the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import orjson

from borough.replay.observation import Observation

Encoding = Literal["native", "senml"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_REMEMBERED = 50_000
#: Readings that wait in packs of all devices together; beyond it all packs are sent as they are.
_WAITING = 200_000


class Reading(NamedTuple):
    """One reading as it is sent: ``device`` is an id; ``time`` [us] is None where the message has none of its own.

    ``value`` is in the property's unit. ``verdict``: what the source knows of its fate already (a reason of
    `devices.decoding.Reason`, ``thinned`` or ``ignored``), else empty.
    """

    device: str
    family: str
    property: str
    time: int | None
    value: float
    verdict: str = ""


class Outgoing(NamedTuple):
    """One message: ``due`` [us] on the recording's own (shifted) clock, topic, bytes, and its readings."""

    due: int
    topic: str
    payload: bytes
    readings: Sequence[Reading]


def encode(
    observations: Iterable[Observation],
    devices: Sequence[str],
    family: str,
    encoding: Encoding,
    *,
    pack: int,
    shift: int,
) -> Iterator[Outgoing]:
    """Messages of observations that come in the order of time; each device's keep that order.

    ``devices`` may grow while the observations are read. ``pack``: readings in a SenML message, at most (but never
    half an observation); packs that are not full go at the end, or where very many readings wait. ``shift`` [us] is
    added to every time.
    """
    if encoding == "native":
        return _native(observations, devices, family, shift)
    return _senml(observations, devices, family, max(pack, 1), shift)


def _native(observations: Iterable[Observation], devices: Sequence[str], family: str, shift: int) -> Iterator[Outgoing]:
    text_of = instants()
    topics: dict[int, str] = {}
    dumps = orjson.dumps
    for recorded, number, values in observations:
        time = recorded + shift
        device = devices[number]
        topic = topics.get(number)
        if topic is None:
            topic = topics[number] = f"borough/{family}/{device}/reading"
        payload = dumps({"time": text_of(time), **values})
        readings = [Reading(device, family, name, time, value) for name, value in values.items()]
        yield Outgoing(time, topic, payload, readings)


def _senml(
    observations: Iterable[Observation], devices: Sequence[str], family: str, pack: int, shift: int
) -> Iterator[Outgoing]:
    waiting: dict[int, list[tuple[int, str, float]]] = {}
    count = 0
    for recorded, number, values in observations:
        time = recorded + shift
        held = waiting.setdefault(number, [])
        if held and len(held) + len(values) > pack:
            yield _packed(devices[number], family, held)
            count -= len(held)
            held = waiting[number] = []
        held.extend([(time, name, value) for name, value in values.items()])
        count += len(values)
        if count >= _WAITING:
            yield from _all_packed(waiting, devices, family)
            waiting.clear()
            count = 0
    yield from _all_packed(waiting, devices, family)


def _all_packed(
    waiting: Mapping[int, list[tuple[int, str, float]]], devices: Sequence[str], family: str
) -> Iterator[Outgoing]:
    for number, held in sorted(waiting.items(), key=lambda item: (item[1][-1][0], item[0])):
        yield _packed(devices[number], family, held)


def _packed(device: str, family: str, held: list[tuple[int, str, float]]) -> Outgoing:
    """One pack: base name and time, then one record a reading, in the property's unit."""
    first = held[0][0]
    records: list[dict[str, object]] = [{"bn": f"{device}:", "bt": _seconds(first)}]
    records += [
        {"n": name, "t": _seconds(time - first), "v": value} if time != first else {"n": name, "v": value}
        for time, name, value in held
    ]
    records[1] = {**records[0], **records[1]}
    readings = [Reading(device, family, name, time, value) for time, name, value in held]
    return Outgoing(held[-1][0], f"borough/{family}/{device}/senml", orjson.dumps(records[1:]), readings)


def _seconds(time: int) -> int | float:
    return time // _SECOND if time % _SECOND == 0 else time / _SECOND


def instants() -> Callable[[int], str]:
    """A function from an instant [us] to RFC 3339 text; it remembers, for the devices of one place share times."""
    known: dict[int, str] = {}

    def text_of(time: int) -> str:
        text = known.get(time)
        if text is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            text = known[time] = rfc3339(time)
        return text

    return text_of


def rfc3339(time: int) -> str:
    """An instant [us since the Unix epoch] as ``2026-02-01T00:30:00Z``."""
    return (_EPOCH + timedelta(microseconds=time)).replace(tzinfo=None).isoformat() + "Z"
