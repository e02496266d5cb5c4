"""Text of columns: times and numbers as JSON writes them, and the rows of each message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from devices.families import FAMILIES
from simulators.stream import Int64, Stream

#: Topic and payload by message number; None for a number that no row has.
Encoded = list[tuple[str, bytes] | None]

SECOND = 1_000_000


def times(column: Int64) -> list[str]:
    """RFC 3339 in UTC, with a fraction only where there is one: ``2026-02-01T00:30:00Z``."""
    if not len(column):
        return []
    distinct, places = np.unique(column, return_inverse=True)
    whole = distinct % SECOND == 0
    text = np.datetime_as_string(distinct.astype("datetime64[us]"), unit="us").tolist()
    said = [f"{item[:19]}Z" if plain else f"{item}Z" for item, plain in zip(text, whole.tolist(), strict=True)]
    return [said[place] for place in places.tolist()]


def numbers(stream: Stream) -> list[str]:
    """The values as JSON: a state is true or false, a whole number has no point, what is no number is null."""
    known = FAMILIES[stream.family].properties
    states = [number for number, name in enumerate(stream.properties) if known[name].kind == "state"]
    text = [number(value) for value in stream.value.tolist()]
    if states:
        rows = np.flatnonzero(np.isin(stream.property, states) & ((stream.value == 0) | (stream.value == 1)))
        for row in rows.tolist():
            text[row] = "true" if text[row] == "1" else "false"
    return text


def number(value: float) -> str:
    """A number as JSON, from which the same float64 is read; null for what is no number."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    return "null" if text in ("nan", "inf", "-inf") else text


def starts(message: Int64) -> Int64:
    """The first row of each message, and the number of rows. Rows of a message are neighbours."""
    if not len(message):
        return np.zeros(1, np.int64)
    begins: NDArray[np.int64] = np.flatnonzero(np.concatenate(([True], message[1:] != message[:-1])))
    return np.append(begins, len(message)).astype(np.int64)


def messages(stream: Stream) -> Iterator[tuple[int, int, int]]:
    """(message, first row, row after the last) of each message that an encoder makes."""
    edges = starts(stream.message)
    firsts, spoiled = edges[:-1], stream.spoiled
    for message, first, end in zip(stream.message[firsts].tolist(), firsts.tolist(), edges[1:].tolist(), strict=True):
        if message not in spoiled:
            yield message, first, end


def room(stream: Stream) -> Encoded:
    """A place for every message."""
    return [None] * (int(stream.message.max(initial=-1)) + 1)


def topics(stream: Stream, pattern: str) -> list[str]:
    """The topic of each device: ``pattern`` with {device} and {family}."""
    return [pattern.format(device=device.id, family=stream.family) for device in stream.devices]


def spoil(stream: Stream, encoded: Encoded, topic: Sequence[str]) -> Encoded:
    """Put the bytes in that no encoder makes, under the topics of their devices."""
    if stream.spoiled:
        edges = starts(stream.message)[:-1]
        device = dict(zip(stream.message[edges].tolist(), stream.device[edges].tolist(), strict=True))
        for message, payload in stream.spoiled.items():
            encoded[message] = (topic[device[message]], payload)
    return encoded
