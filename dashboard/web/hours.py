"""The hours of a rate in words: by the clock on the wall, or the same all year as smart meters keep them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from devices.homes import Register

#: Any year: what is asked is whether clocks are put forward at all.
_WINTER, _SUMMER = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)


def clock(minutes: int) -> str:
    """A minute of the day as a clock shows it."""
    minutes %= 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def hours(register: Register, zone: ZoneInfo) -> str:
    """When a rate counts, such as ``00:30 to 07:30 GMT (01:30 to 08:30 in summer)``."""
    if not register.utc:
        return _between(register, 0)
    offsets = [moment.astimezone(zone).utcoffset() or timedelta() for moment in (_WINTER, _SUMMER)]
    winter, summer = sorted(round(offset.total_seconds() / 60) for offset in offsets)
    said = _between(register, 0)
    if winter == 0:
        return f"{said} GMT ({_between(register, summer)} in summer)" if summer else f"{said} GMT"
    if winter == summer:
        return f"{said} UTC ({_between(register, winter)} here)"
    return f"{said} UTC ({_between(register, winter)} here, {_between(register, summer)} in summer)"


def _between(register: Register, later: int) -> str:
    return f"{clock(register.start + later)} to {clock(register.end + later)}"
