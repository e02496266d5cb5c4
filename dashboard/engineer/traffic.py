"""The overview page in words and numbers: rates, readings by minute, accounting, newest readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from devices.counts import counted
from devices.families import FAMILIES
from store.batch import Counts
from store.overview import LatestReading, MinuteCount

FAMILY_WORDS = {
    "smart-meter": "Smart meters",
    "parking-bay": "Parking bays",
    "air-monitor": "Air monitors",
    "movement-sensor": "Movement sensors",
    "car-park": "Car parks",
    "unknown": "Unknown",
}
UNIT_WORDS = {"1": "", "kW.h": "kWh", "Cel": "°C", "ug/m3": "µg/m³", "mg/m3": "mg/m³", "[ppm]": "ppm", "m3": "m³"}
#: What 0 and 1 of a state mean.
_STATE_WORDS = {"occupied": ("free", "occupied"), "motion": ("still", "movement"), "contact": ("open", "closed")}


@dataclass(frozen=True, slots=True)
class Rate:
    """One family's rates [1/s] over the last one to two minutes."""

    family: str
    messages: float
    readings: float


@dataclass(frozen=True, slots=True)
class DeviceNow:
    """One device and what it said last: ``values`` are (property, text with unit)."""

    device: str
    time: datetime
    values: Sequence[tuple[str, str]]


def family_words(family: str) -> str:
    """A family's name on the page."""
    return FAMILY_WORDS.get(family, family)


def rates(counts: Sequence[MinuteCount], now: datetime) -> list[Rate]:
    """Rates by family since the beginning of the previous minute, the whole fleet last (family ``all``).

    Counted are whole minutes of arrival, so the time they cover is between 60 and 120 s.
    """
    since = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    recent = [count for count in counts if count.minute >= since]
    begin = min((count.minute for count in recent), default=since)
    seconds = max((now - begin).total_seconds(), 1.0)
    families = [family for family in (*FAMILIES, "unknown") if any(count.family == family for count in counts)]
    found = [
        Rate(
            family_words(family),
            sum(count.messages_received for count in recent if count.family == family) / seconds,
            sum(count.readings_stored for count in recent if count.family == family) / seconds,
        )
        for family in families
    ]
    return [*found, Rate("All", sum(rate.messages for rate in found), sum(rate.readings for rate in found))]


def by_minute(counts: Sequence[MinuteCount]) -> tuple[list[str], list[tuple[datetime, list[int]]]]:
    """Readings stored as a table: the families' words, and for each minute one number a family."""
    families = [family for family in (*FAMILIES, "unknown") if any(count.family == family for count in counts)]
    cells = {(count.minute, count.family): count.readings_stored for count in counts}
    minutes = sorted({count.minute for count in counts})
    return (
        [family_words(family) for family in families],
        [(minute, [cells.get((minute, family), 0) for family in families]) for minute in minutes],
    )


def headline(rows: Sequence[tuple[datetime, Sequence[int]]]) -> str:
    """What the chart shows, in one sentence."""
    if not rows:
        return "No readings yet"
    total = sum(sum(cells) for _, cells in rows)
    minutes = "minute" if len(rows) == 1 else counted(len(rows), "minute")
    return f"{counted(total, 'reading')} stored in the last {minutes} with traffic"


def present(rows: Sequence[tuple[datetime, Sequence[int]]], now: datetime) -> str:
    """What arrives now, in one sentence: the last whole minute, whatever the minutes before it held."""
    last = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    if not any(minute < now.replace(second=0, microsecond=0) for minute, _ in rows):
        return ""
    total = sum(sum(cells) for minute, cells in rows if minute == last)
    return f"{total:,} of them in the last whole minute, {last:%H:%M}"


def accounting(totals: Mapping[str, Counts]) -> list[tuple[str, Counts, bool]]:
    """Family, counts and whether they add up, the sum of all last."""
    everything = Counts()
    for counts in totals.values():
        everything.add(counts)
    rows = [(family_words(family), totals[family]) for family in sorted(totals)]
    return [(name, counts, counts.adds_up()) for name, counts in [*rows, ("All", everything)]]


@dataclass(frozen=True, slots=True)
class FamilyNow:
    """Devices of a family that are listed, ``heard`` of which have said anything."""

    family: str
    name: str
    devices: Sequence[DeviceNow]
    heard: int


def newest(readings: Sequence[LatestReading], heard: Mapping[str, int]) -> list[FamilyNow]:
    """Newest readings by family and device, in the order given; ``heard``: devices that there are, by family."""
    families: dict[str, dict[str, list[LatestReading]]] = {}
    for reading in readings:
        families.setdefault(reading.family, {}).setdefault(reading.device, []).append(reading)
    return [
        FamilyNow(
            family,
            family_words(family),
            [
                DeviceNow(
                    device,
                    max(reading.time for reading in found),
                    [(property_words(reading.property), value_words(reading)) for reading in found],
                )
                for device, found in devices.items()
            ],
            heard.get(family, len(devices)),
        )
        for family, devices in families.items()
    ]


def address(family: str | None, *, refresh: bool) -> str:
    """The page's address: of all families or one of them, with or without refreshing by itself."""
    query = urlencode({**({"family": family} if family else {}), **({"refresh": "true"} if refresh else {})})
    return f"/overview?{query}" if query else "/overview"


def property_words(name: str) -> str:
    """A property's name for people: ``pm2_5`` is PM2.5."""
    return "PM2.5" if name == "pm2_5" else name.upper() if name in ("pm1", "pm10") else name.replace("_", " ")


def value_words(reading: LatestReading) -> str:
    """A value as it is said: a state by its word, a number with its unit."""
    if reading.property in _STATE_WORDS and reading.value in (0.0, 1.0):
        return _STATE_WORDS[reading.property][int(reading.value)]
    unit = UNIT_WORDS.get(reading.unit or "", reading.unit or "")
    return f"{reading.value:g} {unit}".rstrip()
