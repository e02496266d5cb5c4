"""The series explorer: any open series over any time, two of them below each other, and their readings to keep.

A household's series are not there: neither found nor opened, whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, HTTPException, Query, Request, Response
from markupsafe import Markup

from dashboard.engineer import series_files, series_panel
from dashboard.engineer.line_picture import CHANGED
from dashboard.engineer.series_panel import Panel
from dashboard.engineer.series_spans import NAMES, Name, NoSpan, Span, beside, choose
from dashboard.engineer.time_axis import local
from dashboard.web.site import Site
from dashboard.web.streams import Stream
from dashboard.web.values import LAST_DAY, Moment, Text, Whole
from devices.families import FAMILIES
from store import open_series
from store.connect import Connection
from store.open_series import OpenSeries
from store.times import instant, midnight

#: Series of a page of the search.
FOUND = 50
PATH = "/engineer/series"
_MINUTE = 60_000_000

_Begin = Annotated[Moment, Query(alias="from")]
_End = Annotated[Moment, Query(alias="to")]


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with all that the template prints of it."""

    key: str
    panel: Panel
    headline: str
    notes: Sequence[str]
    drawing: Markup
    rows: Sequence[series_panel.Row]
    changes: Sequence[series_panel.ChangeRow]
    points: str
    csv: str
    parquet: str


def router(site: Site) -> APIRouter:
    """The page, the points that its script asks for, and the files."""
    routes = APIRouter()

    @routes.get(PATH)
    @site.lane.work
    def page(
        request: Request,
        device: Text = "",
        name: Annotated[Text, Query(alias="property")] = "",
        beside_it: Annotated[Text, Query(alias="with")] = "",
        span: Name = "",
        begin: _Begin = None,
        end: _End = None,
        q: Text = "",
        family: Text = "",
        after: Text = "",
    ) -> Response:
        """The search, and the series that was chosen, alone or with another below it."""
        if family and family not in FAMILIES:
            raise HTTPException(404)
        now = datetime.now(UTC)
        with site.lane.connection() as connection:
            chosen = _chosen(connection, device, name, beside_it)
            found = open_series.find(connection, q, family or None, _pair(after) if after else None, FOUND + 1)
            wrong, looked, extent, shown = "", None, None, []
            if chosen:
                extent = open_series.extent(connection, chosen[0].id)
                try:
                    looked = choose(span, begin, end, extent, now, site.zone)
                except NoSpan as error:
                    wrong = str(error)
                else:
                    for place, one in enumerate(chosen):
                        panel = series_panel.read(connection, one, looked.start, looked.end, now)
                        shown.append(_shown(site, f"series-{place + 1}", panel))
        given = {"device": device, "property": name, "with": beside_it}
        search = {"q": q, "family": family}
        context = {
            "page": "series",
            "chosen": chosen[0] if chosen else None,
            "title": f"{series_panel.property_words(chosen[0].property)} of {chosen[0].device}" if chosen else "Series",
            "shown": shown,
            "wrong": wrong,
            "span": looked,
            "from_text": None if looked is None else series_panel.when(looked.start, site.zone),
            "to_text": None if looked is None else series_panel.when(looked.end, site.zone),
            "from_value": _typed(looked, begin, site, start=True),
            "to_value": _typed(looked, end, site, start=False),
            "extent": None if extent is None else [local(at, site.zone) for at in extent],
            "spans": [
                {
                    "text": text,
                    "href": address(given | {"span": one}),
                    "here": looked is not None and looked.name == one,
                }
                for one, text in NAMES
            ],
            "earlier": _stepped(site, given, looked, -1),
            "later": _stepped(site, given, looked, 1),
            "alone": address(given | {"with": ""} | _span_words(looked, site)),
            "given": given,
            "q": q,
            "family": family,
            "families": [one.name for one in FAMILIES.values() if not one.personal],
            "found": [
                {
                    "device": one.device,
                    "property": series_panel.property_words(one.property),
                    "family": one.family,
                    "newest": series_panel.newest(one.time, site.zone),
                    "href": address({"device": one.device, "property": one.property}),
                    "compare": address(given | {"with": f"{one.device}/{one.property}"} | _span_words(looked, site)),
                    "here": bool(chosen) and (one.device, one.property) == (chosen[0].device, chosen[0].property),
                }
                for one in found[:FOUND]
            ],
            "more": None
            if len(found) <= FOUND
            else address(given | search | {"after": f"{found[FOUND - 1].device}/{found[FOUND - 1].property}"}),
            "first": address(given | search) if after else None,
            "sign": CHANGED,
            "most": series_panel.CHANGES,
        }
        return site.page(request, "engineer/series.html", context, 400 if wrong else 200)

    @routes.get(f"{PATH}/points.json")
    @site.lane.work
    def points(device: Text, name: Annotated[Text, Query(alias="property")], start: Whole, stop: Whole) -> Response:
        """What is drawn of a series between two instants [us since the Unix epoch]."""
        _check_span(start, stop)
        with site.lane.connection() as connection:
            one = _open(connection, device, name)
            panel = series_panel.read(connection, one, start, stop, datetime.now(UTC), listed=False)
        body = orjson.dumps(series_panel.document(panel, site.zone))
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    @routes.get(f"{PATH}/readings.csv")
    @site.lane.work
    def csv(device: Text, name: Annotated[Text, Query(alias="property")], start: Whole, stop: Whole) -> Response:
        """The readings between two instants as CSV."""
        one = _checked(site, device, name, start, stop)
        blocks = series_files.blocks(site.lane.connection, one, start, stop)
        return _file(site, series_files.csv_pieces(blocks), one, "csv", "text/csv; charset=utf-8")

    @routes.get(f"{PATH}/readings.parquet")
    @site.lane.work
    def parquet(device: Text, name: Annotated[Text, Query(alias="property")], start: Whole, stop: Whole) -> Response:
        """The readings between two instants as Parquet."""
        one = _checked(site, device, name, start, stop)
        blocks = series_files.blocks(site.lane.connection, one, start, stop)
        return _file(site, series_files.parquet_pieces(blocks, one), one, "parquet", "application/vnd.apache.parquet")

    return routes


def address(given: dict[str, Any]) -> str:
    """The page's address with what is given and not empty."""
    words = urlencode({key: one for key, one in given.items() if one})
    return f"{PATH}?{words}" if words else PATH


def _chosen(connection: Connection, device: str, name: str, beside_it: str) -> list[OpenSeries]:
    """The series that are asked for. Raises HTTPException 404 where one is none that is open."""
    if not device and not name:
        return []
    chosen = [_open(connection, device, name)]
    if beside_it:
        chosen.append(_open(connection, *_pair(beside_it)))
    return chosen


def _open(connection: Connection, device: str, name: str) -> OpenSeries:
    found = open_series.get(connection, device, name)
    if found is None:
        raise HTTPException(404)
    return found


def _checked(site: Site, device: str, name: str, start: int, stop: int) -> OpenSeries:
    _check_span(start, stop)
    with site.lane.connection() as connection:
        return _open(connection, device, name)


def _check_span(start: int, stop: int) -> None:
    if not start < stop <= midnight(LAST_DAY, UTC):
        raise HTTPException(400)


def _pair(text: str) -> tuple[str, str]:
    """Device and property; neither has a slash in its name."""
    device, _, name = text.rpartition("/")
    return device, name


def _shown(site: Site, key: str, panel: Panel) -> Shown:
    wanted = {
        "device": panel.series.device,
        "property": panel.series.property,
        "start": max(0, panel.start),
        "stop": max(1, panel.end),
    }
    query = urlencode(wanted)
    return Shown(
        key,
        panel,
        series_panel.headline(panel),
        series_panel.notes(panel),
        series_panel.drawing(panel, site.zone),
        series_panel.rows(panel, site.zone) if panel.points.readings else [],
        series_panel.change_rows(panel, site.zone),
        f"{PATH}/points.json?{query}",
        f"{PATH}/readings.csv?{query}",
        f"{PATH}/readings.parquet?{query}",
    )


def _file(site: Site, pieces: Any, one: OpenSeries, ending: str, kind: str) -> Response:
    # ids may hold signs that a header's value cannot: a name for a file has the plainest only
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in f"{one.device}-{one.property}")
    headers = {"Content-Disposition": f'attachment; filename="{name[:100]}.{ending}"', "Cache-Control": "no-store"}
    return Stream(site.lane, pieces, media_type=kind, headers=headers)


def _span_words(span: Span | None, site: Site) -> dict[str, str]:
    """The span as words of an address."""
    if span is None or span.name == "all":
        return {"span": "all"} if span is not None else {}
    begin = _wall(span.start, site)
    return {"span": span.name, "from": begin} if span.name else {"from": begin, "to": _wall(_whole(span.end), site)}


def _stepped(site: Site, given: dict[str, str], span: Span | None, units: int) -> str | None:
    begin = None if span is None else beside(span, site.zone, units)
    if begin is None or span is None:
        return None
    return address(given | {"span": span.name, "from": begin.isoformat(timespec="seconds")})


def _wall(at: int, site: Site) -> str:
    """A local time as a field has it."""
    return f"{instant(at).astimezone(site.zone):%Y-%m-%dT%H:%M}"


def _whole(end: int) -> int:
    """An end [us] as the minute that is not before it."""
    return -(-end // _MINUTE) * _MINUTE


def _typed(span: Span | None, typed: datetime | None, site: Site, *, start: bool) -> str:
    if span is not None:
        return _wall(span.start if start else _whole(span.end), site)
    return "" if typed is None else typed.isoformat(timespec="minutes")
