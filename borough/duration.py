"""A length of time as people type it."""

from __future__ import annotations

import re
from datetime import timedelta

from borough.errors import UsageError

_DURATION = re.compile(r"(\d{1,6})\s*(s|min|h|d)\Z")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """A length of time as it is typed: ``90s``, ``15min``, ``1h``, ``2d``. Raises UsageError."""
    found = _DURATION.match(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no length of time such as 90s, 15min, 1h or 2d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
