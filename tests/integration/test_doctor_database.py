"""`borough doctor` and the database: each fault is planted on a real server, and found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest
from psycopg import sql

from borough.cli import run
from borough.doctor import disk, server
from devices.device import Device
from store import complaints, registry, session_filters, session_lock
from store import doctor as asked
from store.connect import Connection, connect
from store.tier import tier as tier_of
from tests.tools import site
from tests.tools.doctor import Doctor
from tests.tools.program import BOROUGH, environment
from tests.tools.servers import PATIENCE, Cluster, wait_for
from tests.worlds import household
from tests.worlds.household import KEY, Household

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ADA = Household("100021048399", "meter-ada-1815", "Ada Thistledown", "9 Nightjar Row", 0.161803, date(2026, 1, 1))


@pytest.fixture
def connection(durable_database: str) -> Iterator[Connection]:
    with connect(durable_database, autocommit=True) as opened:
        yield opened


def _name(connection: Connection) -> sql.Identifier:
    return sql.Identifier(connection.info.dbname)


def test_a_server_for_tests_does_not_keep_what_it_commits(doctor: Doctor, plain_postgres: Cluster) -> None:
    """Our own, as nearly all of our tests have them: it says that a commit is on the disk, and it is not."""
    name = plain_postgres.create()
    doctor.set(database_url=plain_postgres.url(name))
    told = doctor.of_database()["database-not-durable"]
    plain_postgres.drop(name)
    assert [item.found.partition(" ")[0] for item in told] == ["fsync", "full_page_writes"]
    assert {item.state for item in told} == {"wrong"}
    assert "set fsync = on" in told[0].todo


def test_settings_of_the_database_alone(doctor: Doctor, connection: Connection) -> None:
    """What the server's own file says does not count where database or role say otherwise."""
    name = _name(connection)
    connection.execute(sql.SQL("alter database {} set synchronous_commit = off").format(name))
    assert doctor.one_of_database("database-not-durable").found.startswith("synchronous_commit is off")
    connection.execute(sql.SQL("alter database {} reset synchronous_commit").format(name))
    connection.execute(sql.SQL("alter database {} set default_transaction_read_only = on").format(name))
    assert doctor.one_of_database("database-read-only").state == "wrong"


def test_a_database_that_is_not_utf8_has_no_tables_and_is_named_twice(doctor: Doctor, durable: Cluster) -> None:
    durable.execute("create database latin template template0 encoding 'LATIN1' locale_provider libc locale 'C'")
    doctor.set(database_url=durable.url("latin"))
    found = doctor.of_database()
    durable.drop("latin")
    assert found["database-encoding"][0].found.startswith("the database's encoding is LATIN1")
    assert "borough migrate" in found["database"][0].found


def test_the_servers_own_upkeep(
    doctor: Doctor, durable: Cluster, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.one_of_database("database-superuser").state == "warning"
    connection.execute("update pg_database set datcollversion = '0.1' where datname = current_database()")
    durable.execute("alter system set autovacuum = off")
    connection.execute("select pg_create_physical_replication_slot('left_behind', true)")
    monkeypatch.setattr(server, "IDLE", 0.0)
    try:
        connection.execute("select pg_reload_conf()")
        assert wait_for(lambda: connection.execute("show autovacuum").fetchone() == ("off",), 10.0)
        with psycopg.connect(durable.url(connection.info.dbname), application_name="a forgotten psql") as idle:
            idle.execute("select 1")
            found = doctor.of_database()
        (slot,) = asked.unread_slots(connection)
    finally:
        connection.execute("select pg_drop_replication_slot('left_behind')")
        durable.execute("alter system reset autovacuum")
        connection.execute("select pg_reload_conf()")
    assert "reindex database" in found["database-collation"][0].todo
    assert found["database-autovacuum"][0].state == "wrong"
    assert "a forgotten psql" in found["database-idle"][0].found
    assert slot[0] == "left_behind"
    assert 0 <= slot[1] < 1 << 30
    assert asked.archiver_fails_since(connection) is None


def test_what_each_tier_is_asked(each_database: str, cluster: Cluster) -> None:
    with connect(each_database, autocommit=True) as connection:
        kind = tier_of(connection)
        assert kind == cluster.tier
        facts = asked.timescale(connection, kind)
        assert (facts is None) == (kind == "plain")
        if facts is not None:
            assert facts.licence == ("timescale" if kind == "community" else "apache")
            assert facts.on_disk is not None
            assert facts.compressed == 0
            assert asked.late_chunks(connection, NOW) == 0
        connection.execute(
            "insert into reading select 1, %s - n * interval '1 hour', 0 from generate_series(1, 400) n", (NOW,)
        )
        connection.execute("analyze reading")
        growth = asked.growth(connection, kind, NOW - DAY)
        assert growth.rows == 400
        assert growth.size > 400 * 30
        assert (growth.stored, growth.first) == (0, None)
        if facts is not None:
            assert asked.late_chunks(connection, NOW - 8 * DAY) >= 1
        facts_of_server = asked.server(connection)
        assert facts_of_server.version >= server.LEAST
        assert (facts_of_server.standby, facts_of_server.encoding) == (False, "UTF8")
        assert facts_of_server.size > 1 << 20
        assert asked.settings(connection, server.NAMES).keys() >= {"fsync", "autovacuum", "data_directory"}


def test_compressed_chunks_that_the_licence_does_not_let_us_read(doctor: Doctor, connection: Connection) -> None:
    """As after a change from the Community edition to Debian's: the catalogue says that a chunk is compressed."""
    connection.execute("insert into reading values (1, now(), 0)")
    connection.execute(
        "with made as (insert into _timescaledb_catalog.chunk"
        " (hypertable_id, schema_name, table_name, status, creation_time)"
        " select hypertable_id, schema_name, 'compressed', 0, now() from _timescaledb_catalog.chunk returning id)"
        " update _timescaledb_catalog.chunk c set compressed_chunk_id = made.id, status = 1 from made"
    )
    told = doctor.one_of_database("timescale-apache-compressed")
    assert told.found == "under the Apache licence 1 chunk cannot be read (#9623)"
    assert "timescaledb.license" in told.todo


def test_clocks_that_disagree(doctor: Doctor, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.execute(
        "insert into collector (name, batch, at) values ('borough-collector', 1, now() + interval '1 hour')"
    )
    assert "which is still to come" in doctor.one_of_database("clock-future").found
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() - 100)
    told = doctor.one_of_database("clock-database")
    assert told.found == "the database's clock is 100.0 s ahead of this machine's"
    monkeypatch.setattr(time, "time", lambda: true() + 5)
    assert doctor.one_of_database("clock-database-near").found.endswith("5.0 s behind this machine's")


def test_days_of_another_time_zone(doctor: Doctor, connection: Connection) -> None:
    connection.execute("insert into personal.day_zone (zone) values ('America/New_York')")
    told = doctor.one_of_database("zone-stored")
    assert "BOROUGH_TIME_ZONE is Europe/London" in told.found
    assert "--change-zone" in told.found


def test_pages_that_were_not_restarted_after_the_zone_was_changed(
    doctor: Doctor, connection: Connection, durable_database: str
) -> None:
    with site.running(site.options(durable_database)) as url:
        assert httpx.get(f"{url}/health/ready", timeout=PATIENCE).status_code == 200
        assert "zone-shown" not in doctor.of_database()
        doctor.set(time_zone="Europe/Dublin")
        assert doctor.one_of_database("zone-shown").found == (
            "pages are served with the days of Europe/London, and the setting is Europe/Dublin"
        )
    assert wait_for(lambda: not asked.zones_shown(connection), 10.0)


def test_python_and_the_database_have_the_same_rules_for_the_zones_of_these_islands(connection: Connection) -> None:
    """Each change is found by both, one by Python's rules and one by the database's; a half-hour's too."""
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    from borough.doctor.zones import offsets

    for name in ("Europe/London", "Europe/Dublin", "Australia/Lord_Howe", "UTC"):
        assert asked.offsets(connection, ZoneInfo(name), start, end) == offsets(ZoneInfo(name), start, end)


def test_time_zone_data_of_python_that_are_others(doctor: Doctor, durable_database: str, tmp_path: Path) -> None:
    """Python finds rules in a folder of its own: those of a Britain on the time of Paris, and a new zone."""
    (tmp_path / "Europe").mkdir()
    source = next(Path(folder) for folder in zoneinfo.TZPATH if (Path(folder) / "Europe/Paris").exists())
    for name in ("London", "Newtown"):
        shutil.copy(source / "Europe/Paris", tmp_path / "Europe" / name)
    settings = {name: value for name, value in os.environ.items() if name.startswith("BOROUGH_")}

    def told(zone: str) -> dict[str | None, str]:
        given = {**settings, "BOROUGH_TIME_ZONE": zone, "PYTHONTZPATH": str(tmp_path)}
        done = subprocess.run(
            [*BOROUGH, "doctor", "--json"], env=environment(given), capture_output=True, text=True, check=False
        )
        return {check["code"]: check["found"] for check in json.loads(done.stdout) if check["name"] == "time zone"}

    year = datetime.now(UTC).year
    found = told("Europe/London")["zone-rules"]
    assert f"Europe/London, {year - 1} to {year + 10}: they differ in {year - 1}, " in found
    # the changes are at the same instants, to other offsets
    assert re.search(rf"only Python has .*{year - 1}-03-\d\d 01:00Z to UTC\+2 h", found)
    assert re.search(rf"only the database has .*{year - 1}-03-\d\d 01:00Z to UTC\+1 h", found)
    assert told("Europe/Newtown") == {"zone-unknown": "the database does not know Europe/Newtown"}


def test_what_should_be_gone_and_is_not(doctor: Doctor, connection: Connection) -> None:
    registry.add(connection, [Device("pir-1", "movement-sensor", "native")])
    connection.execute("insert into personal.series (device_id, property, personal) values ('pir-1', 'movement', true)")
    series = "(select id from personal.series)"

    def at(days: int) -> None:
        connection.execute("delete from reading")
        connection.execute(f"insert into reading values ({series}, now() - interval '{days} days', 1)".encode())

    at(91)
    assert "retention-not-run" not in doctor.of_database(), "tonight's run has it"
    at(93)
    assert "readings of movement-sensor are kept beyond 90 days" in doctor.one_of_database("retention-not-run").found
    assert run(["maintain"]) == 0
    assert "retention-not-run" not in doctor.of_database()
    connection.execute(
        "with one as (insert into rejected (arrival, topic, family, device, reason, detail)"
        " values (now() - interval '10 days', 't', 'smart-meter', 'm', 'bad_time', '') returning id)"
        " insert into personal.rejected_bytes (id, bytes) select id, '' from one"
    )
    assert "personal bytes of rejected messages are kept since" in doctor.one_of_database("retention-not-run").found


def test_the_disk_of_the_database(
    doctor: Doctor, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not {"disk-full", "disk-filling"} & doctor.of_database().keys()
    free = disk._room(Path("/dev/shm")).free
    readings = round(free / 20 / disk.BYTES_A_READING)
    connection.execute(
        "insert into accounting (minute, collector, family, readings_stored) values (now(), 'c', 'air-monitor', %s)",
        (readings,),
    )
    told = doctor.one_of_database("disk-filling")
    assert told.found.startswith("the database's data: the database has ")
    assert 17 <= _days(told.found) <= 22  # others write to that disk too
    connection.execute("update accounting set readings_stored = readings_stored * 4")
    assert 3 <= _days(doctor.one_of_database("disk-full").found) <= 6


def _days(text: str) -> int:
    found = re.search(r", which is (\d+) days", text)
    assert found is not None, text
    return int(found[1])


def test_a_complaint_that_nobody_acknowledged(doctor: Doctor, connection: Connection) -> None:
    assert "complaints-overdue" not in doctor.of_database()
    given = complaints.Given("Words that the doctor does not tell", "air", "none")
    for days in (10, 31):
        with connection.transaction():
            complaints.take(connection, given, secret="k", form=str(days), received_at=NOW - days * DAY, now=NOW)
    told = doctor.one_of_database("complaints-overdue")
    assert told.state == "warning"
    assert told.found.startswith("1 complaint not acknowledged in time")
    assert "Words" not in told.found
    connection.execute("update personal.complaint set acknowledged_at = now()")
    assert "complaints-overdue" not in doctor.of_database()


def test_sessions_that_somebody_left(doctor: Doctor, connection: Connection, durable_database: str) -> None:
    assert doctor.one_of_database("queue-none").state == "warning"
    connection.execute(
        "insert into collector (name, batch, at) values ('borough-collector', 1, now() - interval '3 hours')"
    )
    told = doctor.one_of_database("queue-nobody")
    assert told.found.endswith("(3 hours)")
    with connect(durable_database, autocommit=True) as collector:
        assert session_lock.take(collector, ["borough-collector"]) == "borough-collector"
        assert not {"queue-nobody", "queue-none"} & doctor.of_database().keys()
    session_lock.note(connection, "old-collector", {})
    session_filters.remember(connection, "old-collector", "former.example:1883", ["borough/+/+/reading"])
    connection.execute(
        "insert into absence (collector, back_at, family, lost_at, messages, readings) values"
        " ('borough-collector', now() - interval '1 day', 'parking-bay', now() - interval '2 days', 1, 1)"
    )
    found = doctor.of_database()
    assert found["session-unused"][0].found.startswith("session old-collector at former.example:1883 is subscribed")
    assert "BOROUGH_MQTT_CLIENT_ID=old-collector" in found["session-unused"][0].todo
    assert (NOW - 2 * DAY).strftime("since %Y-%m-%d") in found["queue-undrained"][0].found
    connection.execute(
        "insert into absence (collector, back_at, family, lost_at, drained_at, messages, readings) values"
        " ('borough-collector', now() - interval '1 hour', 'parking-bay', now() - interval '2 hours', now(), 1, 1)"
    )
    assert "queue-undrained" not in doctor.of_database(), "a later queue was seen to its end"


def test_a_database_that_is_older_than_its_erasures(doctor: Doctor, connection: Connection, tmp_path: Path) -> None:
    key, log = tmp_path / "key", tmp_path / "log"
    key.write_bytes(KEY)
    doctor.set(tombstone_key_file=key)
    assert doctor.one_of_database("tombstones-no-log").state == "wrong"
    doctor.set(tombstone_log=log)
    with connect(connection.info.dsn + f" password={connection.info.password}") as adding:
        tenancy = household.add(adding, ADA)
    assert run(["erase", str(tenancy), "--yes"]) == 0
    assert doctor.wrong() == {}
    connection.execute("delete from personal.tombstone where kind = 'meter'")
    told = doctor.one_of_database("tombstones-forgotten")
    assert "borough erase --again" in told.todo
    assert "1 tombstone of 2" in told.found
    assert run(["erase", "--again"]) == 0
    assert doctor.wrong() == {}
    kept = log.read_text()
    log.write_text("no log\n{}\n")
    assert "is no line of a log" in doctor.one_of_database("tombstones-log").found
    log.write_text(kept.replace('"key": "', '"key": "00'))
    assert "was written with another key" in doctor.one_of_database("tombstones-log").found
    log.unlink()
    assert "2 tombstones" in doctor.one_of_database("tombstones-log").found
    key.unlink()
    found = doctor.faults()
    assert "No such file" in found["settings"][0].found
    assert not {"tombstones-key", "site", "broker"} & found.keys(), "one fault, told once"
