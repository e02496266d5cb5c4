"""Bays for tests of the register: files as text, and bays in a database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from devices.bays_dated import read_dated
from devices.bays_file import BaysFile, read_bays
from devices.device import Device
from store import registry
from store.bays_import import Plan, import_file
from store.connect import Connection

LONDON = ZoneInfo("Europe/London")

DEFAULTS: Mapping[str, str] = {
    "street": "Dock Street",
    "zone": "A",
    "kind": "limited-waiting",
    "lon": "-0.081",
    "lat": "51.503",
}


def csv_of(rows: Iterable[Mapping[str, str]]) -> bytes:
    """A CSV of rows, with the columns of all of them."""
    full = list(rows)
    names = list(dict.fromkeys(name for row in full for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(full)
    return out.getvalue().encode()


def bays_csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    """A bays file of rows; what a row leaves out is taken from DEFAULTS."""
    return csv_of({**DEFAULTS, **row} for row in rows)


def add_sensors(connection: Connection, ids: Iterable[str], *, personal: bool = False, **attributes: str) -> None:
    """Register native parking sensors."""
    registry.upsert(
        connection,
        [
            Device(name, "parking-bay", "native", -0.081, 51.503, personal=personal, attributes=attributes)
            for name in ids
        ],
    )


def import_bays(
    connection: Connection, rows: Iterable[Mapping[str, str]], **files: Iterable[Mapping[str, str]]
) -> Plan:
    """Import a bays file of rows and dated files by their names, as the command does; the plan may have problems."""
    full = list(rows)
    bays = read_bays(bays_csv(full)) if full else BaysFile()
    dated = {what: getattr(read_dated(what, csv_of(given), LONDON), what) for what, given in files.items()}
    return import_file(connection, replace(bays, **dated), LONDON)
