"""A page of one Datastream's Observations, which is asked for more often than all else together: the short way.

It says byte for byte what `dashboard.sensorthings.answers` says of the same question (a test holds the two together),
with one journey to the database and without an object a row. What is asked beyond an order by key or time, a bound of
the time and pages goes the long way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

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
from store.times import instant, microseconds

#: An instant with a fraction, and a value: in what is written of them the places for others are found.
_TIME, _VALUE = 981_173_106_789_012, 8_472_951.25
_TEXTS = {b'"2001-02-03T04:05:06.789012Z"': 0, b"981173106789012": 1, b"8472951.25": 2}
_PLACES = re.compile(b"(" + b"|".join(map(re.escape, _TEXTS)) + b")")


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
    first = sta_series.FIRST if limits.start is None else limits.start
    last = sta_series.LAST if limits.end is None else limits.end - 1
    skip = query.skip
    if query.token is not None:
        time = _behind(query.token, by_time=by_time)
        if time is None:
            return None
        first, last, skip = (first, min(last, time - 1), 0) if falling else (max(first, time + 1), last, 0)
    if first > last:
        # asked all the same: whether there is such a Datastream is not known yet
        first, last = sta_series.LAST, sta_series.FIRST
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
    row = _row(version, root, page.read.series, query.select, annotations=asked.metadata == "full")
    rows = map(row, _texts(times), map(b"%d".__mod__, times.tolist()), _numbers(values))
    return Answer(dumps(made)[:-2] + b",".join(rows) + b"]}")


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


def _texts(times: Int64) -> list[bytes]:
    """Instants as JSON has them, with their marks, ``(readings,)``."""
    return _split(dumps(list(map(instant, times.tolist()))))


def _numbers(values: Sequence[float]) -> list[bytes]:
    return _split(dumps(list(map(number, values))))


def _split(array: bytes) -> list[bytes]:
    """The items of an array of JSON that hold no comma."""
    return array[1:-1].split(b",") if len(array) > 2 else []


@lru_cache(maxsize=1024)
def _row(
    version: Version, root: str, series: int, select: Sequence[str] | None, *, annotations: bool
) -> Callable[[bytes, bytes, bytes], bytes]:
    """How an Observation of a series is written: of the texts of its time, of its microseconds and of its value.

    What `Writer` makes of one reading, with places for others'.
    """
    writer = Writer(version, root, model(version).entities["Observation"], select, annotations=annotations)
    known, unknown = (_shape(writer, series, value) for value in (_VALUE, math.nan))

    def row(time: bytes, key: bytes, value: bytes) -> bytes:
        form, places = unknown if value == b"null" else known
        return form % places((time, key, value))

    return row


def _shape(writer: Writer, series: int, value: float) -> tuple[bytes, Callable[[Sequence[bytes]], tuple[bytes, ...]]]:
    time = instant(_TIME)
    columns = {"phenomenonTime": (time, None), "result": (value,), "resultTime": (time, None)}
    row = [series, time, *(column for name in writer.wanted for column in columns[name])]
    parts = _PLACES.split(dumps(writer.write(row)))
    places = [_TEXTS[part] for part in parts[1::2]]
    form = b"%b".join(part.replace(b"%", b"%%") for part in parts[::2])
    return form, lambda texts: tuple(texts[place] for place in places)
