"""Our own JSON: ``{"time":"2026-02-01T00:30:00Z","seq":17,"import_interval":0.213}``."""

from __future__ import annotations

import numpy as np

from simulators.columns import Encoded, numbers, room, spoil, starts, times, topics
from simulators.stream import Stream


def encode(stream: Stream) -> Encoded:
    """One message each; the device's message number goes as ``seq``."""
    topic = topics(stream, "borough/{family}/{device}/reading")
    encoded = room(stream)
    if not len(stream.message):
        return encoded
    edges = starts(stream.message)
    firsts = edges[:-1]
    key = [f'"{name}":' for name in stream.properties]
    pairs = [key[prop] + text for prop, text in zip(stream.property.tolist(), numbers(stream), strict=True)]
    if len(firsts) == len(pairs):  # one reading a message: nothing to join
        bodies = pairs
    else:
        bodies = [",".join(pairs[first:end]) for first, end in zip(firsts.tolist(), edges[1:].tolist(), strict=True)]
    own = stream.number if stream.number is not None else np.zeros(len(stream.message), np.int64)
    columns = zip(
        stream.message[firsts].tolist(),
        stream.device[firsts].tolist(),
        times(stream.time[firsts]),
        own[firsts].tolist(),
        bodies,
        strict=True,
    )
    if stream.number is None:
        for message, device, time, _, body in columns:
            encoded[message] = (topic[device], f'{{"time":"{time}",{body}}}'.encode())
    else:
        for message, device, time, seq, body in columns:
            encoded[message] = (topic[device], f'{{"time":"{time}","seq":{seq},{body}}}'.encode())
    return spoil(stream, encoded, topic)
