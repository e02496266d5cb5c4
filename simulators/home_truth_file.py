"""What is true of a fleet's homes as a Parquet file beside a ledger: ``day.parquet`` has ``day.homes``.

=============  ===================  ==================================================================================
column         type                 meaning
=============  ===================  ==================================================================================
what           string               ``span`` of the simulation, ``home``, ``sensor`` in a home, ``emergency`` (somebody
                                    does not move, until found), ``hospital`` (away after it), ``away`` (nobody who
                                    lives there is in), ``visitor`` (somebody else is in)
home           string               "" of the span
device         string               of a sensor
people         int64                who live in a home
pet            bool                 whether a home has one
start end      timestamp[us, UTC]   of all but homes and sensors
=============  ===================  ==================================================================================

The same truth gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from devices.device import Device
from simulators import truth_table
from simulators.movement_life import Int64, Spans
from simulators.movement_truth import MovementTruth
from simulators.truth_table import INSTANT, TruthError, part

SUFFIX = ".homes"
SCHEMA = pa.schema(
    [
        ("what", pa.string()),
        ("home", pa.string()),
        ("device", pa.string()),
        ("people", pa.int64()),
        ("pet", pa.bool_()),
        ("start", INSTANT),
        ("end", INSTANT),
    ]
)


@dataclass(frozen=True, slots=True)
class ToldHomes:
    """A truth as its file tells it. ``sensors``: (device, place of its home); spans by place of the home [us]."""

    homes: list[str]
    sensors: list[tuple[str, int]]
    start: int
    end: int
    emergencies: Spans
    hospital: Spans


def beside(ledger: Path) -> Path:
    """The file of the truth that belongs to a ledger."""
    return ledger.with_suffix(SUFFIX)


def write(path: Path, truth: MovementTruth, devices: Sequence[Device]) -> None:
    """Write a truth; ``devices``: the sensors of these homes, which name theirs. Raises OSError."""
    homes = list(truth.homes)
    spans = {
        "emergency": truth.emergencies, "hospital": truth.hospital, "away": truth.away, "visitor": truth.visitors
    }  # fmt: skip
    parts = [
        part(SCHEMA, "span", [""], start=np.array([truth.start]), end=np.array([truth.end])),
        part(SCHEMA, "home", homes, people=truth.people, pet=truth.pets),
        part(SCHEMA, "sensor", [one.attributes["home"] for one in devices], device=[one.id for one in devices]),
        *(
            part(SCHEMA, what, [homes[home] for home in one.home.tolist()], start=one.start, end=one.end)
            for what, one in spans.items()
        ),
    ]
    truth_table.write(path, parts)


def read(path: Path) -> ToldHomes:
    """A truth from its file. Raises TruthError."""
    table = truth_table.read(path, SCHEMA)
    try:
        return _told(table.to_pydict())
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise TruthError(f"truth {path}: contradicts itself ({type(error).__name__}: {error})") from None


def _told(rows: dict[str, list[Any]]) -> ToldHomes:
    places = {what: [place for place, one in enumerate(rows["what"]) if one == what] for what in set(rows["what"])}
    homes = [rows["home"][place] for place in places["home"]]
    number = {home: place for place, home in enumerate(homes)}

    def spans(what: str) -> Spans:
        own = places.get(what, [])
        return Spans(np.array([number[rows["home"][place]] for place in own], np.int64), *_times(rows, own))

    start, end = _times(rows, places["span"])
    return ToldHomes(
        homes,
        [(str(rows["device"][place]), number[rows["home"][place]]) for place in places["sensor"]],
        int(start[0]),
        int(end[0]),
        spans("emergency"),
        spans("hospital"),
    )


def _times(rows: dict[str, list[Any]], own: list[int]) -> tuple[Int64, Int64]:
    start, end = (
        np.array([pa.scalar(rows[name][place], INSTANT).cast(pa.int64()).as_py() for place in own], np.int64)
        for name in ("start", "end")
    )
    return start, end
