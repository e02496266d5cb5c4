"""Everything that the database holds about a tenancy, as its subject may have it, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from store import nudges
from store.connect import Connection
from store.erasure import MeterPeriod, Plan
from store.queries import queries

_SQL = queries("subject")
_NEVER = datetime(9999, 12, 30, tzinfo=UTC)
#: Rows that are read together, and of rejected messages, each of which may be as large as a message may be.
_ROWS, _MESSAGES = 2_000, 8

Row = dict[str, Any]
#: Opens a connection for a short use.
Open = Callable[[], AbstractContextManager[Connection]]
#: Rows of one table, some at a time; none now and then, where much was looked through.
Rows = Callable[[], Iterator[list[Row]]]
#: By name what is said once, and what are rows of.
Everything = dict[str, str | Row | Rows]


def everything(open_: Open, what: Plan) -> Everything:
    """All that is held about the tenancy of a plan (`store.erasure.plan`): plain values, instants and days as such.

    What is one row is read now, tables when they are asked for, each piece with a connection of its own.
    docs/reference/subject.md says what each field is. Raises psycopg.Error.
    """
    devices = sorted({one.device_id for one in what.meters})
    with open_() as connection:
        # what it may be shown tomorrow: in any time zone that is not more than today
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        kinds = list(nudges.shown(connection, what.tenancy_id, tomorrow))
        hidden = nudges.hidden(connection, what.tenancy_id, tomorrow)
    parameters = {
        "kinds": kinds, "hidden": hidden,
        "tenancy": what.tenancy_id, "home": what.home_id, "from_day": what.from_day, "to_day": what.to_day,
        "devices": devices, "start": what.start, "stop": what.end or _NEVER,
    }  # fmt: skip

    def table(query: bytes) -> Rows:
        def read() -> Iterator[list[Row]]:
            yield _rows(open_, query, parameters)

        return read

    (tenancy,) = _rows(open_, _SQL["tenancy"], parameters)
    (home,) = _rows(open_, _SQL["home"], parameters)
    return {
        "tenancy": tenancy,
        "home": {**home, "details": _rows(open_, _SQL["details"], parameters)},
        "consents": table(_SQL["consents"]),
        "tariffs": table(_SQL["tariffs"]),
        "meters": table(_SQL["meters"]),
        "trials": table(_SQL["trials"]),
        "sensors": table(_SQL["sensors"]),
        "usual_movement": table(_SQL["usual_movement"]),
        "carers": table(_SQL["carers"]),
        "movement_notices": table(_SQL["movement_notices"]),
        "carer_of": table(_SQL["carer_of"]),
        "bays": table(_SQL["bays"]),
        "bay_days": table(_SQL["bay_days"]),
        "bay_stays": table(_SQL["bay_stays"]),
        "bay_visits": table(_SQL["bay_visits"]),
        "days": table(_SQL["days"]),
        "comparisons": table(_SQL["comparisons"]),
        "late_changes": table(_SQL["late"]),
        "neighbours": table(_SQL["cells"]),
        "accesses": lambda: _accesses(open_, what.tenancy_id),
        "sign_ins": table(_SQL["sign_ins"]),
        "codes": table(_SQL["codes"]),
        "letters": table(_SQL["letters"]),
        "complaints": table(_SQL["complaints"]),
        "contacts": table(_SQL["contacts"]),
        "messages": table(_SQL["messages"]),
        "nudges": table(_SQL["nudges"]),
        "nudge_ways": table(_SQL["nudge_ways"]),
        "exports": table(_SQL["exports"]),
        "readings": lambda: _by_series(open_, what, _SQL["readings"]),
        "latest": lambda: _by_series(open_, what, _SQL["latest"]),
        "corrected": lambda: _by_series(open_, what, _SQL["superseded"]),
        "rejected": lambda: _rejected(open_, what),
        "message_numbers": lambda: _message_numbers(open_, what),
    }


def there(open_: Open, tenancy_id: int) -> bool:
    """Whether a tenancy is (still) there: what was read of one that was erased meanwhile is not whole."""
    return bool(_rows(open_, _SQL["tenancy"], {"tenancy": tenancy_id}))


def _period(one: MeterPeriod) -> Row:
    return {"device": one.device_id, "start": one.start, "stop": one.end or _NEVER}


def _accesses(open_: Open, tenancy_id: int) -> Iterator[list[Row]]:
    last = 0
    while found := _rows(open_, _SQL["accesses"], {"tenancy": tenancy_id, "after": last, "limit": _ROWS}):
        last = found[-1]["id"]
        yield [{name: value for name, value in row.items() if name != "id"} for row in found]


def _by_series(open_: Open, what: Plan, query: bytes) -> Iterator[list[Row]]:
    for one in what.meters:
        period = _period(one)
        for series in _rows(open_, _SQL["series"], period):
            named = {"device": one.device_id, "property": series["property"], "unit": series["unit"]}
            start = period["start"]
            while True:
                # rows of one instant come together, and those of the next piece begin after it
                which = {**period, "series": series["id"], "start": start, "limit": _ROWS}
                found = _rows(open_, query, which)
                yield [{**named, **row} for row in found]
                if len(found) < _ROWS:
                    break
                start = found[-1]["time"] + timedelta(microseconds=1)


def _rejected(open_: Open, what: Plan) -> Iterator[list[Row]]:
    for one in what.meters:
        ids = [row["id"] for row in _rows(open_, _SQL["rejected_ids"], _period(one))]
        for place in range(0, len(ids), _MESSAGES):
            found = _rows(open_, _SQL["rejected"], {"ids": ids[place : place + _MESSAGES]})
            yield [{"device": one.device_id, **row} for row in found]


def _message_numbers(open_: Open, what: Plan) -> Iterator[list[Row]]:
    for one in what.meters:
        yield [{"device": one.device_id, **row} for row in _rows(open_, _SQL["sequences"], _period(one))]


def keep(connection: Connection, path: str, tenancy_id: int) -> None:
    """Note a file with what was exported of a tenancy, so that its erasure finds it. Raises psycopg.Error."""
    connection.execute(_SQL["keep"], (path, tenancy_id))


def _rows(open_: Open, query: bytes, parameters: Mapping[str, Any]) -> list[Row]:
    with open_() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
