"""What a simulated device says in one day: a function of the device, the day and a seed, and of nothing else.

A day that is played twice therefore gives the same messages, which the store counts as duplicates. Times are UTC.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.device import Device

Rng = np.random.Generator
_Row = tuple[float, dict[str, float | bool]]

_DAY = 86_400
_HALF_HOUR = 1_800


class Message(NamedTuple):
    """One native message: when it is sent, where to, its bytes, and how many readings it carries."""

    sent: datetime
    topic: str
    payload: bytes
    readings: int


def day_of(devices: Iterable[Device], day: date, seed: int) -> list[Message]:
    """All messages that the devices send about one day, in the order of sending.

    A meter sends each half-hour when it is over, so its last message of a day is sent at the next midnight.
    Raises KeyError for a device of a family without signals.
    """
    messages = [message for device in devices for message in _of_device(device, day, seed)]
    return sorted(messages, key=lambda message: (message.sent, message.topic))


def from_instant(devices: Iterable[Device], start: datetime, seed: int) -> Iterator[Message]:
    """Messages from ``start`` on, day after day without end."""
    fleet = list(devices)
    day = start.astimezone(UTC).date() - timedelta(days=1)  # yesterday's last half-hour is sent today
    while True:
        yield from (message for message in day_of(fleet, day, seed) if message.sent >= start)
        day += timedelta(days=1)


def _of_device(device: Device, day: date, seed: int) -> Iterator[Message]:
    # crc32 and not hash(): the latter differs from process to process
    rng = np.random.default_rng([seed, zlib.crc32(device.id.encode()), day.toordinal()])
    lasting = np.random.default_rng([seed, zlib.crc32(device.id.encode())])
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    topic = f"borough/{device.family}/{device.id}/reading"
    delay = _HALF_HOUR if device.family == "smart-meter" else 0
    for second, values in _SIGNALS[device.family](rng, lasting, day):
        time = midnight + timedelta(seconds=round(second))
        payload = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ"), **values}, separators=(",", ":"))
        yield Message(time + timedelta(seconds=delay), topic, payload.encode(), len(values))


def _meter(rng: Rng, lasting: Rng, day: date) -> Iterator[_Row]:
    """Half-hourly use [kWh]: a base load, a morning and an evening peak, more in winter; about 7 kWh a day.

    Ofgem's medium household uses 2,500 kWh a year; homes differ by a factor of about two.
    """
    size = lasting.lognormal(0.0, 0.35)
    hour = (np.arange(48) + 0.5) / 2
    shape = 0.08 + 0.10 * _peak(hour, 7.5, 1.2) + 0.22 * _peak(hour, 18.5, 2.0) + 0.06 * _peak(hour, 13.0, 3.0)
    winter = 1 + 0.25 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 15) / 365)
    use = size * winter * shape * rng.gamma(6.0, 1 / 6.0, 48)
    for number, kwh in enumerate(use):
        yield number * _HALF_HOUR, {"import_interval": round(float(kwh), 3)}


def _bay(rng: Rng, _lasting: Rng, day: date) -> Iterator[_Row]:
    """Arrivals and departures: busy from 8 to 20 o'clock, stays of 35 minutes in the middle.

    Every six hours a heartbeat repeats the state and adds battery and temperature, as real sensors do.
    """
    mild = 11 - 7 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 15) / 365)
    occupied = bool(rng.random() < 0.3)
    second, events = 0.0, list[tuple[float, bool]]()
    while second < _DAY:
        events.append((second, occupied))
        busy = 8 * 3600 <= second < 20 * 3600
        mean_free = 1_500 if busy else 9_000
        gap = rng.lognormal(np.log(2_100), 0.8) if occupied else rng.exponential(mean_free)
        second += max(30.0, float(gap))
        occupied = not occupied
    rows: list[_Row] = [(second, {"occupied": occupied}) for second, occupied in events]
    battery = 60 + float(rng.integers(0, 400)) / 10
    for beat in range(4):
        at = 3_600 * 6 * beat + 90 + float(rng.integers(0, 600))
        now = next(occupied for second, occupied in reversed(events) if second <= at)
        warm = mild + 4 * np.sin(2 * np.pi * (at / _DAY - 0.375)) + rng.normal(0, 0.4)
        rows.append((at, {"occupied": now, "battery": battery, "temperature": round(float(warm), 1)}))
    yield from _distinct(rows)


def _air(rng: Rng, lasting: Rng, day: date) -> Iterator[_Row]:
    """Every minute: particles and NO2 with the two traffic peaks, ozone with the sun, weather as in a mild climate."""
    minute = np.arange(1_440)
    hour = minute / 60
    traffic = 0.5 + _peak(hour, 8.5, 1.5) + 0.9 * _peak(hour, 18.0, 2.0)
    sun = np.clip(np.sin(np.pi * (hour - 6) / 13), 0, None)
    yearly = -np.cos(2 * np.pi * (day.timetuple().tm_yday - 15) / 365)
    site = lasting.lognormal(0.0, 0.2)
    pm2_5 = site * (4 + 5 * traffic) * np.exp(_drift(rng, 0.15))
    temperature = 11 + 7 * yearly + 4 * np.sin(2 * np.pi * (hour / 24 - 0.375)) + _drift(rng, 0.5)
    columns = {
        "pm1": 0.7 * pm2_5,
        "pm2_5": pm2_5,
        "pm10": 1.6 * pm2_5 + 2,
        "no2": site * (8 + 18 * traffic) * np.exp(_drift(rng, 0.12)),
        "o3": 25 + 40 * sun + _drift(rng, 3.0),
        "temperature": temperature,
        "humidity": np.clip(75 - 1.5 * (temperature - 11) + _drift(rng, 3.0), 20, 99),
        "pressure": 1_013 + 8 * rng.normal() + _drift(rng, 0.4),
    }
    rounded = {name: np.round(values, 1) for name, values in columns.items()}
    for number in range(len(minute)):
        yield 60.0 * number, {name: float(values[number]) for name, values in rounded.items()}


def _movement(rng: Rng, _lasting: Rng, _day: date) -> Iterator[_Row]:
    """Motion while people are up, each time false again after 90 s, with the light level; the battery at six."""
    rows: list[_Row] = [(6 * 3_600.0 + float(rng.integers(0, 300)), {"battery": 80 + float(rng.integers(0, 20))})]
    second = 0.0
    while True:
        hour = second / 3_600
        awake = 7 <= hour < 23
        second += 95.0 + float(rng.exponential(240.0 if awake else 7_200.0))
        if second + 90 >= _DAY:
            break
        light = 150.0 if 8 <= second / 3_600 < 19 else 20.0
        rows.append((second, {"motion": True, "illuminance": round(light * float(rng.lognormal(0, 0.4)), 0)}))
        rows.append((second + 90, {"motion": False}))
    yield from _distinct(rows)


_SIGNALS: Mapping[str, Callable[[Rng, Rng, date], Iterator[_Row]]] = {
    "smart-meter": _meter,
    "parking-bay": _bay,
    "air-monitor": _air,
    "movement-sensor": _movement,
}


def _peak(hour: NDArray[np.float64], middle: float, width: float) -> NDArray[np.float64]:
    bell: NDArray[np.float64] = np.exp(-(((hour - middle) / width) ** 2) / 2)
    return bell


def _drift(rng: Rng, scale: float) -> NDArray[np.float64]:
    """A day of minutes that wander slowly around zero: noise averaged over half an hour, deviation ``scale``."""
    noise = rng.normal(0, scale * np.sqrt(30), 1_440 + 29)
    smooth: NDArray[np.float64] = np.convolve(noise, np.full(30, 1 / 30), mode="valid")
    return smooth


def _distinct(rows: list[_Row]) -> Iterator[_Row]:
    """Rows in order, one a second: a second message in the same second could say two things about one instant."""
    last = -1
    for second, values in sorted(rows, key=lambda row: row[0]):
        if round(second) > last and round(second) < _DAY:
            last = round(second)
            yield second, values
