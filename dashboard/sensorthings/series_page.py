"""A page of one Datastream's Observations, which is asked for more often than all else together: the short way.

It says byte for byte what `dashboard.sensorthings.answers` says of the same question (a test holds the two together),
with one journey to the database and without an object a row. What is asked beyond an order by key or time, a bound of
the time and pages goes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import orjson

from dashboard.sensorthings.addresses import next_link
from dashboard.sensorthings.answers import Answer, Asked, context
from dashboard.sensorthings.collections import MOST, PAGE, left_of_top
from dashboard.sensorthings.forms import NAMES, Writer, dumps, number
from store import sta_query as tree
from store import sta_series, sta_token
from store.batch import Int64
from store.sta_bounds import bound
from store.sta_entities import Version, model
from store.sta_query import Query
from store.sta_scope import Along
from store.times import FIRST, LAST, instant, microseconds

#: An instant with a fraction, and a value: in what is written of them the places for others are found. A result that is
#: no number is left out, with its comma.
_TIME, _VALUE = 981_173_106_789_012, 8_472_951.25
_PLACES = re.compile(
    rb'("2001-02-03T04:05:06\.789012Z")|(981173106789012)|(,"result":8472951\.25|"result":8472951\.25,?)'
)
#: Up to the year 2100 orjson writes instants of an array.
_FAR = 4_102_444_800_000_000
_AS_ARRAY = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


class Page(NamedTuple):
    """What is to be read, and how much of it is shown; ``by_time``: what follows is linked by a time and not a key."""

    read: sta_series.Asked
    size: int
    by_time: bool


def page(asked: Asked) -> Page | None:
    """What to read for a question; None where it goes the long way. Raises QueryRefused."""
    resource, query = asked.resource, asked.query
    steps = resource.steps
    if resource.start.name != "Datastream" or len(steps) != 1 or steps[0].way.name != "Observations":
        return None
    if steps[0].id is not None or resource.names or resource.raw or resource.ref or query.top == 0:
        return None
    if query.expand or query.count or query.result_format is not None or len(query.orderby) > 1:
        return None
    key = resource.start.key_of(resource.id) if resource.id is not None else None
    order = _order(query)
    if key is None or order is None:
        return None
    series = int(str(key[0]))
    limits = bound(query, Along("Datastream", (series,), ("Observations",)))
    if limits is None:
        return None
    by_time, falling = order
    first = FIRST if limits.start is None else limits.start
    last = LAST if limits.end is None else limits.end - 1
    skip = query.skip
    if query.token is not None:
        time = _behind(query.token, by_time=by_time)
        if time is None:
            return None
        first, last, skip = (first, min(last, time - 1), 0) if falling else (max(first, time + 1), last, 0)
    if first > last:
        # asked all the same: whether there is such a Datastream is not known yet
        first, last = LAST, FIRST
    size = MOST if query.top is not None and query.top > MOST else PAGE if query.top is None else query.top
    return Page(sta_series.Asked(series, first, last, size + 1, skip, falling), size, by_time)


def written(asked: Asked, page: Page, root: str, version: Version, found: sta_series.Found) -> Answer:
    """The answer, of readings that stand for instants."""
    names, query, size = NAMES[version], asked.query, page.size
    made: dict[str, object] = context(asked, version, root, "Observations")
    times, values = found.times[:size], found.values[:size].tolist()
    if len(found.times) > size:
        last, series = instant(int(times[-1])), page.read.series
        token = sta_token.encode((last, None, series) if page.by_time else (series, last))
        made[names.next] = next_link(asked.address, asked.items, token, left_of_top(query, asked.items, size))
    made["value"] = []
    shape = _shape(version, root, page.read.series, query.select, annotations=asked.metadata == "full")
    rows = _rows(shape, times, values)
    return Answer(b"".join([dumps(made)[:-2], *rows[1:], b"]}"]))


def _order(query: Query) -> tuple[bool, bool] | None:
    """Whether it is by time and not by key, and whether it falls; None: it is another one."""
    if not query.orderby:
        return False, False
    (order,) = query.orderby
    path = order.expression
    if not isinstance(path, tree.Path) or path.variable is not None or path.names not in (("id",), ("phenomenonTime",)):
        return None
    return path.names != ("id",), order.descending


def _behind(token: str, *, by_time: bool) -> int | None:
    """The instant [us] behind which a page goes on; None for what no page of an instant's series has told."""
    if not by_time:
        _, time = sta_token.decode(token, ("integer", "timestamptz"))
    else:
        time, end, _ = sta_token.decode(token, ("timestamptz", "timestamptz", "integer"))
        if end is not None:
            return None
    return microseconds(time) if isinstance(time, datetime) else None


class _Shape(NamedTuple):
    """An Observation of a series as it is written: ``literals`` with places between them, each for a text of the column
    of ``places``: the time, its microseconds, or the result within ``result``."""

    literals: list[bytes]
    places: list[int]
    result: tuple[bytes, bytes]


@lru_cache(maxsize=1024)
def _shape(version: Version, root: str, series: int, select: Sequence[str] | None, *, annotations: bool) -> _Shape:
    """What `Writer` makes of one reading, with places for others'."""
    writer = Writer(version, root, model(version).entities["Observation"], select, annotations=annotations)
    time = instant(_TIME)
    columns = {"phenomenonTime": (time, None), "result": (_VALUE,), "resultTime": (time, None)}
    row = [series, time, *(column for name in writer.wanted for column in columns[name])]
    literals, places, result, end = [], [], (b"", b""), 0
    text = dumps(writer.write(row))
    for found in _PLACES.finditer(text):
        literals.append(text[end : found.start()])
        places.append(int(found.lastindex or 0) - 1)
        if found[3]:
            before, _, after = found[3].partition(b"8472951.25")
            result = before, after
        end = found.end()
    return _Shape([*literals, text[end:]], places, result)


def _rows(shape: _Shape, times: Int64, values: Sequence[float]) -> list[bytes]:
    """The pieces of Observations, each begun by a comma: whole columns are put between whole columns, for to write row
    after row takes longer than to read them."""
    before, after = shape.result
    numbers = _split(dumps(list(map(number, values))))
    columns = (
        _instants(times),
        [b"%d" % time for time in times.tolist()],
        [b"" if text == b"null" else before + text + after for text in numbers],
    )
    count, step = len(times), 2 * len(shape.literals)
    pieces = [b","] * (count * step)
    for place, literal in enumerate(shape.literals):
        pieces[1 + 2 * place :: step] = [literal] * count
    for place, column in enumerate(shape.places):
        pieces[2 + 2 * place :: step] = columns[column]
    return pieces


def _instants(times: Int64) -> list[bytes]:
    """Instants as JSON has them, with their marks."""
    if len(times) and times.min() >= 0 and times.max() < _FAR:
        return _split(orjson.dumps(times.view("M8[us]"), option=_AS_ARRAY))
    return _split(dumps(list(map(instant, times.tolist()))))


def _split(array: bytes) -> list[bytes]:
    """The items of an array of JSON that hold no comma."""
    return array[1:-1].split(b",") if len(array) > 2 else []
