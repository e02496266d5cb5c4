"""What a household that takes part in a trial may see of its comparison: the rest is taken out before a row is written.

By its sight (`devices.trials.Sight`) a row holds all, the efficient figure alone, or nothing of others. It is taken out
of finished rows: who counts, and every figure of everybody else, is the same whoever is in a trial, and what is left is
what the row would have shown anyhow, so that masks tell nothing new. A row only ever narrows: what was published or
hidden once does not come back, also when its period settles after the trial has ended.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devices.homes import JUDGED, Reason, State
from devices.trials import SIGHTS, Sight
from store.cells import find_rows
from store.comparisons import Figures, Rows
from store.trials import Sights

Int32 = NDArray[np.int32]

_ZONE, _OWN = SIGHTS.index(Sight.ZONE), SIGHTS.index(Sight.OWN)
_JUDGED = [state.place for state in JUDGED]
#: Reasons that say something of others.
_OF_OTHERS = (Reason.FEW_HOMES.place, Reason.DOMINATED.place)


def sight_of(rows: Rows, members: Sights, published: Figures | None) -> Int32:
    """What each row may hold, a place in Sight, ``(rows,)``: the narrower of what its household may see now and what
    the row held when it was ``published``; None: it was not."""
    found = np.zeros(len(rows.tenancy), np.int32)
    place, known = find_rows(members.tenancy, rows.tenancy)
    found[known] = members.sight[place[known]]
    if published is not None:
        place, known = find_rows(published.tenancy, rows.tenancy)
        found[known] = np.maximum(found[known], published.sight[place[known]])
    return found


def hide(rows: Rows, sight: Int32) -> Rows:
    """The rows with nothing in them that ``sight`` ``(rows,)`` does not allow; states and reasons follow. In place.

    At or below the efficient figure is great, as it is for everybody; where there is no such figure a row of the zone
    shows nothing. Own use, hardship and what is missing of one's own readings stay as they are.
    """
    hidden, own = sight > 0, sight == _OWN
    for column in (rows.average, rows.homes, rows.tenths):
        column[hidden] = -1
    rows.efficient[own] = -1
    judged = hidden & np.isin(rows.state, _JUDGED)
    zone = judged & (sight == _ZONE) & (rows.efficient >= 0)
    rows.state[zone] = np.where(rows.own <= rows.efficient, State.GREAT.place, State.ABOVE_ZONE.place)[zone]
    rows.state[judged & ~zone] = State.SUPPRESSED.place
    rows.reason[judged & ~zone] = Reason.FEW_HOMES.place
    rows.reason[own & (judged | np.isin(rows.reason, _OF_OTHERS))] = Reason.TRIAL.place
    rows.sight = sight
    return rows
