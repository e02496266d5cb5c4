"""The name under which an analysis is alone on a database: held over its transactions, and let go however it ends."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest

from store import session_lock
from store.connect import Connection, connect

NAME = "analyse nothing"


def test_one_at_a_time_until_it_ends(database: str) -> None:
    with connect(database) as one, connect(database) as other:
        with session_lock.alone(one, NAME):
            one.commit()
            with pytest.raises(session_lock.Busy, match="another analysis"), session_lock.alone(other, NAME):
                pass
            assert other.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with session_lock.alone(other, NAME):
            pass


def fail(connection: Connection, *statements: LiteralString) -> None:
    with session_lock.alone(connection, NAME):
        connection.execute("create table kept ()")
        connection.commit()
        for statement in statements:
            connection.execute(statement)


def test_what_fails_lets_go_and_leaves_nothing(database: str) -> None:
    with connect(database) as one, connect(database) as other:
        with pytest.raises(psycopg.errors.DivisionByZero):
            fail(one, "create table lost ()", "select 1 / 0")
        with session_lock.alone(other, NAME):
            found = other.execute("select to_regclass('kept') is not null, to_regclass('lost') is not null").fetchone()
        assert found == (True, False)


def test_a_connection_that_is_lost_is_not_asked_any_more(database: str) -> None:
    one = connect(database)
    with pytest.raises(psycopg.OperationalError):
        fail(one, "select pg_terminate_backend(pg_backend_pid())", "select 1")
    assert one.closed
    with connect(database) as other, session_lock.alone(other, NAME):
        pass
