"""What one device said at one time, as the rows of tables and other files become it."""

from __future__ import annotations

from typing import NamedTuple


class Observation(NamedTuple):
    """What one device said at one time [us since the Unix epoch]. ``device`` indexes the source's ``devices``."""

    time: int
    device: int
    values: dict[str, float]
