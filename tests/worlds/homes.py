"""Homes for tests: a homes file as text, and homes in a database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from devices.device import Device
from devices.homes_file import read_homes
from store import homes_import, registry
from store.connect import Connection

DEFAULTS: Mapping[str, str] = {
    "address": "1 Example Street;Testham;TE1 1ST",
    "lon": "-0.1",
    "lat": "51.5",
    "dwelling": "terraced",
    "heating": "gas",
    "floor_area": "90",
    "from": "2025-01-01",
    "consent_comparison": "2025-01-01",
}


def homes_csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    """A homes file of rows; what a row leaves out is taken from DEFAULTS."""
    full = [{**DEFAULTS, **row} for row in rows]
    names = list(dict.fromkeys(name for row in full for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(full)
    return out.getvalue().encode()


def add_meters(connection: Connection, ids: Iterable[str], origin: str = "real") -> None:
    """Register native smart meters."""
    registry.upsert(
        connection,
        [Device(name, "smart-meter", "native", origin=origin, personal=True) for name in ids],  # type: ignore[arg-type]
    )


def import_homes(
    connection: Connection, rows: Iterable[Mapping[str, str]], now: datetime = datetime(2025, 1, 1, tzinfo=UTC)
) -> homes_import.Plan:
    """Import rows as the command does."""
    plan = homes_import.import_rows(connection, read_homes(homes_csv(rows)), now)
    assert not plan.problems, plan.problems
    return plan


def ids_of(connection: Connection, uprn: str, day: date) -> tuple[int, int]:
    """Pseudonyms of a home and of who lives in it on a day."""
    row = connection.execute(
        "select h.id, t.id from personal.home h join personal.tenancy t on t.home_id = h.id "
        "where h.uprn = %s and t.from_day <= %s and (t.to_day is null or t.to_day > %s)",
        (uprn, day, day),
    ).fetchone()
    assert row is not None
    return row[0], row[1]
