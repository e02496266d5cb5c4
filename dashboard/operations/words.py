"""States, ages and hours in words, as all pages of the operations say them."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

from analytics.parking.arrays import FREE, OCCUPIED, UNKNOWN
from analytics.parking.state import REASONS
from dashboard.labels import DAYS
from store.times import instant

STATE_NAMES = {FREE: "free", OCCUPIED: "occupied", UNKNOWN: "unknown"}
STATE_WORDS = {"free": "Free", "occupied": "Occupied", "unknown": "Unknown"}
_REASON_WORDS = {
    "": "",
    "never": "never heard",
    "silent": "sensor silent",
    "swapped": "sensor changed, not heard since",
    "stuck": "occupied for over 28 days",
}
OUTCOME_WORDS = {
    "confirmed": "Confirmed",
    "permit-seen": "Permit seen",
    "blue-badge": "Blue Badge",
    "gone": "Gone",
    "sensor-wrong": "Sensor wrong",
}
NOT_KNOWN = "\N{EN DASH}"


def reason(code: int) -> str:
    """Why a bay is unknown; "" where it is known."""
    return _REASON_WORDS[REASONS[code]]


def clock(microseconds: int, zone: ZoneInfo, *, beside: int | None = None) -> str:
    """A local time, with its day where that is not the day of ``beside`` [us]."""
    moment = instant(microseconds).astimezone(zone)
    if beside is not None and instant(beside).astimezone(zone).date() == moment.date():
        return f"{moment:%H:%M}"
    return f"{moment:%-d %b %H:%M}"


def moment(at: datetime) -> str:
    """A local instant as a heading says it: ``Saturday 28 November 2026, 14:00``."""
    return f"{at:%A} {at.day} {at:%B %Y, %H:%M}"


def utc(at: int) -> str:
    """An instant as files have it; "" for none."""
    return "" if at < 0 else instant(at).isoformat(timespec="seconds")


def hours(start: int, end: int) -> str:
    """Hours of the week: ``Monday 09:00 to 12:00``."""
    return f"{DAYS[start // 24]} {start % 24:02d}:00 to {(end - 1) % 24 + 1:02d}:00"


def percent(share: float) -> str:
    """A share as ``85 %``; ``NOT_KNOWN`` where it is NaN."""
    return NOT_KNOWN if math.isnan(share) else f"{share * 100:.0f} %"
