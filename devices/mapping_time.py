"""Times of mapped records: local wall-clock text, patterns and epochs to what a decoder returns.

An hour that the clocks repeat gives ``Twice``; one that they skip is no time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from devices import iso_time
from devices.decoding import Reason, Rejection, Time, Twice
from devices.mapping import DEVICE_ZONE, TimeRule
from devices.numbers import number_reader

ToTime = Callable[[Any], Time]

#: The number that a text spells with a decimal point.
number_of = number_reader("")


def _bad(detail: str) -> Rejection:
    return Rejection(Reason.BAD_TIME, detail)


def time_reader(rule: TimeRule, device_zone: str | None) -> ToTime:
    """The function from a time as the record holds it (never None) to what a decoder returns.

    The function raises Rejection(BAD_TIME). Where texts without an offset are local to the device and the device has
    no zone, or an impossible one, that is said by each message that needs it.
    """
    if rule.epoch == "auto":
        as_text = time_reader(replace(rule, epoch=None), device_zone)
        return lambda value: _epoch_or_text(value, as_text)
    if rule.epoch is not None:
        divisor = 1000 if rule.epoch == "ms" else 1
        return lambda value: _epoch(value, divisor)
    name = device_zone if rule.zone == DEVICE_ZONE else rule.zone
    zone, fault = _zone(name)
    if rule.zone is None and rule.pattern is None:
        return _as_it_is

    def read(value: Any) -> Time:
        if not isinstance(value, str):
            return _as_it_is(value)
        if rule.pattern is not None:
            try:
                moment = datetime.strptime(value, rule.pattern)  # noqa: DTZ007 the zone follows below
            except ValueError:
                raise _bad("the time does not have the form that the mapping says") from None
        elif value[-1:] == "Z" or value[-6:-5] in ("+", "-"):
            return value  # has an offset, as nearly all that are not local
        else:
            try:
                found = iso_time.read(value)
            except ValueError:
                raise _bad("no such date, time of day or offset") from None
            if found is None or found[1] is not None:
                return value  # has an offset, or the runner says what is wrong with it
            moment = found[0]
        if zone is None and moment.tzinfo is None:
            raise _bad(fault)
        return _instant(moment, zone)

    return read


def _zone(name: str | None) -> tuple[ZoneInfo | None, str]:
    if name is None:
        return None, "a time without an offset, and the device has no attribute zone (such as Europe/London)"
    try:
        return ZoneInfo(name), ""
    except (ValueError, OSError, KeyError):
        return None, "a time without an offset, and the device's attribute zone is no IANA time zone"


def _instant(moment: datetime, zone: ZoneInfo | None) -> str:
    """RFC 3339 text of a wall-clock time, ``Twice`` of an hour that happens twice."""
    if moment.tzinfo is not None or zone is None:
        return moment.isoformat()
    # before and after the clocks change, where it is then; else the same
    before, after = zone.utcoffset(moment), zone.utcoffset(moment.replace(fold=1))
    assert before is not None
    assert after is not None
    if before < after:
        raise _bad("a local time that the clocks skipped")
    try:
        first = f"{(moment - before).isoformat()}Z"
        return first if before == after else Twice(first, f"{(moment - after).isoformat()}Z")
    except OverflowError:  # within a day of the years 1 and 9999
        raise _bad("no such date") from None


#: From here on a number is one of milliseconds: as seconds it would be after the year 5138, as milliseconds it is 1973.
_MILLISECONDS = 1e11


def _epoch_or_text(value: Any, as_text: ToTime) -> Time:
    """Epoch seconds or milliseconds by their size, also spelled as text; another text as it is read."""
    if isinstance(value, str):
        number = number_of(value)
        if number is None:
            return as_text(value)
        value = number
    seconds = _epoch(value, 1)
    return _epoch(value, 1000) if isinstance(seconds, (int, float)) and abs(seconds) >= _MILLISECONDS else seconds


def _epoch(value: Any, divisor: int) -> Time:
    if isinstance(value, str):
        value = number_of(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _bad("no number of seconds since the epoch")
    try:
        return value / divisor if divisor != 1 else value
    except OverflowError:
        raise _bad("no number of seconds since the epoch") from None


def _as_it_is(value: Any) -> Time:
    """RFC 3339 text or epoch seconds, which the runner reads; what is neither cannot be a time."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _bad("the time is neither text nor a number")
    return value
