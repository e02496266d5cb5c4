"""ISO 8601 dates with a time of day, in the forms that devices, strftime and servers write.

``2026-01-29T12:44:41.5Z``, ``2026-01-29 12:44+0000``, ``20260129T124441Z``: the extended or the basic form, a ``T`` or
a blank between, seconds left out or with a fraction behind a point or a comma, the offset as ``Z``, ``+01:00``,
``+0100`` or ``+01``, also behind a blank, or ``UTC``. What two readers could take for two instants is not read: years
of two digits, days before months, and zones by their names (BST, CST).
"""

from __future__ import annotations

import re
from datetime import datetime

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)-(\d\d)|(\d\d)(\d\d))"
    r"[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d+))?)?|(\d\d)(?:(\d\d)(?:[.,](\d+))?)?)"
    r"(?: ?(?:([Zz]|UTC)|([+-])(\d\d)(?::?(\d\d))?))?\Z",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 wall-clock times are counted from it


def read(text: str) -> tuple[datetime, int | None] | None:
    """Wall-clock time without a zone, and its offset from UTC [s], None where the text says none; None: no such form.

    Finer than a microsecond is cut off. Raises ValueError for a date, time of day or offset that does not exist.
    """
    match = _FORM.match(text)
    if match is None:
        return None
    year, month, day, month_, day_, hour, minute, second, part, minute_, second_, part_, zulu, sign, hours, minutes = (
        match.groups()
    )
    fraction = (part or part_ or "").ljust(6, "0")[:6]
    moment = datetime(  # noqa: DTZ001 the offset is beside it
        int(year),
        int(month or month_),
        int(day or day_),
        int(hour),
        int(minute or minute_),
        int(second or second_ or 0),
        int(fraction),
    )
    if zulu:
        return moment, 0
    if not sign:
        return moment, None
    if int(hours) > 23 or int(minutes or 0) > 59:
        raise ValueError("no such offset")
    return moment, (int(hours) * 3600 + int(minutes or 0) * 60) * (-1 if sign == "-" else 1)


def microseconds(moment: datetime, offset: int) -> int:
    """The instant [us since the Unix epoch] of a wall-clock time at an offset from UTC [s]."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds - offset) * 1_000_000 + since.microseconds


def instant(text: object) -> int | None:
    """The instant [us since the Unix epoch] that a text says; None where it says none."""
    if not isinstance(text, str):
        return None
    try:
        found = read(text)
    except ValueError:
        return None
    if found is None or found[1] is None:
        return None
    return microseconds(found[0], found[1])
