"""Carers of a home in the order in which they are told, where one of them is no more without anybody's doing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store import accounts, care, erasure
from store.connect import Connection, connect
from tests.worlds.care import NOW, TODAY, ZONE, CareHome, add_carer, make_care_home


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        yield found


def erase(connection: Connection, home: CareHome) -> None:
    plan = erasure.plan(connection, home.tenancy, ZONE)
    assert plan is not None
    with connection.transaction():
        erasure.bury(connection, b"k" * 32, plan)
    with connection.transaction():
        erasure.erase(connection, b"k" * 32, plan)


def test_when_a_carer_was_erased_the_next_is_told_first_and_another_can_be_named(connection: Connection) -> None:
    gone, one = make_care_home(connection, 1), make_care_home(connection, 2)
    ada, ben, _ = (add_carer(connection, one, name) for name in ("Ada", "Ben", "Cid"))
    accounts.bind(connection, ada.account_id or 0, gone.tenancy, "code", NOW, TODAY)
    erase(connection, gone)
    assert [(found.carer, found.rank) for found in care.links_of_tenancy(connection, one.tenancy)] == [
        ("Ben", 1), ("Cid", 2),
    ]  # fmt: skip
    account = ben.account_id or 0
    first = care.link(connection, account, ben.id, TODAY)
    assert [found.rank for found in (*care.links_of_account(connection, account, TODAY), first) if found] == [1, 1]
    add_carer(connection, one, "Dan")
    assert [(found.carer, found.rank) for found in care.links_of_tenancy(connection, one.tenancy)] == [
        ("Ben", 1), ("Cid", 2), ("Dan", 3),
    ]  # fmt: skip
