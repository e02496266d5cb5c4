"""How all bays stand, for every page that shows them: the register in memory, and the states of now or of an instant.

The register is read again after a while, the states at most once a second: what changes between is told by the stream
of changes. An officer sees all bays; whoever else may come in sees those of no household (`Board.seen`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.parking.state import Now
from store import board as table
from store.batch import Float64
from store.connect import Connection

#: How long the register is good, and the states [s].
_REGISTER, _STATES = 30.0, 1.0
#: Past instants that are kept.
_PAST = 4


@dataclass(frozen=True)
class Bays:
    """The bays of a day in the order of the board (zone, street, id), each column ``(bays,)``."""

    id: Sequence[str]
    street: NDArray[np.str_]
    zone: NDArray[np.str_]
    kind: NDArray[np.str_]
    lon: Float64
    lat: Float64
    personal: NDArray[np.bool_]
    #: Of the sensor that lies in it, "" where none does.
    model: NDArray[np.str_]

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Where each bay stands in the columns."""
        return {bay: place for place, bay in enumerate(self.id)}
