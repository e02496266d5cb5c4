"""Times of mapped records: local wall-clock text, patterns and epochs to what a decoder returns."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from devices.decoding import Reason, Rejection, Time, Twice
from devices.mapping import DEVICE_ZONE, TimeRule
from devices.numbers import number_reader

#: ISO 8601 date and wall-clock time, without an offset.
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?\Z", re.ASCII)

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
        elif _LOCAL.match(value):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                raise _bad("no such date or time of day") from None
        else:
            return value  # has an offset, or the runner says what is wrong with it
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
