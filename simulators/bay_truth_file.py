"""What is true of a fleet's bays as a Parquet file beside a ledger: ``day.parquet`` has ``day.bays``.

=============  ===================  ==================================================================================
column         type                 meaning
=============  ===================  ==================================================================================
what           string               ``span`` of the simulation, ``bay``, ``sensor`` in a bay, ``known``, ``suspended``
                                    (the bay from start to end), ``stay``
bay            string               "" of the span
device         string               of a sensor
zone           string               of a bay
personal       bool                 whether a bay is one household's
start end      timestamp[us, UTC]   null: neither told nor at an end
begun ended    bool                 whether a stay's arrival, and its departure, were seen
over_from      timestamp[us, UTC]   where a stay's time over begins
over           int64                a stay's time over [us]
heartbeat      int64                of a sensor [us]
=============  ===================  ==================================================================================

The same truth gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulators import truth_table
from simulators.bay_truth import BayTruth, Int64, Intervals, TrueStays
from simulators.truth_table import INSTANT, NONE, TruthError, part

SUFFIX = ".bays"
SCHEMA = pa.schema(
    [
        ("what", pa.string()),
        ("bay", pa.string()),
        ("device", pa.string()),
        ("zone", pa.string()),
        ("personal", pa.bool_()),
        ("start", INSTANT),
        ("end", INSTANT),
        ("begun", pa.bool_()),
        ("ended", pa.bool_()),
        ("over_from", INSTANT),
        ("over", pa.int64()),
        ("heartbeat", pa.int64()),
    ]
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """A truth as its file tells it. ``zones`` and ``personal`` by bay; ``sensors``: (device, place of its bay)."""

    bays: list[str]
    zones: list[str]
    personal: NDArray[np.bool_]
    sensors: list[tuple[str, int]]
    heartbeat: int
    start: int
    end: int
    stays: TrueStays
    known: Intervals
    suspended: Intervals


def beside(ledger: Path) -> Path:
    """The file of the truth that belongs to a ledger."""
    return ledger.with_suffix(SUFFIX)


def write(path: Path, truth: BayTruth, heartbeat: int) -> None:
    """Write a truth; ``heartbeat`` [us] of its sensors. Raises OSError."""
    ids = [bay.id for bay in truth.register.bays]
    stays = truth.stays
    parts = [
        part(SCHEMA, "span", [""], start=np.array([truth.start]), end=np.array([truth.end])),
        part(SCHEMA, "bay", ids, zone=[bay.zone for bay in truth.register.bays],
              personal=[bay.personal for bay in truth.register.bays]),
        part(SCHEMA, "sensor", [link.bay for link in truth.register.sensors],
              device=[link.device for link in truth.register.sensors],
              start=np.array([_us(link.start) for link in truth.register.sensors]),
              end=np.array([_us(link.end) for link in truth.register.sensors]), heartbeat=heartbeat),
        *(
            part(SCHEMA, what, [ids[bay] for bay in one.bay.tolist()], start=one.start, end=one.end)
            for what, one in (("known", truth.known), ("suspended", truth.suspended))
        ),
        part(SCHEMA, "stay", [ids[bay] for bay in stays.bay.tolist()], start=stays.arrival,
              end=np.where(stays.lasts, NONE, stays.departure), begun=stays.begun, ended=stays.ended,
              over_from=stays.over_from, over=stays.over),
    ]  # fmt: skip
    truth_table.write(path, parts)


def read(path: Path) -> Told:
    """A truth from its file. Raises TruthError."""
    table = truth_table.read(path, SCHEMA)
    try:
        return _told(table)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise TruthError(f"truth {path}: contradicts itself ({type(error).__name__}: {error})") from None


def _told(table: pa.Table) -> Told:
    what = np.array(table.column("what").to_pylist(), object)
    part = {name: table.take(pa.array(np.flatnonzero(what == name))) for name in ("span", "bay", "sensor")}
    bays: list[str] = part["bay"].column("bay").to_pylist()
    places = {name: place for place, name in enumerate(bays)}
    span, sensors = part["span"].to_pylist()[0], part["sensor"].to_pylist()

    def of(name: str) -> tuple[pa.Table, Intervals]:
        rows = table.take(pa.array(np.flatnonzero(what == name)))
        place = np.array([places[bay] for bay in rows.column("bay").to_pylist()], np.int64)
        return rows, Intervals(place, _moments(rows, "start"), _moments(rows, "end"))

    end = _us(span["end"])
    rows, stays = of("stay")
    lasts = stays.end == NONE
    return Told(
        bays=bays,
        zones=part["bay"].column("zone").to_pylist(),
        personal=np.array(part["bay"].column("personal").to_pylist(), np.bool_),
        sensors=[(row["device"], places[row["bay"]]) for row in sensors],
        heartbeat=max((int(row["heartbeat"]) for row in sensors), default=0),
        start=_us(span["start"]),
        end=end,
        stays=TrueStays(
            stays.bay,
            stays.start,
            np.where(lasts, end, stays.end),
            np.array(rows.column("begun").to_pylist(), np.bool_),
            np.array(rows.column("ended").to_pylist(), np.bool_),
            lasts,
            _moments(rows, "over_from"),
            np.array(rows.column("over").to_pylist(), np.int64),
        ),
        known=of("known")[1],
        suspended=of("suspended")[1],
    )


def _moments(rows: pa.Table, name: str) -> Int64:
    found: Int64 = (
        rows.column(name).combine_chunks().cast(pa.int64()).fill_null(NONE).to_numpy(zero_copy_only=False)
    ).astype(np.int64)
    return found


def _us(moment: datetime | None) -> int:
    return NONE if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)
