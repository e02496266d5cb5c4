"""Episodes by their definition, hour by hour and slowly: what `analytics.air.episodes.find` is held against.

Nothing is carried along: for each hour all hours before it are looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence


def episodes(index: Sequence[int], bottom: int, top: int) -> list[tuple[int, int | None, str | None]]:
    """Begin, end and how it ended, by places in ``index``; None for one that goes on."""
    found: list[tuple[int, int | None, str | None]] = []
    after = 0
    while (
        begin := next((hour for hour in range(after, len(index)) if _begins(index, hour, bottom, top)), None)
    ) is not None:
        known, end, how = _ends(index, begin, bottom)
        if found and found[-1][1] is not None and begin - found[-1][1] < 6:
            begin = found.pop()[0]
        found.append((begin, end, how))
        after = known + 1
    return found


def _begins(index: Sequence[int], hour: int, bottom: int, top: int) -> bool:
    return index[hour] >= top or (len(index[hour : hour + 2]) == 2 and min(index[hour : hour + 2]) >= bottom)


def _ends(index: Sequence[int], begin: int, bottom: int) -> tuple[int, int | None, str | None]:
    """The hour in which an end is known, the end, and how it ended."""
    for hour in range(begin + 1, len(index)):
        last = max(one for one in range(begin, hour + 1) if index[one] >= bottom)
        below = [one for one in range(last + 1, hour + 1) if index[one]]
        if len(below) == 3:
            return hour, last + 1, "below"
        unknown = [one for one in range(hour, last, -1) if not any(index[one : hour + 1])]
        if len(unknown) == 6:
            return hour, hour - 5, "unknown"
    return len(index), None, None
