"""A fleet's signals: what all its devices observe in a span, before any fault."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence

from devices.device import Device
from simulators import air, homes, meter_signals, movement, parking
from simulators.plans import Fleet
from simulators.readings import numbered, pieces
from simulators.stream import Signals

#: Family -> what makes its devices and its signals.
FAMILIES: Mapping[
    str,
    tuple[Callable[[Fleet], Sequence[Device]], Callable[[Fleet, Sequence[Device], int, int], Iterator[Signals]]],
] = {
    "parking-bay": (parking.devices, parking.signals),
    "smart-meter": (homes.devices, meter_signals.signals),
    "air-monitor": (air.devices, air.signals),
    "movement-sensor": (movement.devices, movement.signals),
}


def devices_of(fleet: Fleet) -> Mapping[str, Sequence[Device]]:
    """Family -> its devices; what `Signals.device` indexes. The same for the same file and seed."""
    return {family: FAMILIES[family][0](fleet) for family in fleet.plans}


def generate(
    fleet: Fleet, start_us: int, end_us: int, devices: Mapping[str, Sequence[Device]] | None = None
) -> Iterator[Signals]:
    """Readings of all families in [start, end) [us since the epoch], in pieces of bounded size.

    Pieces come in order of their first instant; within a family they follow each other in time, and message numbers
    run on from 0. A reading depends on the fleet and on its instant alone, never on the span that is asked for.
    ``devices``: those of the fleet where they were made before (`devices_of`), for making them takes time.
    Raises ValueError for a span that begins before the fleet was installed.
    """
    if start_us < fleet.start_us:
        raise ValueError(f"fleet {fleet.name}: the span begins before the fleet's start")
    devices = devices_of(fleet) if devices is None else devices
    streams = [_family(fleet, family, devices[family], start_us, end_us) for family in fleet.plans]
    yield from heapq.merge(*streams, key=lambda piece: int(piece.time[0]))


def _family(fleet: Fleet, family: str, devices: Sequence[Device], start_us: int, end_us: int) -> Iterator[Signals]:
    made = FAMILIES[family][1](fleet, devices, start_us, end_us)
    return numbered(piece for chunk in made for piece in pieces(chunk))
