"""A line of an export, said the slow way: the standard library's date, and Python's shortest text of a number."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def line(series: int, device: str, name: str, time: int, value: float) -> str:
    """A reading at ``time`` [us since the Unix epoch]."""
    moment = (_EPOCH + timedelta(microseconds=time)).replace(tzinfo=None).isoformat()
    return f"{series},{device},{name},{moment}Z,{number(value)}\r\n"


def number(value: float) -> str:
    """Nothing where it is not known, xsd:double's words for infinities, else the fewest digits that read back."""
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    return repr(value)
