"""How many readings open series have, exactly and without counting them: by days that were counted before.

A count is there only while the readings say the same: what `store.digests` says of digests holds of counts, by the same
lock and the same trigger. A family's day (UTC), later a whole month, is counted for all its series at once; which days
are is said by a span, and what no span covers, the last two days at least, is counted as it is asked.
"""

from __future__ import annotations

import calendar
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from store import digests
from store.connect import Connection
from store.copy import Int4s
from store.queries import queries
from store.tier import tier
from store.times import FIRST, LAST, instant

_SQL = queries("sta_count")

_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)
#: Months are joined once their last day is so many days ago: late readings come to younger ones.
_SETTLED = 35

Origin = Literal["real", "simulated"]
Span = tuple[int, int]


class Counted(NamedTuple):
    """How many readings; ``behind``: some of them are of a day that is over and not counted, see `keep`."""

    readings: int
    behind: bool


def count(
    connection: Connection,
    origin: Origin,
    series: Sequence[int] | None = None,
    start: int | None = None,
    end: int | None = None,
) -> Counted:
    """Readings of open series of an origin, of all of them or of some, from ``start`` on, before ``end`` [us since the
    Unix epoch]. Inside a transaction that sees one moment. Raises psycopg.Error.
    """
    asked: dict[str, Any] = {"origin": origin, "series": None if series is None else Int4s(list(series))}
    query = _SQL["known_of_all"] if series is None else _SQL["known"]
    parts = _parts(connection, asked, start, end, query, _SQL["between"])
    behind = any(rows[0][0] > 0 for rows, over in parts if over)
    return Counted(sum(int(rows[0][0]) for rows, _ in parts), behind)


class Each(NamedTuple):
    """How many readings each series has that has some; ``behind`` as of `Counted`."""

    readings: Mapping[int, int]
    behind: bool


def count_each(
    connection: Connection, origin: Origin, series: Sequence[int], start: int | None = None, end: int | None = None
) -> Each:
    """The same as `count` of each of some series. Raises psycopg.Error."""
    asked: dict[str, Any] = {"origin": origin, "series": Int4s(list(series))}
    parts = _parts(connection, asked, start, end, _SQL["known_of_each"], _SQL["between_of_each"])
    found: Counter[int] = Counter()
    for rows, _ in parts:
        found.update(dict(rows))
    return Each(found, any(rows and over for rows, over in parts))


class Known(NamedTuple):
    """How many readings are known to be in a span, of all series and of that with the ``most``; what of it nobody has
    counted yet."""

    readings: int
    most: int
    gaps: Sequence[Span]


def known(connection: Connection, origin: Origin, series: Sequence[int], start: int, end: int) -> Known:
    """The same as `count` of some series of one family, without looking at a reading. Raises psycopg.Error."""
    asked: dict[str, Any] = {"origin": origin, "series": Int4s(list(series))}
    spans, _ = _spans(connection, asked, start, end)
    # of one family, or of none where none of the series is open
    covered = next(iter(spans.values()), [])
    rows = connection.execute(_SQL["known_of_each"], _whole(asked, start, end)).fetchall() if covered else []
    counts = [count for _, count in rows]
    return Known(sum(counts), max(counts, default=0), gaps(covered, start, end))


def _spans(
    connection: Connection, asked: Mapping[str, Any], first: int, stop: int
) -> tuple[dict[str, list[Span]], int]:
    """What is counted of each family within a span; when the newest day that may be counted is over."""
    spans: dict[str, list[Span]] = {}
    over = 0
    for family, day, days, last in connection.execute(_SQL["open_spans"], asked).fetchall():
        of_family, over = spans.setdefault(family, []), (last + 1) * _DAY
        if day is not None and first <= day * _DAY and (day + days) * _DAY <= stop:
            of_family.append((day * _DAY, (day + days) * _DAY))
    return spans, over


def _whole(asked: Mapping[str, Any], first: int, stop: int) -> dict[str, Any]:
    """Asked about the days that lie within as a whole; in the last of all that there are none begins."""
    return {**asked, "first": _day(-(-first // _DAY)), "end": _day(stop // _DAY)}


def _parts(
    connection: Connection, asked: Mapping[str, Any], start: int | None, end: int | None, known: bytes, between: bytes
) -> list[tuple[list[tuple[Any, ...]], bool]]:
    """What the queries find: ``known`` of the days that are counted, ``between`` of each gap among them, and whether a
    day that is over lies in it. Two journeys: on a busy machine an answer waits for these more than for rows."""
    first, stop = max(FIRST, FIRST if start is None else start), min(LAST, LAST if end is None else end)
    spans, over = _spans(connection, asked, first, stop)
    if first >= stop or not spans:
        return []
    alike: dict[tuple[Span, ...], list[str]] = {}
    for family, of_family in spans.items():
        alike.setdefault(tuple(gaps(of_family, first, stop)), []).append(family)
    with connection.pipeline():
        running = []
        if any(spans.values()):
            running.append((connection.execute(known, _whole(asked, first, stop)), False))
        for missing, of in alike.items():
            for begin, finish in missing:
                given = {**asked, "families": of, "start": instant(begin), "stop": instant(finish)}
                past = -(-begin // _DAY) * _DAY + _DAY <= min(finish, over)
                running.append((connection.execute(between, given), past))
        return [(cursor.fetchall(), past) for cursor, past in running]


def gaps(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    """What of ``start`` to ``end`` no span covers. ``spans`` rise, do not overlap and lie within."""
    found = []
    for begin, finish in spans:
        if start < begin:
            found.append((start, begin))
        start = finish
    return [*found, (start, end)] if start < end else found


def series_of(connection: Connection, origin: Origin, device: str) -> list[int]:
    """The open series of one device. Raises psycopg.Error."""
    return [row[0] for row in connection.execute(_SQL["of_device"], {"origin": origin, "device": device}).fetchall()]


def intervals(connection: Connection, own: Mapping[str, Any], series: int | None, device: str | None) -> bool:
    """Whether readings of one open series, of a device's or of any stand for intervals; ``own``: the entity model's
    parameters. Raises psycopg.Error."""
    row = connection.execute(_SQL["intervals"], {**own, "number": series, "device": device}).fetchone()
    return row is not None and bool(row[0])


def estimate(connection: Connection) -> int:
    """About how many readings there are, without looking at them. Raises psycopg.Error."""
    return _number(connection, _SQL["estimate"], {})


def keep(connection: Connection, seconds: float = 5.0) -> int:
    """Count days that are over and not counted yet, the newest first, for ``seconds`` at most; returns how many.

    The connection is in autocommit: each day is a transaction of its own, and what was done stays. Nothing is done
    while somebody else makes digests or counts, or writes to old days. Raises psycopg.Error.
    """
    until = time.monotonic() + seconds
    families = [row[0] for row in connection.execute(_SQL["families_kept"]).fetchall()]
    begin = _begin(connection)
    if not families or begin is None:
        return 0
    done = 0
    day = _last(connection)
    while day >= begin and time.monotonic() < until:
        with connection.transaction():
            if not digests.alone(connection):
                return done
            covered = _covered(connection, families)
            missing = [family for family in families if day not in covered[family]]
            if missing:
                _count_day(connection, day, missing)
                done += 1
        while day >= begin and all(day in covered[family] for family in families):
            day -= timedelta(days=1)
        if missing:
            day -= timedelta(days=1)
    _join(connection, families, until)
    connection.execute(_SQL["sweep"])
    return done


def forget(connection: Connection, until: date, family: str | None = None) -> None:
    """Days until one, it included, are counted no more; before their readings are deleted in the same transaction.

    It waits for those who count now. Raises psycopg.Error.
    """
    digests.wait(connection)
    connection.execute(_SQL["forget"], {"day": until, "family": family})


def _count_day(connection: Connection, day: date, families: Sequence[str]) -> None:
    start = (day - _EPOCH).days * _DAY
    asked = {"day": day, "families": list(families), "start": instant(start), "stop": instant(start + _DAY)}
    connection.execute(_SQL["make_spans"], asked)
    connection.execute(_SQL["make_counts"], asked)


def _join(connection: Connection, families: Sequence[str], until: float) -> None:
    """Make one span of each settled month whose days are all counted."""
    last = _last(connection) - timedelta(days=_SETTLED)
    for family in families:
        while time.monotonic() < until:
            with connection.transaction():
                if not digests.alone(connection):
                    return
                month = _whole_month(_single_days(connection, family), last)
                if month is None:
                    break
                asked = {"family": family, "first": month, "days": _length(month)}
                row = connection.execute(_SQL["make_month"], asked).fetchone()
                assert row is not None
                connection.execute(_SQL["sum_month"], {**asked, "id": row[0]})
                connection.execute(_SQL["drop_days"], asked)


def _whole_month(days: set[date], last: date) -> date | None:
    """The first day of a month all of whose days are among ``days`` and none after ``last``."""
    for first in sorted(day for day in days if day.day == 1):
        month = {first + timedelta(days=number) for number in range(_length(first))}
        if max(month) <= last and month <= days:
            return first
    return None


def _length(first: date) -> int:
    return calendar.monthrange(first.year, first.month)[1]


def _single_days(connection: Connection, family: str) -> set[date]:
    rows = connection.execute(_SQL["spans"], {"families": [family]}).fetchall()
    return {_day(day) for _, day, days in rows if days == 1}


def _covered(connection: Connection, families: Sequence[str]) -> dict[str, set[date]]:
    found: dict[str, set[date]] = {family: set() for family in families}
    for family, day, days in connection.execute(_SQL["spans"], {"families": list(families)}).fetchall():
        found[family].update(_day(day + number) for number in range(days))
    return found


def _begin(connection: Connection) -> date | None:
    plain = tier(connection) == "plain"
    row = connection.execute(_SQL["first_of_series"] if plain else _SQL["first_of_chunks"]).fetchone()
    return None if row is None else row[0]


def _last(connection: Connection) -> date:
    """The newest day that may be counted: nobody writes to it any more without a word to the trigger."""
    row = connection.execute(_SQL["last"]).fetchone()
    assert row is not None
    last: date = row[0]
    return last


def _day(number: int) -> date:
    return date.min if number < -719_162 else _EPOCH + timedelta(days=number)


def _number(connection: Connection, query: bytes, asked: dict[str, Any]) -> int:
    row = connection.execute(query, asked).fetchone()
    assert row is not None
    return int(row[0])
