"""A chunk that somebody holds, so that whoever needs it waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from store.connect import connect


@contextmanager
def held_chunk(url: str, place: int = 0, since: str = "-infinity") -> Iterator[None]:
    """Hold the chunk of readings that is the ``place``-th, by time, of those that begin at ``since`` or later."""
    with connect(url, autocommit=True) as other, other.transaction():
        row = other.execute(
            "select format('lock table %%I.%%I in access exclusive mode', chunk_schema, chunk_name)"
            " from timescaledb_information.chunks where hypertable_name = 'reading' and range_start >= %s::timestamptz"
            " order by range_start offset %s limit 1",
            (since, place),
        ).fetchone()
        assert row is not None
        other.execute(row[0])
        yield
