"""Times of LoRaWAN uplinks: the network server's counts, a gateway's only near it, whatever the gateways' clocks say.

The reference works on the true numbers; texts are made of them, and the decoder's answer is compared as an instant.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import STATUS, Binding

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BAY = Binding("", "parking-bay", "bosch-tps110", {})
TTS, CHIRPSTACK = FORMATS["tts"].bind(BAY), FORMATS["chirpstack"].bind(BAY)

#: When the server took it [us], and how far a gateway's clock is from that [us]: near, at the edge, far.
SERVER = st.integers(1_700_000_000, 1_900_000_000).map(lambda second: second * 1_000_000) | st.integers(
    1_700_000_000_000_000, 1_900_000_000_000_000
)
OFF = (
    st.integers(-6_000_000, 6_000_000)
    | st.sampled_from([0, 5_000_000, 5_000_001, -5_000_000, -5_000_001, 1_800_000_000, -3_600_000_000])
    | st.integers(-(10**15), 10**15)
)
ZONE = st.sampled_from([UTC, timezone(timedelta(hours=1)), timezone(-timedelta(hours=5, minutes=30))])


@st.composite
def clock(draw: st.DrawFn, at: int) -> str:
    """An instant [us] as servers write it: nanoseconds or not, Z or an offset."""
    moment = (EPOCH + timedelta(microseconds=at)).astimezone(draw(ZONE))
    text = moment.replace(tzinfo=None).isoformat()
    if "." in text and draw(st.booleans()):
        text += "083"
    offset = moment.isoformat()[-6:]
    return text + ("Z" if offset == "+00:00" and draw(st.booleans()) else offset)


def instant(text: str) -> int:
    """Microseconds, of texts that Python reads once they have no nanoseconds."""
    head, _, tail = text.partition(".")
    if tail:
        digits = tail.rstrip("Z").split("+")[0].split("-")[0]
        text = f"{head}.{digits[:6]}{tail[len(digits) :]}"
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def expected(server: int, gateway: int) -> int:
    return gateway if abs(gateway - server) <= 5_000_000 else server


@given(st.data(), SERVER, OFF)
def test_the_stack(data: st.DataObject, server: int, off: int) -> None:
    gateway = server + off
    uplink: dict[str, Any] = {"f_port": 1, "frm_payload": "AQ==", "received_at": data.draw(clock(server))}
    uplink["settings"] = {"time": data.draw(clock(gateway))}
    time, values, _ = TTS(json.dumps({"received_at": "never", "uplink_message": uplink}).encode())
    assert values == {"occupied": 1}
    assert instant(time) == expected(server, gateway)


@given(st.data(), SERVER, st.lists(OFF, min_size=1, max_size=4))
def test_chirpstack_with_several_gateways(data: st.DataObject, server: int, offs: list[int]) -> None:
    """`time` is the first gateway's; some of them say when the server took it."""
    told = data.draw(st.lists(st.booleans(), min_size=len(offs), max_size=len(offs)))
    rx = [
        {"gwTime": data.draw(clock(server + off)), **({"nsTime": data.draw(clock(server))} if has else {})}
        for off, has in zip(offs, told, strict=True)
    ]
    document = {"deviceInfo": {"devEui": "a1"}, "fPort": 1, "data": "AQ==", "time": rx[0]["gwTime"], "rxInfo": rx}
    time, _, _ = CHIRPSTACK(json.dumps(document).encode())
    assert instant(time) == (expected(server, server + offs[0]) if any(told) else server + offs[0])


@given(
    port=st.sampled_from([None, 0, 1, 2]),
    raw=st.sampled_from([None, "", "AQ==", "AgY="]),
    left_out=st.booleans(),
    decoded=st.sampled_from([None, {}, {"occupied": False}, {"distance": 5}]),
)
def test_frames_of_commands_or_of_nothing_are_status(
    port: int | None, raw: str | None, left_out: bool, decoded: Any
) -> None:
    for key, names in (
        ("tts", ("f_port", "frm_payload", "decoded_payload")),
        ("chirpstack", ("fPort", "data", "object")),
    ):
        frame = dict(zip(names, (port, raw, decoded), strict=True))
        if left_out:
            frame = {name: value for name, value in frame.items() if value is not None}
        document = {"uplink_message": frame} if key == "tts" else {"deviceInfo": {"devEui": "a1"}, **frame}
        decode = TTS if key == "tts" else CHIRPSTACK
        if not port or not raw:
            assert decode(json.dumps(document).encode()) is STATUS
        elif port == 1 and raw == "AQ==" and not (decoded and "occupied" in decoded):
            assert decode(json.dumps(document).encode())[1]["occupied"] == 1
