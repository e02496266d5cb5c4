"""The messages that the benchmarks queue. Seeded; the same call gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from devices.device import Device
from simulators.publisher import Message

_START = datetime(2026, 2, 1, tzinfo=UTC)


def meters(count: int) -> list[Device]:
    """So many simulated native meters."""
    return [Device(f"meter-{n:05d}", "smart-meter", "native", origin="simulated", personal=True) for n in range(count)]


def native(messages: int, devices: int) -> Iterator[Message]:
    """Half-hourly readings, all devices in turn; about 120 bytes with the topic and header."""
    rng = np.random.default_rng(1)
    values = (rng.integers(0, 2_000, messages) / 1000).tolist()
    topics = [f"borough/smart-meter/meter-{n:05d}/reading" for n in range(devices)]
    for number, value in enumerate(values):
        turn, device = divmod(number, devices)
        time = (_START + timedelta(minutes=30 * turn)).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield topics[device], b'{"time": "%s", "import_interval": %s}' % (time.encode(), repr(value).encode())


#: Malformed payloads by the reason that their rejection shall carry.
MALFORMED: tuple[bytes, ...] = (
    b"",
    b"\xff\xfe\x00",
    b'{"time": "2026-02-01T00:30:00Z", "import_interval": NaN}',
    b'{"time": "2026-02-01T00:30:00Z", "import_interval": 1e999}',
    b'{"time": "2026-02-01T00:30:00Z", "import_interval": "high"}',
    b'{"time": "2026-02-01T00:30:00Z", "import_interval": -5}',
    b'{"time": "2026-02-01T00:30:00Z", "colour": 1}',
    b'{"time": "1970-01-01T00:00:00Z", "import_interval": 1}',
    b'{"time": "2126-02-01T00:30:00Z", "import_interval": 1}',
    b'{"time": "yesterday", "import_interval": 1}',
    b'{"time": "2026-02-01T00:30:00Z"}',
    b"[" * 10_000,
    b"[1, 2, 3]",
    b'{"time": "2026-02-01T00:30:00Z", "device_id": "another", "import_interval": 1}',
    b"\x00" * 100,
)


def malformed(messages: int, devices: int) -> Iterator[Message]:
    """The native load with every hundredth message malformed, each kind in turn."""
    for number, (topic, payload) in enumerate(native(messages, devices)):
        yield (topic, MALFORMED[number // 100 % len(MALFORMED)]) if number % 100 == 50 else (topic, payload)


def packs(messages: int, devices: int, readings: int = 48) -> Iterator[Message]:
    """SenML JSON packs, a day of half-hours each."""
    rng = np.random.default_rng(2)
    start = int(_START.timestamp())
    for number in range(messages):
        turn, device = divmod(number, devices)
        name = f"meter-{device:05d}"
        values = (rng.integers(0, 2_000, readings) / 1000).tolist()
        records: list[dict[str, object]] = [
            {"n": "import_interval", "t": 1800 * place, "v": value} for place, value in enumerate(values)
        ]
        records[0] |= {"bn": f"{name}:", "bt": start + turn * readings * 1800}
        yield f"borough/smart-meter/{name}/senml", json.dumps(records, separators=(",", ":")).encode()


def displays(count: int) -> list[Device]:
    """So many simulated Glow displays."""
    return [Device(_mac(n), "smart-meter", "glow", origin="simulated", personal=True) for n in range(count)]


def _mac(number: int) -> str:
    return f"4C1186{number:06X}"


def glow(messages: int, devices: int) -> Iterator[Message]:
    """Displays that speak every 6 s: electricity, and as often the same gas message for half an hour."""
    for number in range(messages):
        turn, rest = divmod(number, 2 * devices)
        device, kind = divmod(rest, 2)
        now = _START + timedelta(seconds=6 * turn + 5)
        if kind == 0:
            stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            register = 6613.405 + device + turn * 0.001
            power = 0.2 + (device * 7 + turn * 13) % 3000 / 1000
            yield (
                f"glow/{_mac(device)}/SENSOR/electricitymeter",
                (
                    f'{{"electricitymeter":{{"timestamp":"{stamp}","energy":{{"export":{{"cumulative":0.000,'
                    f'"units":"kWh"}},"import":{{"cumulative":{register:.3f},"day":13.252,"week":141.710,'
                    '"month":293.598,"units":"kWh","mpan":"not available","supplier":"---",'
                    '"price":{"unitrate":0.04998,"standingcharge":0.24030}}},'
                    f'"power":{{"value":{power:.3f},"units":"kW"}}}}}}'
                ).encode(),
            )
        else:
            half_hour = now - timedelta(minutes=now.minute % 30, seconds=now.second)
            stamp = half_hour.strftime("%Y-%m-%dT%H:%M:%SZ")
            register = 12491.78 + device + turn // 300
            yield (
                f"glow/{_mac(device)}/SENSOR/gasmeter",
                (
                    f'{{"gasmeter":{{"timestamp":"{stamp}","energy":{{"import":{{"cumulative":{register:.2f},'
                    '"day":0,"week":14.334,"month":109.153,"units":"kWh",'
                    f'"cumulativevol":{register / 11.2:.3f},"cumulativevolunits":"m3","dayvol":0,"weekvol":14.334,'
                    '"monthvol":109.153,"dayweekmonthvolunits":"kWh","mprn":"not available","supplier":"---",'
                    '"price":{"unitrate":0.07344,"standingcharge":0.2722}}}}}'
                ).encode(),
            )
