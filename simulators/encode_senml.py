"""SenML packs (RFC 8428), JSON and CBOR.

The first record carries the base name and base time, whole seconds; the others are told from it. Units go with every
record, so that a device that changes its unit says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import numpy as np
import orjson

from devices.families import FAMILIES
from devices.units import SENML
from simulators.columns import SECOND, Encoded, messages, room, spoil, topics
from simulators.stream import Stream

#: UCUM code -> SenML unit. What has no SenML unit of its own goes without one: it is the property's then.
_UNITS = {
    ucum: senml for senml, ucum in reversed(list(SENML.items())) if senml not in ("%RH", "%EL", "/", "count", "/100")
}
_JSON = ("bn", "bt", "n", "u", "v", "vb", "t")
_CBOR: tuple[int, ...] = (-2, -3, 0, 1, 2, 4, 6)


def encode_json(stream: Stream) -> Encoded:
    """Packs in JSON on ``borough/<family>/<device>/senml``. What is no number is null there."""
    return _encode(stream, "borough/{family}/{device}/senml", _JSON, orjson.dumps)


def encode_cbor(stream: Stream) -> Encoded:
    """Packs in CBOR on ``borough/<family>/<device>/senmlc``."""
    return _encode(stream, "borough/{family}/{device}/senmlc", _CBOR, cbor2.dumps)


def _encode(stream: Stream, pattern: str, labels: tuple[Any, ...], dumps: Callable[[Any], bytes]) -> Encoded:
    bn, bt, n, u, v, vb, t = labels
    topic = topics(stream, pattern)
    encoded = room(stream)
    known = FAMILIES[stream.family].properties
    states = [known[name].kind == "state" for name in stream.properties]
    plain = [_UNITS.get(known[name].unit) for name in stream.properties]
    unit = np.zeros(len(stream.message), np.uint8) if stream.unit is None else stream.unit
    said = [_UNITS.get(name) for name in stream.units]
    prop, value, time, units = stream.property.tolist(), stream.value.tolist(), stream.time.tolist(), unit.tolist()
    device = stream.device.tolist()
    for message, first, end in messages(stream):
        base = time[first] // SECOND
        records = []
        for row in range(first, end):
            number, item = prop[row], value[row]
            record: dict[Any, Any] = {}
            if row == first:
                record[bn] = f"urn:dev:ops:{stream.devices[device[row]].id}:"
                record[bt] = base
            record[n] = stream.properties[number]
            name = said[units[row]] if units[row] else plain[number]
            if name is not None:
                record[u] = name
            if states[number] and item in (0, 1):
                record[vb] = bool(item)
            else:
                record[v] = int(item) if item.is_integer() else item
            offset = time[row] - base * SECOND
            if offset:
                record[t] = offset // SECOND if offset % SECOND == 0 else offset / SECOND
            records.append(record)
        encoded[message] = (topic[device[first]], dumps(records))
    return spoil(stream, encoded, topic)
