"""Reads for SensorThings: all that one answer says is of one moment, within a budget of time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from store.connect import Connection
from store.queries import queries
from store.sta_sql import Statement, refused
from store.sta_values import fill

_SQL = queries("sta_read")

#: What the database may take for one answer [s].
BUDGET = 3.0


class TooCostly(Exception):
    """The database was at it for longer than its budget and was stopped."""


class Reader:
    """Statements of one answer, one after the other, of one state of the database.

    The transaction runs and knows its budget. Raises TooCostly where they take longer than ``seconds`` together;
    QueryRefused where the data of a row cannot be computed with (an overflow); psycopg.Error.
    """

    def __init__(self, connection: Connection, own: Mapping[str, Any], seconds: float) -> None:
        self.connection = connection
        self.own = own
        #: What was read of series, by their number; None: there is none.
        self.series: dict[object, tuple[Any, ...] | None] = {}
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._said = seconds

    def rows(self, statement: Statement, more: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement; ``more``: parameters that are neither the model's nor the statement's."""
        given = {**self.own, **statement.parameters, **(more or {})}
        with self.within(), self.connection.cursor(binary=True) as cursor:
            # planned anew each time: which chunks are read depends on the parameters
            return cursor.execute(statement.sql, given, prepare=False).fetchall()

    @contextmanager
    def within(self) -> Iterator[None]:
        """What is asked of the connection in the block counts to the budget."""
        self._budget()
        try:
            yield
        except psycopg.errors.QueryCanceled:
            raise TooCostly from None
        except (psycopg.DataError, psycopg.NotSupportedError) as error:
            words = refused(error)
            if words is None:
                raise
            raise words from None

    def _budget(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TooCostly
        # saying it anew costs a journey: only where much of it is used
        if self._said - left > 0.2 * self._seconds:
            self.connection.execute(_SQL["budget"], (f"{max(1, round(left * 1000))}ms",))
            self._said = left


@contextmanager
def one_state(connection: Connection, own: Mapping[str, Any], seconds: float) -> Iterator[Reader]:
    """A transaction that sees one state, on a connection in autocommit; ``own``: parameters of the entity model.

    Raises psycopg.Error.
    """
    # all in one journey: on a busy machine an answer waits for journeys more than for rows
    within = fill(_SQL["within"], milliseconds=f"{max(1, round(seconds * 1000))}").encode()
    connection.execute(b"; ".join([_SQL["begin"], within]), prepare=False)
    try:
        yield Reader(connection, own, seconds)
    except BaseException:
        if not connection.closed:
            connection.rollback()
        raise
    connection.commit()
