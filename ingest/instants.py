"""Times of messages to instants: ISO 8601 text or epoch seconds to int64 microseconds since the Unix epoch, UTC.

Text of the commonest shape, ``2026-02-01T00:30:00Z``, is parsed for a whole batch at once on its digits; everything
else one by one, in the forms of ``devices.iso_time``. A leap second (``:60``) is no instant here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices import iso_time
from devices.decoding import BY_ARRIVAL, Relative, Twice

#: What a time that cannot be read becomes.
BAD = np.iinfo(np.int64).min

_SECOND = 1_000_000
_NUMBERS = {int, float}
#: Epoch seconds are taken up to the year 9999.
_SECONDS_MAXIMUM = 2.534e11
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
# weights of the digits in "YYYY-MM-DDTHH:MM:SSZ"
_SEPARATORS = {4: ord("-"), 7: ord("-"), 10: ord("T"), 13: ord(":"), 16: ord(":"), 19: ord("Z")}
_DIGITS = [place for place in range(20) if place not in _SEPARATORS]


def resolve(times: Sequence[Any], arrival: NDArray[np.int64]) -> Sequence[Any]:
    """Times without those that hang on the arrival [us].

    Times relative to it become epoch seconds; of a local time that the clocks repeat the instant nearest to it is
    taken, of two equally near ones the first; an absent one becomes 0, to be replaced.
    """
    if not BY_ARRIVAL & set(map(type, times)):
        return times
    return [_resolved(value, int(arrival[index])) for index, value in enumerate(times)]


def _resolved(value: Any, arrival: int) -> Any:
    if value is None:
        return 0
    if value.__class__ is Relative:
        return arrival / 1e6 + float(value)
    if value.__class__ is Twice:
        return str(value) if nearest(value, arrival) == instant(value) else value.later
    return value


def nearest(value: object, arrival: int) -> int:
    """Of the two instants [us] of a local time that the clocks repeat the one nearest to ``arrival`` [us].

    Exactly half way the first. ``BAD`` where it cannot be read.
    """
    first, later = both(value)
    return first if 2 * arrival <= first + later else later


def both(value: object) -> tuple[int, int]:
    """The two instants [us] of a local time that the clocks repeat, the first one first.

    Of any other time its one instant twice; ``BAD`` where it cannot be read.
    """
    first = instant(value)
    return first, instant(value.later) if isinstance(value, Twice) else first


def parse(times: Sequence[Any]) -> NDArray[np.int64]:
    """Instants [us], shape ``(times,)``; ``BAD`` where a time is null, of a wrong type or impossible."""
    kinds = set(map(type, times))
    if kinds <= _NUMBERS:
        return _numbers(times)
    if kinds == {str} and set(map(len, times)) == {20}:
        return _texts(times)
    result = np.full(len(times), BAD, np.int64)
    plain = [index for index, value in enumerate(times) if type(value) is str and len(value) == 20]
    if plain:
        result[plain] = _texts([times[index] for index in plain])
    numbers = [index for index, value in enumerate(times) if type(value) in _NUMBERS]
    if numbers:
        result[numbers] = _numbers([times[index] for index in numbers])
    known: dict[str, int] = {}  # the records of a pack share a time
    for index, value in enumerate(times):
        if isinstance(value, str) and (len(value) != 20 or type(value) is not str):
            found = known.get(value)
            if found is None:
                found = known[value] = instant(value)
            result[index] = found
    return result


def _texts(times: Sequence[str]) -> NDArray[np.int64]:
    """Instants of texts of 20 characters each. One of another length would shift all that come after it."""
    joined = "".join(times)
    if not joined.isascii():
        joined = "".join([text if text.isascii() else " " * 20 for text in times])
    result = _plain(np.frombuffer(joined.encode(), np.uint8).reshape(len(times), 20))
    for index in np.flatnonzero(result == BAD).tolist():
        result[index] = instant(times[index])
    return result


def _numbers(times: Sequence[float]) -> NDArray[np.int64]:
    """Instants of epoch seconds."""
    try:
        seconds = np.array(times, np.float64)
    except OverflowError:  # an integer beyond float64
        return np.array([instant(value) for value in times], np.int64)
    ok = np.abs(seconds) < _SECONDS_MAXIMUM  # false for NaN
    result: NDArray[np.int64] = np.where(ok, np.rint(np.where(ok, seconds, 0) * _SECOND), 0).astype(np.int64)
    result[~ok] = BAD
    return result


def _plain(text: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Instants of ``(n, 20)`` ASCII codes; ``BAD`` where it is not exactly ``YYYY-MM-DDTHH:MM:SSZ``."""
    ok = np.ones(len(text), bool)
    for place, code in _SEPARATORS.items():
        ok &= text[:, place] == code
    digits = text - np.uint8(48)  # wraps below "0", so one comparison sees both sides
    ok &= (digits[:, _DIGITS] <= 9).all(axis=1)
    wide = digits.astype(np.int64)

    def two(place: int) -> NDArray[np.int64]:
        number: NDArray[np.int64] = wide[:, place] * 10 + wide[:, place + 1]
        return number

    year, month, day = two(0) * 100 + two(2), two(5), two(8)
    hour, minute, second = two(11), two(14), two(17)
    ok &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (hour <= 23) & (minute <= 59) & (second <= 59)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    longest = _DAYS[np.where(ok, month, 1) - 1] - ((month == 2) & ~leap)
    ok &= day <= longest
    # days since 1970-01-01: years counted from March, so that the leap day is the last of its year
    shifted = year - (month <= 2)
    era_day = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + era_day - 719_468
    result: NDArray[np.int64] = ((days * 24 + hour) * 60 + minute) * 60 + second
    result *= _SECOND
    result[~ok] = BAD
    return result


def instant(value: object) -> int:
    """One instant [us] of ISO 8601 text with an offset (finer than a microsecond is cut off) or epoch seconds.

    ``BAD`` where it is neither, or impossible.
    """
    if isinstance(value, bool):
        return int(BAD)
    if isinstance(value, int | float):
        return round(float(value) * _SECOND) if abs(value) < _SECONDS_MAXIMUM else int(BAD)
    found = iso_time.instant(value)
    return int(BAD) if found is None else found


def why_bad(value: object) -> str:
    """What is wrong with a time that is ``BAD``, and what to do; quotes nothing of it."""
    if isinstance(value, str):
        try:
            found = iso_time.read(value)
        except ValueError:
            return "no such date, time of day or offset"
        if found is not None:
            return "a time without an offset: write Z or +01:00 behind it, or read it by a mapping with a zone"
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _SECONDS_MAXIMUM:
        return 'no epoch seconds; milliseconds are read by a mapping with epoch = "ms" or "auto"'
    return "neither ISO 8601 text with an offset, nor epoch seconds"
