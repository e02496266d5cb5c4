"""One snapshot: a month of a dataset from one state of the database, as CSV, Parquet and a map of its devices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from analytics.tables.csv_text import csv_blocks
from analytics.tables.geojson import Place, geojson_blocks
from analytics.tables.parquet import parquet_blocks
from borough.publishing import placing
from dashboard.open_data import shelf
from dashboard.open_data.datasets import CSV, GEOJSON, PARQUET, READING_COLUMNS, Dataset
from dashboard.open_data.shelf import Changes, File, Manifest, Part, Snapshot
from devices.csvw import described, metadata_name
from devices.device import Origin
from store import open_data, snapshots
from store.arrays import SeriesBlock
from store.connect import Connection
from store.open_data import OpenSeries
from store.times import microseconds

METADATA = "application/csvm+json"


@dataclass(frozen=True, slots=True)
class Order:
    """What all snapshots of a run have in common."""

    folder: Path
    publisher: str
    licence: str
    origin: Origin
    program: str


@dataclass(slots=True)
class _Tally:
    """Counts the readings of each series while they pass, and makes a digest of them that tells any change."""

    series: Sequence[OpenSeries]
    rows: dict[int, int] = field(default_factory=dict)
    _digests: dict[int, hashlib._Hash] = field(default_factory=dict)

    def passing(self, blocks: Iterable[SeriesBlock]) -> Iterator[SeriesBlock]:
        """The blocks themselves."""
        for block in blocks:
            # a reading is its time and its value side by side: wherever a block ends, the digest is the same
            pairs = np.column_stack((block.times, np.ascontiguousarray(block.values).view(np.int64)))
            for number, place in enumerate(block.places.tolist()):
                some = pairs[block.offsets[number] : block.offsets[number + 1]]
                one = self.series[place].id
                self.rows[one] = self.rows.get(one, 0) + len(some)
                self._digests.setdefault(one, hashlib.sha256()).update(some.tobytes())
            yield block

    def parts(self) -> dict[int, Part]:
        """Each series that has readings."""
        return {one: Part(rows, self._digests[one].hexdigest()) for one, rows in self.rows.items() if rows}


def make(
    state: Connection,
    order: Order,
    dataset: Dataset,
    family: str,
    month: str,
    revision: int,
    before: Snapshot | None,
) -> Snapshot | None:
    """Make and place the snapshot of a month as ``state`` knows it, a connection in which all is of one moment.

    None where it would say what ``before`` says already, or where there is neither a reading nor a snapshot before.
    Raises psycopg.Error, OSError; then there is none.
    """
    begin, end = shelf.month_bounds(month)
    known = before.contents() if before is not None else {}
    series = open_data.open_series(state, family, origin=order.origin)
    name = f"{dataset.id}-{month}.r{revision}"
    tally = _Tally(series)
    with placing.making(order.folder) as place:
        csv = placing.write(
            place, f"{name}.csv", CSV, csv_blocks(series, tally.passing(_readings(state, series, begin, end)))
        )
        parts = tally.parts()
        if parts == known:
            return None
        shown = [one for one in series if one.id in parts]
        about = f"{dataset.describes} All of {month} (UTC), revision {revision}."
        parquet = placing.write(
            place,
            f"{name}.parquet",
            PARQUET,
            parquet_blocks(series, _readings(state, series, begin, end), metadata={
                "title": dataset.title, "description": about, "publisher": order.publisher, "license": order.licence,
            }),
        )  # fmt: skip
        devices = sorted({one.device for one in shown})
        places = placing.write(place, f"{name}.places.geojson", GEOJSON, geojson_blocks(_places(state, devices)))
        made_at = datetime.now(UTC)
        meaning = described(
            csv.name,
            f"{dataset.title}, {month}",
            about,
            READING_COLUMNS,
            publisher=order.publisher,
            licence=order.licence,
            modified=made_at.date().isoformat(),
        )
        metadata = placing.write(place, metadata_name(csv.name), METADATA, [meaning])
        rows = sum(part.rows for part in parts.values())
        manifest = Manifest(
            dataset.id,
            dataset.title,
            month,
            revision,
            begin,
            end,
            made_at,
            order.program,
            order.publisher,
            order.licence,
            order.origin,
            rows,
            len(parts),
            len(devices),
            (_with_rows(csv, rows), metadata, _with_rows(parquet, rows), places),
            None if before is None else _changes(known, parts),
        )
        placing.write(place, shelf.SERIES, METADATA, [shelf.encode(parts)])
        placing.write(place, shelf.MANIFEST, METADATA, [shelf.encode(manifest)])
        there = placing.put(place, order.folder, dataset.id, shelf.folder_name(month, revision))
    return Snapshot(there, manifest)


def _readings(state: Connection, series: Sequence[OpenSeries], begin: datetime, end: datetime) -> Iterator[SeriesBlock]:
    return open_data.readings(state, series, microseconds(begin), microseconds(end))


def _places(state: Connection, devices: Sequence[str]) -> Iterator[Place]:
    for one in snapshots.places(state, devices):
        yield Place(one.id, one.lon, one.lat, {"model": one.model, **one.attributes})


def _changes(known: dict[int, Part], parts: dict[int, Part]) -> Changes:
    return Changes(
        len(parts.keys() - known.keys()),
        len(known.keys() - parts.keys()),
        sum(known[one] != parts[one] for one in known.keys() & parts.keys()),
        sum(part.rows for part in known.values()),
    )


def _with_rows(file: File, rows: int) -> File:
    return File(file.name, file.media_type, file.bytes, file.sha256, rows)
