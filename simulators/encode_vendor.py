"""Displays, monitors and bridges as their makers let them speak: Glow, AirGradient, Zigbee2MQTT.

Keys that carry no reading of ours are there too, with plain values: a decoder meets what it will meet. A display's
sums of day, week and month are not simulated and stay at 0, identifiers of households are "not available".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from simulators.columns import Encoded, messages, room, spoil, times, topics
from simulators.stream import Stream

_GAS = frozenset(("gas_register", "gas_volume_register"))
#: UCUM code -> what a display writes.
_UNITS = {"W.h": "Wh", "": "kWh"}

_AIRGRADIENT = {
    "co2": "rco2", "pm1": "pm01", "pm2_5": "pm02", "pm10": "pm10", "temperature": "atmp", "humidity": "rhum",
    "tvoc_index": "tvocIndex", "nox_index": "noxIndex",
}  # fmt: skip


def glow(stream: Stream) -> Encoded:
    """Hildebrand Glow: electricity and gas on topics of their own, each with the time of its meter."""
    electricity = topics(stream, "glow/{device}/SENSOR/electricitymeter")
    gas = topics(stream, "glow/{device}/SENSOR/gasmeter")
    encoded = room(stream)
    said = times(stream.time)
    for message, first, end in messages(stream):
        values = _values(stream, first, end)
        unit = "kWh" if stream.unit is None else _UNITS[stream.units[int(stream.unit[first:end].max())]]
        device = int(stream.device[first])
        if _GAS.isdisjoint(values):
            document = {"electricitymeter": _electricity(said[first], values, unit)}
            encoded[message] = (electricity[device], orjson.dumps(document))
        else:
            encoded[message] = (gas[device], orjson.dumps({"gasmeter": _gas(said[first], values, unit)}))
    return spoil(stream, encoded, electricity)


def _electricity(time: str, values: Mapping[str, float], unit: str) -> dict[str, Any]:
    imported: dict[str, Any] = {}
    if "import_register" in values:
        imported["cumulative"] = values["import_register"]
    imported |= {"day": 0.0, "week": 0.0, "month": 0.0, "units": unit, "mpan": "not available", "supplier": "---"}
    imported["price"] = {"unitrate": 0.27, "standingcharge": 0.53}
    document: dict[str, Any] = {
        "timestamp": time,
        "energy": {"export": {"cumulative": values.get("export_register", 0.0), "units": unit}, "import": imported},
    }
    if "power" in values:
        document["power"] = {"value": round(values["power"] * 0.001, 3), "units": "kW"}
    return document


def _gas(time: str, values: Mapping[str, float], unit: str) -> dict[str, Any]:
    imported: dict[str, Any] = {}
    if "gas_register" in values:
        imported["cumulative"] = values["gas_register"]
    imported |= {"day": 0.0, "week": 0.0, "month": 0.0, "units": unit}
    if "gas_volume_register" in values:
        imported |= {"cumulativevol": values["gas_volume_register"], "cumulativevolunits": "m3"}
    imported |= {"dayvol": 0.0, "weekvol": 0.0, "monthvol": 0.0, "dayweekmonthvolunits": "kWh"}
    imported |= {"mprn": "not available", "supplier": "---", "price": {"unitrate": 0.07, "standingcharge": 0.29}}
    return {"timestamp": time, "energy": {"import": imported}}


def airgradient(stream: Stream) -> Encoded:
    """AirGradient's own firmware, before the compensated values: no time, whole numbers but for the temperature."""
    topic = topics(stream, "airgradient/readings/{device}")
    encoded = room(stream)
    for message, first, end in messages(stream):
        device = int(stream.device[first])
        document: dict[str, Any] = {"wifi": -46, "serialno": stream.devices[device].id}
        values = _values(stream, first, end)
        for name, key in _AIRGRADIENT.items():
            if name == "temperature":
                document["pm003Count"] = 442
            if name in values:
                value = values[name]
                document[key] = value if name == "temperature" else int(value)
        document |= {"boot": 6, "firmwareVersion": "3.0.10beta"}
        encoded[message] = (topic[device], orjson.dumps(document))
    return spoil(stream, encoded, topic)


def zigbee2mqtt(stream: Stream) -> Encoded:
    """Zigbee2MQTT with its cache of old values off: no time, and nothing but what the sensor has just said."""
    topic = topics(stream, "zigbee2mqtt/{device}")
    encoded = room(stream)
    for message, first, end in messages(stream):
        values = _values(stream, first, end)
        document: dict[str, Any] = {}
        if "battery" in values:
            document["battery"] = int(values["battery"])
        if "contact" in values:
            document["contact"] = _state(values["contact"])
        if "illuminance" in values:
            document["illuminance"] = int(values["illuminance"])
        document["linkquality"] = 165
        if "motion" in values:
            document["occupancy"] = _state(values["motion"])
        if "contact" not in values:
            document["voltage"] = 3025
        device = int(stream.device[first])
        encoded[message] = (topic[device], orjson.dumps(document))
    return spoil(stream, encoded, topic)


def _state(value: float) -> bool | int:
    return bool(value) if value in (0, 1) else int(value)


def _values(stream: Stream, first: int, end: int) -> dict[str, float]:
    return {
        stream.properties[prop]: value
        for prop, value in zip(stream.property[first:end].tolist(), stream.value[first:end].tolist(), strict=True)
    }
