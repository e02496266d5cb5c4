"""The list of wire formats. A new one is its file and its line here (docs/how-to/add-a-format.md)."""

from __future__ import annotations

from collections.abc import Mapping

from devices.decoders import lorawan, native, senml
from devices.decoders.mapped import mapped
from devices.decoding import Format

#: Name -> format: every format that a subscription can name.
FORMATS: Mapping[str, Format] = {
    wire_format.name: wire_format
    for wire_format in (
        native.FORMAT,
        senml.JSON,
        senml.CBOR,
        lorawan.THINGS_STACK,
        lorawan.CHIRPSTACK,
        # each of these is a TOML file in this folder
        mapped("glow"),
        mapped("airgradient"),
        mapped("sensor-community"),
        mapped("tasmota"),
        mapped("shelly"),
        mapped("shelly-gen1"),
        mapped("zigbee2mqtt"),
        mapped("wmbusmeters"),
    )
}
