"""Accounts, sessions, codes and the log of access in a real database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from store import accounts
from store.connect import Connection
from tests.tools.site import make_home

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOW.date()
HOUR, IDLE, LIFETIME = timedelta(hours=1), timedelta(minutes=30), timedelta(hours=12)
HERE, GONE = 20_000_000_000_001, 20_000_000_000_002


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with psycopg.connect(database, autocommit=True) as found:
        make_home(found, tenancy_id=GONE, to_day=date(2026, 11, 23))
        make_home(found, tenancy_id=HERE, from_day=date(2026, 11, 23))
        yield found


def test_an_account_is_issuer_and_subject(connection: Connection) -> None:
    first = accounts.sign_in(connection, "https://a", "x")
    assert accounts.sign_in(connection, "https://a", "x") == first
    assert accounts.sign_in(connection, "https://b", "x").id != first.id
    assert first.tenancy_id is None


def test_binding(connection: Connection) -> None:
    who = accounts.sign_in(connection, "https://a", "x").id
    assert not accounts.bind(connection, who, GONE, "code", NOW, TODAY), "it ended today"
    assert not accounts.bind(connection, who, 99_999_999_999_999, "code", NOW, TODAY), "there is none"
    assert accounts.sign_in(connection, "https://a", "x").tenancy_id is None
    assert accounts.bind(connection, who, GONE, "claim", NOW, TODAY - timedelta(days=1))
    assert accounts.bind(connection, who, HERE, "claim", NOW, TODAY)
    assert accounts.sign_in(connection, "https://a", "x").tenancy_id == HERE


def test_a_session_from_begin_to_end(connection: Connection) -> None:
    who = accounts.sign_in(connection, "https://a", "x").id
    token = accounts.open_session(connection, who, ["engineer"], NOW, LIFETIME)
    assert len(token) >= 43
    assert connection.execute("select token from personal.session").fetchall() == [
        (hashlib.sha256(token.encode()).digest(),)
    ]
    assert accounts.session(connection, token, NOW, IDLE) == accounts.Session(who, None, frozenset({"engineer"}))
    assert accounts.session(connection, token + "x", NOW, IDLE) is None
    assert accounts.session(connection, "", NOW, IDLE) is None
    new = accounts.rotate_session(connection, token, NOW)
    assert new is not None
    assert accounts.session(connection, token, NOW, IDLE) is None
    assert accounts.session(connection, new, NOW, IDLE) is not None
    assert accounts.rotate_session(connection, token, NOW) is None
    accounts.end_session(connection, new)
    assert accounts.session(connection, new, NOW, IDLE) is None


def test_an_unused_session_ends(connection: Connection) -> None:
    who = accounts.sign_in(connection, "https://a", "x").id
    token = accounts.open_session(connection, who, [], NOW, LIFETIME)
    at = NOW
    for _ in range(23):  # always in time
        at += timedelta(minutes=29)
        assert accounts.session(connection, token, at, IDLE) is not None
    assert accounts.session(connection, token, at + timedelta(minutes=31), IDLE) is None


def test_a_used_session_ends_too(connection: Connection) -> None:
    who = accounts.sign_in(connection, "https://a", "x").id
    token = accounts.open_session(connection, who, [], NOW, LIFETIME)
    at = NOW
    while at < NOW + LIFETIME:
        assert accounts.session(connection, token, at, IDLE) is not None
        at += timedelta(minutes=20)
    assert accounts.session(connection, token, NOW + LIFETIME, timedelta(days=9)) is None
    # the next one who signs in takes the row away
    accounts.open_session(connection, who, [], NOW + LIFETIME, LIFETIME)
    assert len(connection.execute("select from personal.session").fetchall()) == 1


def test_seen_is_noted_once_a_minute_at_most(connection: Connection) -> None:
    who = accounts.sign_in(connection, "https://a", "x").id
    token = accounts.open_session(connection, who, [], NOW, LIFETIME)
    for seconds, noted in ((30, 0), (61, 61), (90, 61), (130, 130)):
        accounts.session(connection, token, NOW + timedelta(seconds=seconds), IDLE)
        row = connection.execute("select seen_at from personal.session").fetchone()
        assert row == (NOW + timedelta(seconds=noted),)


def test_all_sessions_of_an_account_end_and_no_others(connection: Connection) -> None:
    who, other = (accounts.sign_in(connection, "https://a", name).id for name in "xy")
    tokens = [accounts.open_session(connection, who, [], NOW, LIFETIME) for _ in range(3)]
    kept = accounts.open_session(connection, other, [], NOW, LIFETIME)
    assert accounts.end_sessions(connection, who) == 3
    assert all(accounts.session(connection, token, NOW, IDLE) is None for token in tokens)
    assert accounts.session(connection, kept, NOW, IDLE) is not None


def test_a_code_is_good_once(connection: Connection) -> None:
    code = accounts.make_code(connection, "bind", HERE, NOW, HOUR)
    assert len(code) == 14
    assert set(code) <= set(accounts.ALPHABET) | {"-"}
    typed = f" {code.lower().replace('-', ' ')}"
    assert accounts.find_code(connection, "slip", code, NOW) is None, "another purpose"
    assert accounts.find_code(connection, "bind", typed, NOW) == accounts.Code(HERE, ())
    assert accounts.use_code(connection, "bind", typed, NOW) == accounts.Code(HERE, ())
    assert accounts.use_code(connection, "bind", code, NOW) is None
    assert accounts.find_code(connection, "bind", code, NOW) is None


def test_a_code_ends(connection: Connection) -> None:
    code = accounts.make_code(connection, "bind", HERE, NOW, HOUR)
    assert accounts.use_code(connection, "bind", code, NOW + HOUR) is None
    assert accounts.use_code(connection, "bind", code, NOW + HOUR - timedelta(seconds=1)) is not None


@pytest.mark.parametrize("text", ["", "-", "BCDF", "\x00", "ß" * 90, "B" * 1_000_000])
def test_what_is_no_code(connection: Connection, text: str) -> None:
    assert accounts.use_code(connection, "bind", text, NOW) is None


def test_only_a_demo_s_code_opens_no_home(connection: Connection) -> None:
    code = accounts.make_code(connection, "demo", None, NOW, HOUR, ["engineer"])
    assert accounts.find_code(connection, "demo", code, NOW) == accounts.Code(None, ("engineer",))
    for purpose, tenancy, roles in (("bind", None, []), ("slip", HERE, ["engineer"])):
        with pytest.raises(psycopg.errors.CheckViolation):
            accounts.make_code(connection, purpose, tenancy, NOW, HOUR, roles)


def test_the_log_is_only_added_to(connection: Connection) -> None:
    who = accounts.sign_in(connection, "https://a", "x").id
    for number in range(5):
        accounts.log_access(connection, HERE, who, "resident", "looked", NOW + number * HOUR, f"{number}")
    accounts.log_access(connection, GONE, None, "assist", "entered a slip", NOW)
    found = accounts.accesses(connection, HERE, limit=2)
    assert [row.detail for row in found] == ["4", "3"]
    assert [row.detail for row in accounts.accesses(connection, HERE, below=found[-1].id)] == ["2", "1", "0"]
    for statement in (
        "update personal.access set action = 'nothing'",
        "delete from personal.access",
        "truncate personal.access",
        "set borough.erasing = '20000000000002'; delete from personal.access where tenancy_id = 20000000000001",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
    assert len(accounts.accesses(connection, HERE)) == 5


def test_with_a_tenancy_its_sign_ins_go(connection: Connection) -> None:
    who = accounts.sign_in(connection, "https://a", "x").id
    accounts.bind(connection, who, HERE, "code", NOW, TODAY)
    token = accounts.open_session(connection, who, [], NOW, LIFETIME)
    accounts.make_code(connection, "bind", HERE, NOW, HOUR)
    connection.execute("delete from personal.tenancy where id = %s", (HERE,))
    assert accounts.session(connection, token, NOW, IDLE) is None
    assert connection.execute("select from personal.account").fetchall() == []
    assert connection.execute("select from personal.sign_in_code").fetchall() == []
