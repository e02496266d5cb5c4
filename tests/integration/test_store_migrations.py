"""Migrations, tiers and roles."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import errors, sql

from borough.cli import run
from devices.device import Device
from devices.families import FAMILIES
from store import jobs, migrations, registry, rejected, rejected_taken, series
from store.connect import Connection, connect
from store.tier import tier as store_tier
from tests.tools.servers import Cluster


def test_upgrade_once_and_again(each_empty_database: str) -> None:
    assert migrations.current(each_empty_database) is None
    with connect(each_empty_database) as connection:
        assert not migrations.is_current(connection)
    applied = migrations.upgrade(each_empty_database)
    assert applied[-1] == migrations.head() == migrations.current(each_empty_database)
    assert migrations.upgrade(each_empty_database) == []
    with connect(each_empty_database) as connection:
        assert migrations.is_current(connection)
        rows = connection.execute("select family, name, unit, kind, personal from property").fetchall()
    assert set(rows) == {
        (family.name, item.name, item.unit, item.kind, item.personal)
        for family in FAMILIES.values()
        for item in family.properties.values()
    }


def test_a_database_is_made_once_whatever_its_name(cluster: Cluster) -> None:
    name = f'a "borough" of {{names}} at 100%, {uuid.uuid4().hex[:8]}'
    try:
        assert migrations.create_database(cluster.url(), name)
        with connect(cluster.url(quote(name))) as connection:
            connection.execute("create table kept ()")
        assert not migrations.create_database(cluster.url(), name)
        with connect(cluster.url(quote(name))) as connection:
            connection.execute("select from kept")
    finally:
        cluster.drop(name)


def test_a_database_without_an_encoding_is_refused_in_words(
    plain_postgres: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"test_{uuid.uuid4().hex[:12]}"
    plain_postgres.execute(f"create database {name} template template0 encoding 'SQL_ASCII' locale 'C'")
    try:
        monkeypatch.setenv("BOROUGH_DATABASE_URL", plain_postgres.url(name))
        assert run(["migrate"]) == 1
    finally:
        plain_postgres.drop(name)
    said = capsys.readouterr()
    assert said.out == ""
    assert "has the encoding SQL_ASCII, which keeps no names: make one with createdb --encoding UTF8" in said.err


def test_upgrade_repairs_the_properties(database: str) -> None:
    with connect(database) as connection:
        connection.execute("update property set unit = 'furlong' where name = 'pm10'")
        connection.execute("delete from property where name = 'co2'")
        connection.execute("insert into property values ('air-monitor', 'phlogiston', '1', 'gauge', false)")
    assert migrations.upgrade(database) == []
    with connect(database) as connection:
        rows = connection.execute("select name, unit from property where family = 'air-monitor'").fetchall()
    assert dict(rows) == {item.name: item.unit for item in FAMILIES["air-monitor"].properties.values()}


def test_head_is_alembics_head(empty_database: str) -> None:
    applied = migrations.upgrade(empty_database)
    assert applied == [f"{number:04}" for number in range(1, len(applied) + 1)]
    assert applied[-1] == migrations.head()


def test_rows_of_one_message_come_to_share_its_bytes(each_empty_database: str) -> None:
    """What a collector before revision 0004 wrote: a row and the whole bytes for each rejected reading."""
    files = sorted((Path(migrations.__file__).parent / "alembic" / "sql").glob("0*.sql"))
    with connect(each_empty_database) as connection:
        for file in files[:3]:
            connection.execute(file.read_bytes())
        connection.execute("create table public.alembic_version (version_num varchar(32) primary key)")
        connection.execute("insert into public.alembic_version values ('0003')")
        rows = [
            (second, device, payload)
            for second, device, payload in (
                (1, "a", b"one"), (1, "a", b"one"), (1, "a", b"two"), (2, "a", b"one"), (1, "b", b"one"),
                (1, "a", None), (1, "a", None),
            )
        ]  # fmt: skip
        for second, device, payload in rows:
            connection.execute(
                "with r as (insert into public.rejected (arrival, topic, family, device, property, reason, detail)"
                " values (to_timestamp(%s), 't', 'air-monitor', %s, 'x', 'bad_value', '') returning id)"
                " insert into public.rejected_bytes select id, %s from r where %s::bytea is not null",
                (second, device, payload, payload),
            )
        connection.execute(
            "with r as (insert into public.rejected (arrival, topic, family, device, reason, detail)"
            " values (to_timestamp(1), 't', 'air-monitor', 'a', 'unreadable', '') returning id)"
            " insert into personal.rejected_bytes select id, 'one' from r"
        )
    migrations.upgrade(each_empty_database)
    with connect(each_empty_database) as connection:
        found = [rejected.get(connection, row.id) for row in rejected.find(connection)][::-1]
        kept = connection.execute("select count(*) from public.rejected_bytes").fetchone()
        next_row = connection.execute(
            "insert into public.rejected (arrival, topic, family, reason, detail)"
            " values (now(), 't', 'unknown', 'unreadable', '') returning id = message"
        ).fetchone()
    assert [item.payload for item in found if item] == [*(payload for _, _, payload in rows), b"one"]
    assert [item.message for item in found if item] == [1, 1, 3, 4, 5, 6, 7, 8]
    assert kept == (4,)
    assert next_row == (True,), "a row alone is a message of its own"


def test_days_by_the_old_rule_of_falls_are_computed_again(each_empty_database: str) -> None:
    files = sorted((Path(migrations.__file__).parent / "alembic" / "sql").glob("0*.sql"))
    with connect(each_empty_database) as connection:
        for file in files[:3]:
            connection.execute(file.read_bytes())
        connection.execute("create table public.alembic_version (version_num varchar(32) primary key)")
        connection.execute("insert into public.alembic_version values ('0003')")
        connection.execute("insert into personal.home (id, uprn, lon, lat) values (7, '1', 0, 51), (9, '2', 0, 51)")
        connection.execute("truncate personal.touched_home")
    migrations.upgrade(each_empty_database)
    with connect(each_empty_database) as connection:
        found = connection.execute("select home_id from personal.touched_home order by id").fetchall()
    assert found == [(7,), (9,)]


def test_what_a_database_of_0014_holds_is_taken_along(each_empty_database: str) -> None:
    files = sorted((Path(migrations.__file__).parent / "alembic" / "sql").glob("0*.sql"))
    with connect(each_empty_database) as connection:
        for file in files[:14]:
            connection.execute(file.read_bytes())
        connection.execute("create table public.alembic_version (version_num varchar(32) primary key)")
        connection.execute("insert into public.alembic_version values ('0014')")
        connection.execute("insert into public.collector (name) values ('c')")
        connection.execute("insert into public.touched_day (family, day) values ('air-monitor', '2026-01-05')")
        # what an earlier retry left of a message that it took: nobody counted what it took, nor what it made
        connection.execute(
            "insert into public.rejected (arrival, topic, family, device, property, reason, detail)"
            " select now(), 't', 'air-monitor', 'a', 'x', 'bad_value', '' from generate_series(1, 3)"
        )
        connection.execute(
            "insert into public.accounting (minute, collector, family, messages_received, messages_rejected)"
            " values (now(), 'c', 'air-monitor', 1, 1)"
        )
    assert migrations.upgrade(each_empty_database)[0] == "0015"
    with connect(each_empty_database) as connection:
        assert connection.execute("select name, formats from public.collector").fetchall() == [("c", {})]
        assert [(one.rejected, one.kept, one.others) for one in rejected_taken.account(connection)] == [(1, 3, -2)]
        connection.execute("insert into public.touched_day (family, day) values ('air-monitor', '2026-01-05')")
        number = jobs.ask(connection, "simulation", "first", {}, None, ["shipped:demo.toml"])
        found = jobs.take(connection, "w")
        assert found is not None
        assert (found.id, found.attempts) == (number, 1)


def test_two_migrators_at_once(each_empty_database: str) -> None:
    """Each in a process of its own, warnings as errors, nothing printed; one of them does the work."""
    program = "import sys; from store.migrations import upgrade; sys.exit(10 + len(upgrade(sys.argv[1])))"
    both = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, each_empty_database],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0] for process in both]
    assert printed == [b"", b""]
    assert sorted(process.returncode for process in both) == [10, 10 + int(migrations.head())]


def test_the_tier_is_the_servers(cluster: Cluster, each_database: str) -> None:
    with connect(each_database) as connection:
        assert store_tier(connection) == cluster.tier


def test_chunks_of_seven_days(database: str) -> None:
    with connect(database) as connection:
        connection.execute("insert into reading values (1, '2026-01-01Z', 1), (1, '2026-01-05Z', 1)")
        row = connection.execute(
            "select min(range_end - range_start)::text, max(range_end - range_start)::text"
            " from timescaledb_information.chunks where hypertable_name = 'reading'"
        ).fetchone()
    assert row == ("7 days", "7 days")


@pytest.fixture
def with_readings(each_database: str) -> str:
    """A database with one open and one personal reading."""
    with connect(each_database) as connection:
        registry.upsert(
            connection,
            [
                Device("bay1", "parking-bay", "native", -0.1, 51.5),
                Device("home1", "smart-meter", "native", -0.2, 51.6, personal=True),
                Device("bay2", "parking-bay", "native", -0.3, 51.7, personal=True),
                # an open device of a family whose properties are personal: its readings still are a household's
                Device("meter2", "smart-meter", "native"),
            ],
        )
        pairs = [("bay1", "occupied"), ("home1", "power"), ("bay2", "occupied"), ("meter2", "power")]
        for number, state in enumerate(series.resolve(connection, pairs)):
            connection.execute("insert into reading values (%s, '2026-01-01Z', %s)", (state.series, number))
    return each_database


@pytest.fixture
def role(each_database: str) -> str:
    """A login of its own, without any right yet."""
    name = f"reader_{uuid.uuid4().hex[:8]}"
    with connect(each_database, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
    return name


def as_role(connection: Connection, role: str, grant: str) -> None:
    connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(grant), sql.Identifier(role)))
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))


def drop_role(connection: Connection, role: str) -> None:
    connection.execute("reset role")
    connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def refused(connection: Connection, *relations: str) -> list[str]:
    found = []
    for relation in relations:
        try:
            with connection.transaction():
                connection.execute(f"select * from {relation} limit 1".encode())
        except errors.InsufficientPrivilege:
            found.append(relation)
    return found


def test_the_open_role_sees_open_data_alone(with_readings: str, role: str) -> None:
    with connect(with_readings, autocommit=True) as connection:
        as_role(connection, role, "borough_open")
        try:
            rows = connection.execute("select * from observation").fetchall()
            assert rows == [("bay1", "parking-bay", "occupied", "1", datetime(2026, 1, 1, tzinfo=UTC), 0.0)]
            assert connection.execute("select device_id, property from series").fetchall() == [("bay1", "occupied")]
            places = connection.execute("select id, lon, lat from device").fetchall()
            assert places == [("bay1", -0.1, 51.5), ("meter2", None, None)]
            assert connection.execute("select count(*) from accounting").fetchone() == (0,)
            closed = [
                "reading", "latest", "rejected", "rejected_bytes", "redelivery", "collector", "personal.device",
                "personal.series", "personal.observation", "personal.rejected_bytes", "personal.rejected_text",
                "alembic_version",
            ]  # fmt: skip
            assert refused(connection, *closed) == closed
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("delete from device")
        finally:
            drop_role(connection, role)


def test_the_personal_role_sees_households(with_readings: str, role: str) -> None:
    with connect(with_readings, autocommit=True) as connection:
        as_role(connection, role, "borough_personal")
        try:
            rows = connection.execute("select device, value from personal.observation order by 1").fetchall()
            assert rows == [("bay2", 2.0), ("home1", 1.0), ("meter2", 3.0)]
            assert refused(connection, "reading", "rejected") == ["reading", "rejected"]
        finally:
            drop_role(connection, role)


def test_nobody_without_a_grant_sees_anything(with_readings: str, role: str) -> None:
    with connect(with_readings, autocommit=True) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        try:
            everything = ["observation", "device", "series", "reading", "accounting", "personal.observation"]
            assert refused(connection, *everything) == everything
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("create table public.mine (a int)")
        finally:
            drop_role(connection, role)


def test_a_device_that_becomes_personal_leaves_the_open_views_at_once(with_readings: str) -> None:
    with connect(with_readings) as connection:
        registry.upsert(connection, [Device("bay1", "parking-bay", "native", -0.1, 51.5, personal=True)])
        for relation in ("observation", "series"):
            assert connection.execute(f"select count(*) from {relation}".encode()).fetchone() == (0,)
        assert connection.execute("select id from device").fetchall() == [("meter2",)]
        assert connection.execute("select count(*) from personal.observation").fetchone() == (4,)


@pytest.fixture
def without_roles(cluster: Cluster) -> Iterator[bool]:
    """Hide the two roles of the server for a while, if it is ours alone; whether they are hidden."""
    if cluster.server is None:
        yield False
        return
    cluster.drop(cluster.create())  # the first migration of this server makes them
    for name in ("borough_open", "borough_personal"):
        cluster.execute(f"alter role {name} rename to hidden_{name}")
    yield True
    for name in ("borough_open", "borough_personal"):
        cluster.execute(f"alter role hidden_{name} rename to {name}")


def test_a_service_that_may_create_no_roles_migrates_all_the_same(
    each_empty_database: str, without_roles: bool
) -> None:
    """The database's owner need not be an administrator; the roles are another's business then."""
    name = f"owner_{uuid.uuid4().hex[:8]}"
    database = psycopg.conninfo.conninfo_to_dict(each_empty_database)["dbname"]
    owner, place = sql.Identifier(name), sql.Identifier(str(database))
    with connect(each_empty_database, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login password 'for-this-test'").format(owner))
        connection.execute(sql.SQL("alter database {} owner to {}").format(place, owner))
    url = psycopg.conninfo.make_conninfo(each_empty_database, user=name, password="for-this-test")
    assert migrations.upgrade(url)[-1] == migrations.head()
    assert migrations.upgrade(url) == []
    with connect(each_empty_database, autocommit=True) as connection:
        found = connection.execute("select count(*) from pg_roles where rolname = 'borough_open'").fetchone()
        assert found == ((0,) if without_roles else (1,))
        connection.execute(sql.SQL("alter database {} owner to current_user").format(place))
        connection.execute(sql.SQL("reassign owned by {} to current_user").format(owner))
        connection.execute(sql.SQL("drop owned by {}").format(owner))
        connection.execute(sql.SQL("drop role {}").format(owner))
