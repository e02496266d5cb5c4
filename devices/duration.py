"""ISO 8601 durations of fixed length, as the device attribute ``interval`` has them."""

from __future__ import annotations

import re

_DURATION = re.compile(r"P(?:(\d{1,5})D)?(?:T(?=\d)(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,11})S)?)?\Z", re.ASCII)
#: A length beyond it is a slip of the hand [us].
_LONGEST = 3_660 * 86_400_000_000


def duration(text: str | None) -> int | None:
    """Length [us] of a duration in days and smaller units (PT30M, PT1H, P1D); None where the text is none.

    A month or a year has no fixed length, and zero or more than ten years is no length of an interval: None too.
    """
    found = _DURATION.match((text or "").strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    length = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000
    return length if 0 < length <= _LONGEST else None
