"""What the doctor says of servers, versions, clocks, disks, sessions and backups: facts in, faults out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from borough.broker_accounts import DROPPED, RETAINED, STORED, VERSION
from borough.doctor import backups, broker, clock, disk, retention, server, sessions, timescale, zones
from borough.doctor.attempt import attempt
from borough.doctor.backups import Backup
from borough.doctor.disk import Room
from borough.doctor.finding import Finding
from borough.doctor.probe import TIME, Broker
from borough.doctor.settings import bank_holidays
from borough.settings.settings import Settings
from ingest.options import BrokerOptions
from store.doctor import Growth, Server, Session, Timescale
from store.tier import Tier

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WELL = Server(170_010, False, "UTF8", False, False, 1_000_000, 10_000_000, 77, None)
LASTS = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"}
BROKER = Broker(65_535, 262_144, None, None, 2, True, True, {}, NOW.timestamp())
OPTIONS = BrokerOptions(host="b", port=1883)


def codes(found: Iterable[Finding]) -> list[str]:
    """The faults among some findings."""
    return [item.code for item in found if item.code is not None]


@pytest.mark.parametrize(
    ("facts", "settings", "expected"),
    [
        ({}, {}, []),
        ({}, {"synchronous_commit": "remote_apply"}, []),
        ({"version": 160_009}, {}, ["database-old"]),
        ({"version": 180_004}, {}, []),
        ({"standby": True}, {"default_transaction_read_only": "on"}, ["database-standby"]),
        ({}, {"default_transaction_read_only": "on"}, ["database-read-only"]),
        ({}, {"synchronous_commit": "off", "fsync": "off"}, ["database-not-durable", "database-not-durable"]),
        ({"encoding": "SQL_ASCII"}, {}, ["database-encoding"]),
        ({"other_collation": True}, {}, ["database-collation"]),
        ({}, {"autovacuum": "off"}, ["database-autovacuum"]),
        ({"age": 1_000_000_001}, {}, ["database-wraparound"]),
        ({"age": 1_000_000_000, "superuser": True}, {}, ["database-superuser"]),
    ],
)
def test_servers(facts: Mapping[str, object], settings: Mapping[str, str], expected: list[str]) -> None:
    assert codes(server.judge(WELL._replace(**facts), {**LASTS, **settings})) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("slots", "failed", "idle", "expected"),
    [
        ([("near", 1 << 30)], None, (3_600.0, "psql"), []),
        ([("far", (1 << 30) + 1), ("near", 1)], None, None, ["database-slot"]),
        ([], NOW, None, ["database-archiver"]),
        ([], None, (3_600.5, ""), ["database-idle"]),
    ],
)
def test_what_wears_a_server_out(
    slots: list[tuple[str, int]], failed: datetime | None, idle: tuple[float, str] | None, expected: list[str]
) -> None:
    assert codes(server.wear(slots, failed, idle)) == expected


_OLD = ["timescale-security", "timescale-buckets"]


@pytest.mark.parametrize(
    ("kind", "version", "licence", "compressed", "expected"),
    [
        ("community", "2.29.2", "timescale", 9, []),
        ("community", "2.31.0", "timescale", 9, []),
        ("community", "2.30.0-dev", "timescale", 0, []),
        ("community", "2.29.1", "timescale", 9, ["timescale-wrong-results"]),
        ("community", "2.29.0", "timescale", 9, ["timescale-wrong-results", "timescale-security"]),
        ("community", "2.20.0", "timescale", 0, ["timescale-wrong-results", *_OLD]),
        ("community", "2.19.3", "timescale", 0, ["timescale-columnstore", "timescale-wrong-results", *_OLD]),
        ("community", "2.18.0", "timescale", 1,
            ["timescale-columnstore", "timescale-lost-rows", "timescale-wrong-results", *_OLD]),
        ("apache", "2.29.1", "apache", 0, []),
        ("apache", "2.25.2", "apache", 0, ["timescale-security"]),
        ("apache", "2.19.3", "apache", 0, _OLD),
        ("apache", "2.29.2", "apache", 3, ["timescale-apache-compressed"]),
        ("plain", "2.29.2", "timescale", 0, []),
    ],
)  # fmt: skip
def test_versions_of_timescaledb(kind: Tier, version: str, licence: str, compressed: int, expected: list[str]) -> None:
    assert codes(timescale.judge(kind, Timescale(version, version, licence, compressed), {})) == expected


@pytest.mark.parametrize("name", timescale.DIRECT)
def test_direct_compress_is_refused_below_its_mending(name: str) -> None:
    def found(version: str, value: str) -> list[str]:
        return codes(timescale.judge("community", Timescale(version, None, "timescale", 0), {name: value}))

    assert "timescale-direct-compress" in found("2.28.2", "on")
    assert "timescale-direct-compress" not in found("2.28.2", "off")
    assert "timescale-direct-compress" not in found("2.29.0", "on")


def test_a_library_that_is_newer_than_the_extension() -> None:
    facts = Timescale("2.29.2", "2.31.0", "timescale", 0)
    (told,) = timescale.judge("community", facts, {})
    assert (told.code, told.state) == ("timescale-update", "warning")
    assert codes(timescale.judge("community", facts._replace(on_disk="2.29.2"), {})) == []


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        # how long it took, how far ahead the other was when we asked, what passed by our clock
        ([(0.002, 0.001, 0.002)], []),
        ([(0.002, -1.9, 0.002)], []),
        ([(0.002, 2.1, 0.002)], ["clock-database-near"]),
        ([(0.002, -2.1, 0.002)], ["clock-database-near"]),
        ([(0.002, 31.0, 0.002)], ["clock-database"]),
        ([(0.002, -31.0, 0.002)], ["clock-database"]),
        # a slow answer is no wrong clock, and of three looks the shortest counts
        ([(40.0, 35.0, 40.0)], []),
        ([(1.0, 2.5, 1.0)], []),
        ([(9.0, 9.0, 9.0), (0.001, 5.0, 0.001)], ["clock-database-near"]),
        ([(0.002, 0.001, 0.002), (0.002, 3.0, -0.6)], ["clock-jumps"]),
        ([(0.002, 0.001, 0.7)], ["clock-jumps"]),
    ],
)
def test_clocks(looks: list[tuple[float, float, float]], expected: list[str]) -> None:
    assert codes(clock.judge(looks)) == expected


def test_a_commit_of_the_future() -> None:
    near, far = (Session("c", True, NOW + timedelta(seconds=ahead), True) for ahead in (30, 31))
    assert codes(clock.future([near], NOW)) == []
    assert codes(clock.future([near, far], NOW)) == ["clock-future"]


def test_pythons_changes_of_a_zone_are_those_of_its_rules() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert zones.offsets(ZoneInfo("Europe/London"), start, end) == [
        (start, 0), (datetime(2026, 3, 29, 1, tzinfo=UTC), 3_600), (datetime(2026, 10, 25, 1, tzinfo=UTC), 0),
    ]  # fmt: skip
    # half an hour, at an hour's half
    assert zones.offsets(ZoneInfo("Australia/Lord_Howe"), start, end)[1:] == [
        (datetime(2026, 4, 4, 15, tzinfo=UTC), 37_800), (datetime(2026, 10, 3, 15, 30, tzinfo=UTC), 39_600),
    ]  # fmt: skip
    assert zones.offsets(ZoneInfo("UTC"), start, end) == [(start, 0)]


def test_rules_that_differ_are_told_with_years_and_instants() -> None:
    spring, autumn = datetime(2030, 3, 31, 1, tzinfo=UTC), datetime(2030, 10, 27, 1, tzinfo=UTC)
    late = datetime(2031, 3, 30, 1, tzinfo=UTC)
    said = zones.difference([(spring, 3_600), (autumn, 0), (late, 3_600)], [(spring, 3_600), (autumn + DAY, 0)])
    assert said.startswith("they differ in 2030, 2031; ")
    assert "only Python has 2030-10-27 01:00Z to UTC+0 h, 2031-03-30 01:00Z to UTC+1 h;" in said
    assert said.endswith("only the database has 2030-10-28 01:00Z to UTC+0 h")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"retention_smart_meter": 30, "archive_retention_smart_meter": 90}, ["retention-contradicts"]),
        ({"retention_smart_meter": 30, "archive_retention_smart_meter": None}, ["retention-contradicts"]),
        ({"retention_smart_meter": 90, "archive_retention_smart_meter": 90}, []),
        ({"retention_smart_meter": 30}, []),
        ({"retention_rejected_bytes": 91}, ["retention-bytes"]),
        ({"retention_rejected_bytes": 90}, []),
        ({"retention_smart_meter": 6}, ["retention-bytes"]),
        ({"retention_air_monitor": 6}, []),
        ({f"retention_{family}": 30 for family in
            ("smart_meter", "parking_bay", "air_monitor", "movement_sensor", "car_park")}, ["retention-columnstore"]),
        ({f"retention_{family}": 31 for family in
            ("smart_meter", "parking_bay", "air_monitor", "movement_sensor", "car_park")}, []),
    ],
)  # fmt: skip
def test_retention_that_contradicts_itself(settings: Mapping[str, int | None], expected: list[str]) -> None:
    assert codes(retention.contradictions(Settings.model_validate(settings))) == expected


@pytest.mark.parametrize(
    ("free", "total", "rate", "expected"),
    [
        (100 << 30, 200 << 30, 0.0, []),
        (100 << 30, 200 << 30, (100 << 30) / 30.5, []),
        (100 << 30, 200 << 30, (100 << 30) / 29.5, ["disk-filling"]),
        (9 << 30, 200 << 30, 0.0, ["disk-filling"]),
        (100 << 30, 200 << 30, (100 << 30) / 6.9, ["disk-full"]),
        (511 << 20, 1 << 30, 0.0, ["disk-full"]),
    ],
)
def test_disks(free: int, total: int, rate: float, expected: list[str]) -> None:
    told = disk.judge("the archive", Room(free, total), rate, "it grows")
    assert codes([told]) == expected
    assert told.found.startswith("the archive: it grows; ")


def test_how_fast_a_database_grows() -> None:
    week = NOW - 30 * DAY
    assert disk.daily(Growth(7_000, week, 0, 0), NOW) == 1_000 * disk.BYTES_A_READING
    assert disk.daily(Growth(7_000, NOW - DAY / 2, 0, 0), NOW) == 7_000 * disk.BYTES_A_READING, "of its first day"
    assert disk.daily(Growth(7_000, NOW - 2 * DAY, 0, 0), NOW) == 3_500 * disk.BYTES_A_READING
    assert disk.daily(Growth(7_000, week, 1_200_000, 10_000), NOW) == 1_000 * 120.0, "as measured"
    assert disk.daily(Growth(0, None, 0, 0), NOW) == 0.0


def test_who_serves_the_session() -> None:
    old = Session("borough-collector", True, NOW - timedelta(hours=3), False)
    other = Session("borough-collector-2", True, NOW, True)

    def found(known: list[Session], waiting: int | None = None, group: str | None = None) -> list[str]:
        options = BrokerOptions(host="b", port=1883, shared_group=group)
        return codes(sessions.served(known, options, NOW, waiting))

    assert found([]) == ["queue-none"]
    assert found([other]) == ["queue-none"], "a slot of a group is no session of one collector"
    assert found([other], group="g") == []
    assert found([old, other]) == ["queue-nobody"]
    served = old._replace(served=True)
    assert found([served]) == found([served], 1_000) == []
    assert found([served], 1_001) == ["queue-stuck"]
    assert found([served._replace(at=NOW - timedelta(minutes=4))], 50_000) == []


def test_sessions_that_nobody_serves() -> None:
    def found(name: str, place: str, session: Session | None) -> list[str]:
        return codes(sessions.unused([] if session is None else [session], [(name, place)], OPTIONS, NOW))

    away = Session("old", True, NOW - DAY, False)
    assert found("old", "b:1883", away) == ["session-unused"]
    assert found("old", "b:1883", None) == ["session-unused"]
    assert found("old", "b:1883", away._replace(served=True)) == []
    assert found("old", "b:1883", away._replace(at=NOW - 8 * DAY)) == [], "the broker has forgotten it"
    assert found("borough-collector", "b:1883", away._replace(name="borough-collector")) == []
    assert found("borough-collector", "former:1883", away._replace(name="borough-collector")) == ["session-unused"]


@pytest.mark.parametrize(
    ("changed", "settings", "expected"),
    [
        ({}, {}, []),
        ({"qos": 0}, {}, ["broker-qos"]),
        ({"wildcards": False}, {}, ["broker-wildcard"]),
        ({"shared": False}, {}, []),
        ({"shared": False}, {"mqtt_shared_group": "g"}, ["broker-shared"]),
        ({"receive_maximum": 20}, {}, ["broker-inflight"]),
        ({"packet": None}, {}, ["broker-packet-none"]),
        ({"packet": 132_000}, {}, ["broker-packet"]),
        ({"packet": 2_000_000}, {"payload_maximum": 2_000_000}, ["broker-packet"]),
        ({"expiry": 7_200}, {}, ["broker-expiry"]),
        ({"expiry": 604_800}, {}, []),
        ({"keep_alive": 60}, {}, []),
        ({"keep_alive": 60, "told": {VERSION: "mosquitto version 2.0.22"}}, {}, []),
        ({"keep_alive": 60, "told": {VERSION: "mosquitto version 2.0.21"}}, {}, ["broker-keep-alive"]),
        ({"told": {VERSION: "mosquitto version 2.0.21"}}, {}, []),
    ],
)
def test_what_a_broker_bounds(
    changed: Mapping[str, object], settings: Mapping[str, object], expected: list[str]
) -> None:
    seen = BROKER._replace(**changed)  # type: ignore[arg-type]
    assert codes(broker.limits(seen, Settings.model_validate(settings))) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({DROPPED: "0", STORED: "10100", RETAINED: "100"}, []),
        ({DROPPED: "37"}, ["queue-dropped"]),
        ({STORED: "10100", RETAINED: "99"}, ["queue-long"]),
        ({STORED: "many"}, []),
    ],
)
def test_what_a_broker_tells_of_its_queues(told: Mapping[str, str], expected: list[str]) -> None:
    assert codes(broker.queue(BROKER._replace(told=told))) == expected


@pytest.mark.parametrize(("off", "expected"), [(0, []), (-61, []), (-63, ["clock-broker"]), (3, ["clock-broker"])])
def test_a_broker_that_tells_its_time(off: int, expected: list[str]) -> None:
    told = {TIME: str(round(NOW.timestamp()) + off)}
    assert codes(broker.clock(BROKER._replace(told=told))) == expected


def test_a_broker_at_a_public_address_without_tls() -> None:
    def found(host: str, *, tls: bool) -> list[str]:
        return codes(broker.on_the_way(BrokerOptions(host=host, tls=tls)))

    assert found("8.8.8.8", tls=False) == ["broker-clear"]
    assert found("8.8.8.8", tls=True) == found("127.0.0.1", tls=False) == found("10.1.2.3", tls=False) == []


def test_bank_holidays_that_are_not_known_yet() -> None:
    def found(year: int) -> str | None:
        return attempt("bank holidays", "bank-holidays", lambda: bank_holidays(date(year, 1, 1))).code

    assert [found(year) for year in (2026, 2028, 2029)] == [None, None, "bank-holidays"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([], ["backups-none"]),
        ([("a", 2, 100), ("b", 1, 100)], []),
        ([("a", 1, 100), ("b", 27, 100)], []),
        ([("a", 27, 100)], ["backups-old"]),
        ([("a", 2, 100), ("b", 1, 0)], ["backups-empty"]),
        ([("a", 2, 100), ("b", 1, 49)], ["backups-small"]),
        ([("a", 2, 100), ("b", 1, 50)], []),
        ([("a", 36 * 24, 100), ("b", 1, 100)], ["backups-kept"]),
        ([("a", 34 * 24, 100)], ["backups-old"]),
    ],
)
def test_backups(made: list[tuple[str, int, int]], expected: list[str]) -> None:
    found = [Backup(name, NOW - timedelta(hours=hours), size) for name, hours, size in made]
    assert codes(backups.judge(found, Path("/backups"), NOW, 26)) == expected
