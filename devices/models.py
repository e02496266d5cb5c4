"""Models: what a kind of device speaks, to which topics, with which codec, and how much of it is worth storing.

A device whose model is not in ``MODELS`` is treated as one of the model ``native``: it speaks for itself in our own
formats, has no codec and no keep rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

#: As a keep rule's period: nothing is stored, the value lives in ``latest`` only.
LATEST_ONLY = math.inf

#: A half-hour [s]: the settlement period of British meters.
HALF_HOUR = 1800.0

#: Formats whose messages come over a way without acknowledgement (radio, then MQTT with QoS 0): what is not here may
#: never have been sent to us, and a number may have gone to a message without readings.
UNACKNOWLEDGED = frozenset({"tts", "chirpstack"})

_BOROUGH = ("borough/{family}/{device}/reading", "borough/{family}/{device}/senml", "borough/{family}/{device}/senmlc")
_THINGS_STACK = "v3/+/devices/{device}/up"
_CHIRPSTACK = "application/+/device/{device}/event/up"


@dataclass(frozen=True, slots=True)
class Model:
    """One model of device.

    ``formats``: names of the formats that it speaks. ``topics``: templates that it, or the bridge that speaks for it,
    publishes to; the broker's access list is made from them. ``codec``: name of the LoRaWAN codec that reads its raw
    bytes (``devices.decoders.codecs``), or None. ``decoded``: names in a payload that the network server has already
    decoded -> our property; a key that is named like a property of the device's family needs no entry.

    ``keep``: property -> period [s]; of each period (cut at whole multiples since the epoch, UTC) the first reading is
    stored and the rest is counted as thinned; ``LATEST_ONLY`` stores none. A property that is not named is kept whole.
    """

    name: str
    formats: tuple[str, ...]
    topics: tuple[str, ...]
    codec: str | None = None
    decoded: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, float] = field(default_factory=dict)


def _lorawan(name: str, codec: str | None = None, decoded: Mapping[str, str] | None = None) -> Model:
    return Model(name, ("tts", "chirpstack"), (_THINGS_STACK, _CHIRPSTACK), codec, decoded or {})


def _meter(name: str) -> Model:
    return Model(name, ("wmbusmeters",), ("wmbusmeters/{device}",))


#: What of a Shelly of the second generation or later says something that is read, each with a number behind it.
_SHELLY_PARTS = (
    "em", "emdata", "em1", "em1data", "switch", "pm1", "cover", "light", "temperature", "humidity",
)  # fmt: skip


def _shelly(name: str, *parts: str) -> Model:
    return Model(name, ("shelly",), tuple(f"{{device}}/status/{part}:{{channel}}" for part in parts))


#: Drivers of wmbusmeters that `wmbusmeters.toml` has a mapping for.
METER_DRIVERS: tuple[str, ...] = (
    "multical302", "multical303", "multical403", "multical602", "multical603", "kamheat", "sharky", "sharky774",
    "multical21", "flowiq2200", "flowiq3100", "kamwater", "iperl", "hydrus", "izar", "qwater",
    "omnipower",
)  # fmt: skip

NATIVE = Model("native", ("native", "senml-json", "senml-cbor"), _BOROUGH)

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        NATIVE,
        # A display speaks every 6 s: 5,000 of them kept whole would be 216 million rows a day.
        Model(
            "glow",
            ("glow",),
            ("glow/{device}/SENSOR/electricitymeter", "glow/{device}/SENSOR/gasmeter", "glow/{device}/STATE"),
            keep={
                "import_register": HALF_HOUR,
                "export_register": HALF_HOUR,
                "gas_register": HALF_HOUR,
                "gas_volume_register": HALF_HOUR,
                "power": LATEST_ONLY,
            },
        ),
        # Any LoRaWAN device whose network server decodes the payload.
        _lorawan("lorawan"),
        _lorawan("bosch-tps110", "bosch-parking"),
        _lorawan("bosch-tpl110", "bosch-parking"),
        _lorawan("moko-lw009-ig", "moko-lw009-ig"),
        Model("airgradient", ("airgradient",), ("airgradient/readings/{device}",)),
        Model("sensor-community", ("sensor-community",), ("sensor-community/{device}",)),
        Model("tasmota", ("tasmota",), ("tele/{device}/SENSOR",)),
        _shelly("shelly-pro-3em", "em", "emdata"),
        _shelly("shelly-em", "em1", "em1data"),
        _shelly("shelly-switch", "switch", "pm1"),
        _shelly("shelly-sensor", "temperature", "humidity"),
        # whatever of them it is
        _shelly("shelly", *_SHELLY_PARTS),
        Model(
            "shelly-gen1",
            ("shelly-gen1",),
            (
                "shellies/{device}/emeter/{channel}/{property}",
                "shellies/{device}/relay/{channel}/{property}",
                "shellies/{device}/sensor/{property}",
            ),
        ),
        Model("zigbee2mqtt", ("zigbee2mqtt",), ("zigbee2mqtt/{device}", "zigbee2mqtt/{device}/{property}")),
        *map(_meter, METER_DRIVERS),
        # any other driver, by the medium that its messages name
        _meter("wmbusmeters"),
    )
}


def model_of(name: str) -> Model:
    """The model of that name; ``NATIVE`` for a name that is not in ``MODELS``."""
    return MODELS.get(name, NATIVE)
