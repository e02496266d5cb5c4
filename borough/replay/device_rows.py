"""Devices by what files call them: their ids, and the rows of a file that describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from borough.errors import UsageError
from borough.replay.table_mapping import RegisterFile
from borough.replay.tables import Table

_NOT_AN_ID = re.compile(r"[^A-Za-z0-9._:@-]+")

Cells = Mapping[str, Any]


def device_id(prefix: str, name: str) -> str:
    """A device's id from what a file calls it."""
    return prefix + _NOT_AN_ID.sub("-", name.strip()).strip("-")


def described(rule: RegisterFile, prefix: str, paths: Sequence[Path]) -> dict[str, Cells]:
    """The rows of the file that describes devices, by id; none where it does not lie beside the data.

    Raises UsageError.
    """
    rows: dict[str, Cells] = {}
    for folder in dict.fromkeys(path.parent for path in paths):
        file = folder / rule.file
        if file.exists():
            table = Table(file)
            for name in (rule.id, rule.lon, rule.lat, *rule.attributes.values()):
                if name is not None and name not in table.columns:
                    raise UsageError(f"{file}: has no column {name!r}, which the mapping names in register_file")
            for _, row in table.rows():
                rows.setdefault(device_id(prefix, str(row[rule.id])), row)
    return rows
