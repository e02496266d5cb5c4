"""A gate in the database: who writes more than so many rows stands still until a test lets him through.

What is killed or stopped before its work is done was then killed in the midst of it, however slow the machine is.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import psycopg

from tests.tools.servers import wait_for

_KEY = 7_261_994  # nobody else's advisory lock


class Gate:
    """Statements on ``table`` wait, inside their transaction, while ``rows`` (a table) holds ``limit`` rows or more.

    Closed from the beginning of the ``with`` until ``open`` or its end. ``table`` is no hypertable.
    """

    def __init__(self, database: str, table: str, rows: str, limit: int) -> None:
        self._database, self._table, self._rows, self._limit = database, table, rows, limit

    def __enter__(self) -> Self:
        self._holder = psycopg.connect(self._database, autocommit=True)
        self._holder.execute("select pg_advisory_lock(%s)", (_KEY,))
        self._holder.execute(
            "create function public.test_gate() returns trigger language plpgsql as $$ begin"
            f" if (select count(*) from {self._rows}) >= {self._limit} then"
            f" perform pg_advisory_xact_lock_shared({_KEY}); end if; return null; end $$;"
            f" create trigger test_gate after insert or update on {self._table}"
            " for each statement execute function public.test_gate()"
        )
        return self

    def reached(self) -> bool:
        """Whether somebody stands at the gate."""
        question = "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted"
        return self._holder.execute(question, (_KEY,)).fetchone() != (0,)

    def wait_reached(self, timeout: float = 60.0) -> None:
        """Wait until somebody stands at the gate."""
        assert wait_for(self.reached, timeout, 0.01), "no one"

    def open(self) -> None:
        """Let everybody through."""
        self._holder.execute("select pg_advisory_unlock_all()")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
        self._holder.execute("drop function public.test_gate() cascade")
        self._holder.close()
