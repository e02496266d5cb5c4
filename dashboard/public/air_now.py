"""All monitors now, by band: the map and the finding of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from analytics.air.index import LABELS
from dashboard import plan
from dashboard.public import air_words as words
from dashboard.public.air_pictures import band_mark
from dashboard.web.air_board import AirBoard, index
from devices.counts import counted
from devices.text import visible
from store.air import Now

#: A mark of the map where there are few monitors, in its own units.
_MARK = 54
#: Bands from the worst to the best, and then those without an index.
BANDS = ("very-high", "high", "moderate", "low", "no-index")
BAND_WORDS = {**LABELS, "no-index": words.NO_INDEX}


def counts(board: AirBoard) -> dict[str, int]:
    """How many monitors are in each band, all of ``BANDS``."""
    found = Counter(mark(one) for one in board.rows)
    return {band: found[band] for band in BANDS}


def of_band(board: AirBoard, band: str) -> list[Now]:
    """The monitors in one band; all for ""."""
    return [one for one in board.rows if band in ("", mark(one))]


def mark(one: Now) -> str:
    """The mark of a monitor: of its band now, or of none."""
    return band_mark(index(one))


def draw(rows: Sequence[Now]) -> Markup:
    """The map of those monitors that have a place; the worst lie on top. Empty where none has."""
    placed = [one for one in rows if one.monitor.lon is not None and one.monitor.lat is not None]
    lon = np.array([one.monitor.lon for one in placed], np.float64)
    lat = np.array([one.monitor.lat for one in placed], np.float64)
    found = np.array([mark(one) for one in placed])
    said = f"Map of {counted(len(placed), 'monitor')}. The list says the same in words."
    return plan.draw(lon, lat, {band: found == band for band in reversed(BANDS)}, said, largest=_MARK)


def summary(board: AirBoard) -> str:
    """The finding: ``The index is Low at 10 of the 12 monitors that have one. The highest is 5, Moderate, at Mill.``

    Those without an index are named where there are any: nobody knows of them.
    """
    number = counts(board)
    known = len(board.rows) - number["no-index"]
    if not known:
        return "No monitor has an index now."
    worst = board.rows[0]
    highest = f"{words.index_words(worst.index)}, at {visible(worst.monitor.name)}"
    if known == 1:
        return f"One monitor has an index now: {highest}."
    band = max((one for one in BANDS[:-1]), key=lambda one: number[one])
    every = "both" if known == 2 else f"all {known}"
    most = f"{every} monitors" if number[band] == known else f"{number[band]} of the {known} monitors"
    which = " that have one" if number["no-index"] else ""
    return f"The index is {BAND_WORDS[band]} at {most}{which}. The highest is {highest}."
