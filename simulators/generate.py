"""A fleet's signals: what all its devices observe in a span, before any fault."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping

from simulators.air import signals as air_signals
from simulators.meter_signals import signals as meter_signals
from simulators.movement import signals as movement_signals
from simulators.parking import signals as parking_signals
from simulators.plans import Fleet
from simulators.readings import numbered, pieces
from simulators.stream import Signals

#: Family -> what makes its signals.
GENERATORS: Mapping[str, Callable[[Fleet, int, int], Iterator[Signals]]] = {
    "parking-bay": parking_signals,
    "smart-meter": meter_signals,
    "air-monitor": air_signals,
    "movement-sensor": movement_signals,
}


def generate(fleet: Fleet, start_us: int, end_us: int) -> Iterator[Signals]:
    """Readings of all families in [start, end) [us since the epoch], in pieces of bounded size.

    Pieces come in order of their first instant; within a family they follow each other in time, and message numbers
    run on from 0. A reading depends on the fleet and on its instant alone, never on the span that is asked for.
    Raises ValueError for a span that begins before the fleet was installed.
    """
    if start_us < fleet.start_us:
        raise ValueError(f"fleet {fleet.name}: the span begins before the fleet's start")
    streams = [_family(fleet, family, start_us, end_us) for family in fleet.plans]
    yield from heapq.merge(*streams, key=lambda piece: int(piece.time[0]))


def _family(fleet: Fleet, family: str, start_us: int, end_us: int) -> Iterator[Signals]:
    made = GENERATORS[family](fleet, start_us, end_us)
    return numbered(piece for chunk in made for piece in pieces(chunk))
