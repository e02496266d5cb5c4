"""Readings of open devices as CSV and Parquet, for anybody: one state of the database, streamed while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, HTTPException, Query, Request, Response

from analytics.tables.csv_text import csv_blocks
from analytics.tables.parquet import parquet_blocks
from dashboard.open_data import energy, places, zones
from dashboard.open_data.making import Exports, File
from dashboard.open_data.spans import From, To, days_of
from dashboard.web.site import Site
from dashboard.web.values import Text, Word
from dashboard.web.visitor import Anybody
from devices.counts import counted
from devices.device import Origin
from store import open_data, sta_count
from store.arrays import SeriesBlock
from store.connect import Connection
from store.open_data import OpenSeries
from store.sta_count import Known
from store.times import begin_of, microseconds

PATH = "/open-data/exports"
#: Readings of one export, and how many devices it can name.
MOST, DEVICES = 10_000_000, 200
#: Of days that nobody has counted yet the planner guesses. From so many together on they are counted before anything is
#: sent, for a guess may be off: a tenth of a second a million, for which everybody waits. Where it is far off,
#: `TooMany`.
_COUNTED = MOST // 2
#: For so many gaps between counted days one guess each; for more of them one for all that lies between.
_GUESSES = 12
#: Weeks of a series are read at once that have so many readings, as far as they are counted.
_AT_ONCE = 65_536

CSV_TYPE, PARQUET_TYPE = "text/csv; charset=utf-8", "application/vnd.apache.parquet"

Properties = Annotated[list[Word] | None, Query(alias="property", max_length=20, description="Only these")]
Devices = Annotated[list[Text] | None, Query(alias="device", max_length=DEVICES, description="Only these")]


class Asked(NamedTuple):
    """Which readings: of a family, of some devices and properties or all (None), from ``start`` to ``end`` [us]."""

    family: str
    properties: Sequence[str] | None
    devices: Sequence[str] | None
    start: int
    end: int


def router(site: Site) -> APIRouter:
    """All exports."""
    routes = APIRouter(include_in_schema=False)
    exports = Exports(site)
    # before those of a family, whose addresses theirs look like
    zones.add(routes, site, exports)
    energy.add(routes, site, exports)
    places.add(routes, site, exports)

    @routes.get(PATH + "/{family}.csv")
    @site.lane.steps
    async def readings_csv(
        request: Request, visitor: Anybody, family: Word,
        properties: Properties = None, devices: Devices = None, begin: From = None, end: To = None,
    ) -> Response:  # fmt: skip
        """Readings of a family's open devices as CSV."""
        asked = _asked(family, properties, devices, begin, end)

        def begun(connection: Connection) -> Iterator[bytes]:
            series, known = _series(connection, asked, exports.origin)
            return csv_blocks(series, _blocks(connection, series, asked, known))

        file = File(family, "csv", CSV_TYPE, f"{PATH}/{{family}}.csv-metadata.json")
        return await exports.answer(request, visitor, file, begun, asked)

    @routes.get(PATH + "/{family}.parquet")
    @site.lane.steps
    async def readings_parquet(
        request: Request, visitor: Anybody, family: Word,
        properties: Properties = None, devices: Devices = None, begin: From = None, end: To = None,
    ) -> Response:  # fmt: skip
        """The same as Parquet."""
        asked = _asked(family, properties, devices, begin, end)

        def begun(connection: Connection) -> Iterator[bytes]:
            series, known = _series(connection, asked, exports.origin)
            units = {f"unit:{one.property}": one.unit for one in series if one.unit}
            told = {"publisher": site.options.council_name, "family": family, **units}
            return parquet_blocks(series, _blocks(connection, series, asked, known), metadata=told)

        return await exports.answer(request, visitor, File(family, "parquet", PARQUET_TYPE), begun, asked)

    return routes


def _asked(
    family: str, properties: Sequence[str] | None, devices: Sequence[str] | None, begin: date | None, end: date | None
) -> Asked:
    if family not in open_data.FAMILIES:
        raise HTTPException(404)
    first, last = days_of(begin, end, datetime.now(UTC).date())
    start, stop = (microseconds(begin_of(day, UTC)) for day in (first, last + timedelta(days=1)))
    return Asked(family, properties, devices, start, stop)


def _series(connection: Connection, asked: Asked, origin: Origin) -> tuple[list[OpenSeries], Known]:
    """What was asked for, and what is known of how much that is.

    Raises HTTPException 404 where a device or property has nothing that is open, 400 where it is too much.
    """
    found = open_data.open_series(
        connection, asked.family, origin=origin, properties=asked.properties, devices=asked.devices
    )
    if not (
        {one.device for one in found}.issuperset(asked.devices or ())
        and {one.property for one in found}.issuperset(asked.properties or ())
    ):
        raise HTTPException(404)
    known = sta_count.known(connection, origin, [one.id for one in found], asked.start, asked.end)
    if found and _too_many(connection, found, known):
        raise HTTPException(400, "export-long")
    return found, known


def _weeks(asked: Asked, known: Known) -> int:
    """Weeks that are read at once of days that are counted: a megabyte of the densest series."""
    covered = asked.end - asked.start - sum(end - start for start, end in known.gaps)
    return max(1, _AT_ONCE * covered // (known.most * open_data.WEEK)) if known.most else 1


def _too_many(connection: Connection, series: Sequence[OpenSeries], known: Known) -> bool:
    """Whether there are more readings than `MOST`. What was counted before is known; only of the rest there is a guess,
    whose price grows with the weeks that it is for."""
    gaps = known.gaps if len(known.gaps) <= _GUESSES else [(known.gaps[0][0], known.gaps[-1][1])]
    guess = known.readings + sum(open_data.expected(connection, series, *gap) for gap in gaps)
    if guess <= _COUNTED or known.readings > MOST:
        return known.readings > MOST
    found = known.readings
    for gap in known.gaps:
        found += open_data.count(connection, series, *gap, MOST + 1 - found)
        if found > MOST:
            return True
    return False


class TooMany(RuntimeError):
    """There are far more readings than the planner guessed: the export is broken off."""


def _blocks(connection: Connection, series: Sequence[OpenSeries], asked: Asked, known: Known) -> Iterator[SeriesBlock]:
    rows, weeks = 0, _weeks(asked, known)
    # nobody knows how dense the days are that are not counted
    for block in open_data.readings(connection, series, asked.start, asked.end, weeks=weeks, dense=known.gaps):
        rows += len(block.times)
        if rows > 2 * MOST:
            raise TooMany(f"an export of the family {asked.family} has more than {counted(2 * MOST, 'reading')}")
        yield block
