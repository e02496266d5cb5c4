"""Everything that the database holds about a tenancy, as its subject may have it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from psycopg.rows import dict_row

from store.connect import Connection
from store.erasure import Plan
from store.queries import queries

_SQL = queries("subject")
_NEVER = datetime(9999, 12, 30, tzinfo=UTC)

Row = dict[str, Any]


def everything(connection: Connection, what: Plan) -> dict[str, Any]:
    """All that is held about the tenancy of a plan (`store.erasure.plan`): plain values, instants and days as such.

    docs/reference/subject.md says what each field is. Raises psycopg.Error.
    """
    devices = sorted({one.device_id for one in what.meters})
    parameters = {
        "tenancy": what.tenancy_id, "home": what.home_id, "from_day": what.from_day, "to_day": what.to_day,
        "devices": devices,
    }  # fmt: skip

    def rows(query: bytes) -> list[Row]:
        return _rows(connection, query, parameters)

    (tenancy,) = rows(_SQL["tenancy"])
    found: dict[str, Any] = {
        "tenancy": tenancy,
        "home": {**rows(_SQL["home"])[0], "details": rows(_SQL["details"])},
        "consents": rows(_SQL["consents"]),
        "tariffs": rows(_SQL["tariffs"]),
        "meters": rows(_SQL["meters"]),
        "days": rows(_SQL["days"]),
        "comparisons": rows(_SQL["comparisons"]),
        "late_changes": rows(_SQL["late"]),
        "neighbours": rows(_SQL["cells"]),
        "accesses": rows(_SQL["accesses"]),
        "sign_ins": rows(_SQL["sign_ins"]),
        "codes": rows(_SQL["codes"]),
        "letters": rows(_SQL["letters"]),
        "exports": rows(_SQL["exports"]),
        **{name: [] for name in ("readings", "latest", "corrected", "rejected", "message_numbers")},
    }
    for one in what.meters:
        period = {"device": one.device_id, "start": one.start, "stop": one.stop or _NEVER}
        for series in _rows(connection, _SQL["series"], period):
            named = {"device": one.device_id, "property": series["property"], "unit": series["unit"]}
            which = {**period, "series": series["id"]}
            for name, query in (
                ("readings", _SQL["readings"]), ("latest", _SQL["latest"]), ("corrected", _SQL["superseded"]),
            ):  # fmt: skip
                found[name] += [{**named, **row} for row in _rows(connection, query, which)]
        for name, query in (("rejected", _SQL["rejected"]), ("message_numbers", _SQL["sequences"])):
            found[name] += [{"device": one.device_id, **row} for row in _rows(connection, query, period)]
    return found


def keep(connection: Connection, path: str, tenancy_id: int) -> None:
    """Note a file with what was exported of a tenancy, so that its erasure finds it. Raises psycopg.Error."""
    connection.execute(_SQL["keep"], (path, tenancy_id))


def _rows(connection: Connection, query: bytes, parameters: Row) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
