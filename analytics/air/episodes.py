"""Episodes: times in which the index of an area is in a band, and what becomes of those that people were told of.

An hour is a number of hours since the Unix epoch (UTC). The index of an hour is 1 to 10, and 0 where it has none.

- It begins where the index reaches the band in two successive hours, with the first of them; or with one hour in which
  it reaches the band's top.
- It ends after three hours below the band, hours without an index not counted: its end is the hour after the last one
  in the band. A beginning less than six hours after an end is none: the episode goes on. So an end is ``final`` once
  nothing can follow that would undo it.
- Where six successive hours have no index it ends as ``unknown``, with the first of them. What comes then is another.

Readings come late, so what was found once is found anew every time (`find`) and held against what was noted
(`compare`): what touches a noted episode is that one, and what is not found any more was none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from store.air_alerts import Episode, Noted

#: So many hours below the band end an episode; a beginning within so many after its end is no other one.
BELOW, SAME = 3, 6
#: So many successive hours without an index end it as unknown.
UNKNOWN = 6
#: Where the newest hours have no index yet, an end is final so many hours later all the same.
_LATE = 2


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new, and noted episodes as they are now, those that are as they were left out."""

    new: Sequence[Episode]
    changed: Sequence[Noted]


def find(index: NDArray[np.int8], first: int, bottom: int, top: int) -> list[Episode]:
    """The episodes of a band from ``bottom`` to ``top``, the oldest first.

    ``index`` ``(hours,)``: of successive hours from the hour ``first`` on.
    """
    found: list[Episode] = []
    open_ = False
    below = unknown = 0
    values = index.tolist()
    for place, value in enumerate(values):
        hour = first + place
        inside = value >= bottom
        if open_:
            one = found[-1]
            below, unknown = (0, 0) if inside else (below + (value > 0), 0 if value else unknown + 1)
            if inside:
                found[-1] = replace(one, last=hour, highest=max(one.highest, value))
            elif below == BELOW:
                open_, found[-1] = False, replace(one, end=one.last + 1, how="below")
            elif unknown == UNKNOWN:
                open_, found[-1] = False, replace(one, end=hour - UNKNOWN + 1, how="unknown", final=True)
        elif value >= top or (inside and place + 1 < len(values) and values[place + 1] >= bottom):
            open_, below, unknown = True, 0, 0
            before = found[-1] if found else None
            if before is not None and before.end is not None and hour - before.end < SAME:
                found[-1] = Episode(before.begin, hour, max(before.highest, value))
            else:
                found.append(Episode(hour, hour, value))
    if found and found[-1].how == "below":
        found[-1] = replace(found[-1], final=_final(values, first, found[-1]))
    # of two episodes the first one's end was final when the second began
    return [replace(one, final=True) for one in found[:-1]] + found[-1:]


def _final(values: Sequence[int], first: int, one: Episode) -> bool:
    """Whether the hours after an end are so many that no beginning can be near enough: one shows in its second hour."""
    assert one.end is not None
    later = values[one.end + SAME - first :]
    return any(later) or len(later) > _LATE


def compare(noted: Sequence[Noted], found: Sequence[Episode], first: int, newest: int) -> Changes:
    """What was noted of an area and band, held against what is ``found`` in the hours from ``first`` to ``newest``.

    What touches a noted episode, or is less than six hours away from it, is that one and is never new. A noted one
    that began in these hours and is not found ends as ``withdrawn``; one that began before them and is not found was
    looked at by nobody when it ended: ``unknown``.
    """
    rest = list(found)
    changed: list[Noted] = []
    for one in sorted(noted, key=lambda one: one.episode.begin):
        own = [other for other in rest if _same(one, other)]
        rest = [other for other in rest if other not in own]
        now = _now(one, own, first)
        if now != one.episode or (now.end is None and one.seen != newest):
            changed.append(replace(one, episode=now, seen=newest))
    return Changes(rest, changed)


def _same(one: Noted, found: Episode) -> bool:
    begin, end = one.episode.begin, one.seen + 1 if one.episode.end is None else one.episode.end
    if one.episode.how == "withdrawn":
        end = max(end, one.episode.last + 1)
    far = found.begin - end >= SAME or (found.end is not None and begin - found.end >= SAME)
    return not far


def _now(one: Noted, own: Sequence[Episode], first: int) -> Episode:
    """A noted episode as it is found now; several that are found of it are one."""
    was = one.episode
    if own:
        # its first hours may lie before those that were looked at
        begin = min(was.begin, own[0].begin) if was.begin < first else own[0].begin
        highest = max(other.highest for other in own)
        return replace(own[-1], begin=begin, highest=max(highest, was.highest) if was.begin < first else highest)
    if was.begin < first:
        return was if was.end is not None else replace(was, end=first, how="unknown", final=True)
    return was if was.how == "withdrawn" else replace(was, end=was.begin, how="withdrawn", final=True)
