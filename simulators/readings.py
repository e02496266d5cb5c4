"""Signals put together, cut to a span, split into pieces and numbered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from simulators.stream import Signals

#: Readings in one piece at most, unless one instant has more: bounds the memory of whatever comes next.
PIECE = 1_000_000


def pack(
    family: str,
    devices: Sequence[Device],
    properties: Sequence[str],
    device: NDArray[np.integer],
    prop: NDArray[np.integer],
    time: NDArray[np.int64],
    value: NDArray[np.float64],
) -> Signals:
    """Sort readings by (time, device, property); those of one device and instant are one message."""
    order = np.lexsort((prop, device, time))
    index, time = device[order].astype(np.int32), time[order]
    return Signals(
        family=family,
        devices=devices,
        properties=properties,
        device=index,
        property=prop[order].astype(np.uint8),
        time=time,
        value=value[order],
        message=_messages(index, time),
    )


def cut(signals: Signals, start_us: int, end_us: int) -> Signals:
    """The readings in [start, end); views, not copies."""
    first, last = np.searchsorted(signals.time, (start_us, end_us)).tolist()
    return _slice(signals, first, last)


def pieces(signals: Signals, limit: int = PIECE) -> Iterator[Signals]:
    """At most ``limit`` readings each, cut between instants; an instant with more stays whole. None where empty."""
    first, total = 0, len(signals.time)
    while first < total:
        last = total
        if total - first > limit:
            time = signals.time[first + limit]
            last = int(np.searchsorted(signals.time, time))
            if last <= first:
                last = int(np.searchsorted(signals.time, time, side="right"))
        yield _slice(signals, first, last)
        first = last


def numbered(chunks: Iterable[Signals]) -> Iterator[Signals]:
    """Let message numbers run on from chunk to chunk, from 0."""
    base = 0
    for chunk in chunks:
        if len(chunk.message) == 0:
            continue
        chunk.message = chunk.message - (chunk.message[0] - base)
        base = int(chunk.message[-1]) + 1
        yield chunk


def _messages(device: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(time) == 0:
        return np.empty(0, np.int64)
    fresh = np.ones(len(time), np.int64)
    fresh[0] = 0
    fresh[1:] = (time[1:] != time[:-1]) | (device[1:] != device[:-1])
    return np.cumsum(fresh)


def _slice(signals: Signals, first: int, last: int) -> Signals:
    return Signals(
        signals.family,
        signals.devices,
        signals.properties,
        signals.device[first:last],
        signals.property[first:last],
        signals.time[first:last],
        signals.value[first:last],
        signals.message[first:last],
    )
