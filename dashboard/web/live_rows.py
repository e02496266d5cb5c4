"""A topic of rows: what differs from the last look is found by comparing arrays, and said row by row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import orjson

from store.batch import Int64
from store.connect import Connection


class Rows(NamedTuple):
    """Rows by id, each id once: ``columns`` by name, ``(rows,)`` whole numbers."""

    ids: Sequence[str]
    columns: Mapping[str, Int64]


class LiveRows:
    """A `dashboard.web.events.Topic`: ``read`` says how all rows are now; ``quiet`` columns alone are no change.

    A changed row is ``{"id": …, "state": 1, …}`` with all its columns, one that is no more ``{"id": …, "gone": 1}``,
    the snapshot ``{"columns": ["id", …], "rows": [[…], …]}``.
    """

    def __init__(self, read: Callable[[Connection], Rows], quiet: Collection[str] = ()) -> None:
        self._read = read
        self._quiet = quiet
        self._rows: Rows | None = None

    def changes(self, connection: Connection) -> list[bytes]:
        """The rows that have changed, come or gone. Raises what ``read`` raises."""
        before, self._rows = self._rows, self._read(connection)
        return [] if before is None else differences(before, self._rows, self._quiet)

    def snapshot(self) -> bytes:
        """All rows."""
        assert self._rows is not None, "nothing has been read yet"
        ids, columns = self._rows
        rows = [list(row) for row in zip(ids, *(column.tolist() for column in columns.values()), strict=True)]
        return orjson.dumps({"columns": ["id", *columns], "rows": rows})


def differences(before: Rows, now: Rows, quiet: Collection[str] = ()) -> list[bytes]:
    """The payloads that make ``before`` to ``now``, but for rows in which ``quiet`` columns alone differ."""
    if before.ids == now.ids:
        came, places = np.zeros(len(now.ids), np.bool_), np.arange(len(now.ids))
        gone: list[str] = []
    else:
        at = {one: place for place, one in enumerate(before.ids)}
        places = np.array([at.pop(one, -1) for one in now.ids], np.int64)
        came = places < 0
        gone = list(at)
    changed = came
    if len(before.ids):
        for name, column in now.columns.items():
            if name in quiet:
                continue
            changed = changed | (before.columns[name][places] != column)
    names = list(now.columns)
    said = [orjson.dumps({"id": one, "gone": 1}) for one in gone]
    for place in np.flatnonzero(changed).tolist():
        values = {name: int(now.columns[name][place]) for name in names}
        said.append(orjson.dumps({"id": now.ids[place], **values}))
    return said
