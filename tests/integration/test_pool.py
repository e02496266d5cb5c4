"""The pages' connections: one that is gone is noticed before anybody's question is asked on it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dashboard.web import pool as pools
from dashboard.web.pool import make_pool
from tests.tools.proxy import Proxy

#: Whatever is asked next has this byte in it.
_ANY = b"\0"


@pytest.fixture
def proxy(database: str) -> Iterator[Proxy]:
    made = Proxy(int(str(conninfo_to_dict(database)["port"])))
    yield made
    made.close()


def test_a_connection_whose_other_end_forgot_it_is_replaced_unseen(
    database: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that lost its power ends no connection: the first thing that is sent to it is answered by a reset."""
    monkeypatch.setattr(pools, "_LATELY", 0.0)
    with make_pool(make_conninfo(database, port=proxy.port), "a pool", 0, 1) as pool:
        with pool.connection() as connection:
            connection.execute("select 1")
        proxy.lose_answer_to = _ANY
        with pool.connection() as connection:
            assert connection.execute("select 2").fetchone() == (2,)
    assert proxy.lost_answers == 1


def test_one_that_was_used_lately_costs_no_journey(database: str, proxy: Proxy) -> None:
    with make_pool(make_conninfo(database, port=proxy.port), "a pool", 0, 1) as pool:
        with pool.connection() as connection:
            connection.execute("select 1")
        proxy.lose_answer_to = _ANY
        with pool.connection():
            pass
        assert proxy.lost_answers == 0
        with pytest.raises(psycopg.OperationalError), pool.connection() as connection:
            connection.execute("select 2")


def test_a_line_that_was_dropped_in_silence_is_not_waited_for_by_the_hour(database: str) -> None:
    with make_pool(database, "a pool", 0, 1) as pool, pool.connection() as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "10"
        assert connection.info.get_parameters()["tcp_user_timeout"] == "30000"
