"""A length of time as people type it."""

from __future__ import annotations

import re
from datetime import timedelta

from borough.errors import UsageError

_DURATION = re.compile(r"(\d{1,6})\s*(s|min|h|d)\Z")
#: What is longer is a slip of the hand, and days of Python begin 2,000 years ago.
_LONGEST = timedelta(days=36_500)
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """A length of time as it is typed: ``90s``, ``15min``, ``1h``, ``2d``; up to a hundred years. Raises UsageError."""
    found = _DURATION.match(text.strip())
    length = None if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})
    if length is None or length > _LONGEST:
        raise UsageError(f"{text!r} is no length of time such as 90s, 15min, 1h or 2d, up to {_LONGEST.days}d")
    return length
