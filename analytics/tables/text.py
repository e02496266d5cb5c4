"""Instants and numbers as text, a whole array at once: one row of bytes each, the same width, filled up with NUL.

What is put together of such columns becomes text by deleting every NUL: no number and no instant holds one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
#: Rows of so many bytes each: a dtype ``V…``.
Texts = NDArray[np.void]

_SECOND, _DAY = 1_000_000, 86_400_000_000
#: Year 1 and the end of year 9999 [days since the Unix epoch]: beyond them a date has no four digits.
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
#: So many days apart and more, the text of each day that occurs is made, and not of all between.
_FAR = 4_000
#: What Python writes without an exponent; outside of it every writer has a form of its own.
_PLAIN_LOW, _PLAIN_HIGH = 1e-4, 1e16


def instant_texts(times: Int64) -> tuple[Texts, Texts, Texts | None]:
    """Instants [us since the Unix epoch] as UTC by ISO 8601, ``2026-06-01T00:00:00Z``, in three columns ``(n,)``.

    Date, time of day, and the fraction of the second with the ``Z``: six digits, or no fraction where it is none. The
    third is None where no instant has one: ``Z`` is what belongs there. Raises ValueError outside the years 1 to 9999.
    """
    day, rest = np.divmod(times, _DAY)
    second, fraction = np.divmod(rest.astype(np.int64), _SECOND)
    return _dates(day), _clock()[second], _fractions(fraction) if fraction.any() else None


def number_texts(values: Float64) -> Texts:
    """Numbers ``(n,)`` in the fewest digits that read back as the same number, as Python's ``repr`` writes them.

    They always have a point or an exponent (``12.0``), so that who guesses a column's type by its first rows does not
    take it for whole numbers. What is not known (NaN) is no text at all; infinities are ``INF`` and ``-INF``, as
    xsd:double has them.
    """
    size = np.abs(values)
    odd = ~((size >= _PLAIN_LOW) & (size < _PLAIN_HIGH)) & (values != 0)
    text = orjson.dumps(np.where(odd, 0.0, values), option=orjson.OPT_SERIALIZE_NUMPY)
    signs = np.frombuffer(text, np.uint8)
    ends = np.append(np.flatnonzero(signs == ord(",")), len(text) - 1)
    starts = np.concatenate((np.ones(1, np.int64), ends[:-1] + 1))
    lengths = ends - starts
    width = int(lengths.max(initial=1))
    others = {place: _odd(float(values[place])) for place in np.flatnonzero(odd).tolist()}
    width = max(width, max(map(len, others.values()), default=0))
    # every sign of the text as the beginning of `width` signs, of which each number takes those at its own beginning
    windows: Texts = np.ndarray((len(text),), f"V{width}", buffer=text + bytes(width), strides=(1,))
    found: Texts = windows[starts[: len(values)]]
    _cut(found, lengths[: len(values)], width)
    for place, one in others.items():
        found[place] = one.ljust(width, b"\0")
    return found


def _cut(found: Texts, lengths: Int64, width: int) -> None:
    """Leave of each row so many bytes; the others become NUL."""
    found.view(np.uint8).reshape(len(found), width)[...] *= _keep(width)[lengths]


@cache
def _keep(width: int) -> NDArray[np.uint8]:
    """``(width + 1, width)``: ones as long as the row's number says."""
    return np.tri(width + 1, width, -1, np.uint8)


def _odd(value: float) -> bytes:
    if value != value:  # noqa: PLR0124  # NaN alone is not itself
        return b""
    if value in {float("inf"), float("-inf")}:
        return b"INF" if value > 0 else b"-INF"
    return repr(value).encode()


def _dates(day: Int64) -> Texts:
    if not len(day):
        return np.empty(0, "V10")
    low, high = int(day.min()), int(day.max())
    if low < _FIRST_DAY or high > _LAST_DAY:
        raise ValueError("an instant lies outside the years 1 to 9999")
    if high - low < _FAR:
        return _day_texts(np.arange(low, high + 1))[day - low]
    days, places = np.unique(day, return_inverse=True)
    return _day_texts(days)[places]


def _day_texts(days: NDArray[np.integer[Any]]) -> Texts:
    return _voids(np.datetime_as_string(days.astype("M8[D]")).astype("S10"))


@cache
def _clock() -> Texts:
    """``T00:00:00`` to ``T23:59:59``, by the second of the day."""
    parts = (f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(86_400))
    return _voids(np.array([part.encode() for part in parts], "S9"))


@cache
def _thousand() -> Texts:
    """``000`` to ``999``."""
    return _voids(np.array([f"{number:03}".encode() for number in range(1000)], "S3"))


def _fractions(fraction: Int64) -> Texts:
    """``.000001Z`` where there is a fraction [us], ``Z`` where there is none."""
    rows = np.zeros(len(fraction), [("point", "V1"), ("first", "V3"), ("last", "V3"), ("zulu", "V1")])
    some = np.flatnonzero(fraction)
    first, last = np.divmod(fraction[some], 1000)
    part = np.zeros(len(some), rows.dtype)
    part["point"], part["first"], part["last"] = _void(b"."), _thousand()[first], _thousand()[last]
    rows[some] = part
    rows["zulu"] = _void(b"Z")
    return rows.view("V8")


def _void(text: bytes) -> Texts:
    return np.frombuffer(text, f"V{len(text)}")


def _voids(texts: NDArray[np.bytes_]) -> Texts:
    return texts.view(f"V{texts.dtype.itemsize}")
