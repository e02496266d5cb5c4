"""Which numbers of homes must not be told, where their sum may be known.

A number from 1 to one less than `LEAST_HOMES` is told to nobody. Where parts add up to a sum that is known, the part
that is kept back is the sum less the others, so more are kept back until at least two are, of `LEAST_HOMES` together.
"""

from __future__ import annotations

from collections.abc import Sequence

from analytics.trial.eligibility import LEAST_HOMES


def untold(counts: Sequence[int], few: Sequence[bool] | None = None) -> list[bool]:
    """Which of ``counts``, parts of one sum, are kept back. ``few``: those that must be, whatever their number; without
    it those that are too small."""
    kept = [0 < count < LEAST_HOMES for count in counts] if few is None else list(few)
    if not any(kept):
        return kept
    # the smallest first, so that most is told; a part without a home tells nothing of the others
    for place in sorted(range(len(counts)), key=counts.__getitem__):
        back = [count for count, hidden in zip(counts, kept, strict=True) if hidden]
        if sum(count > 0 for count in back) > 1 and sum(back) >= LEAST_HOMES:
            break
        if counts[place] > 0:
            kept[place] = True
    return kept
