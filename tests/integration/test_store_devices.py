"""Devices and series in the database."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from borough.replay.job import register_devices
from borough.settings.settings import read_settings
from devices.device import Device
from store import registry, series
from store.batch import SeriesState
from store.connect import connect
from store.writer import Writer
from tests.tools.batches import T0, make, query

BAY = Device("bay1", "parking-bay", "bosch", -0.1, 51.5, attributes={"zone": "Europe/London", "note": 'héllo "1"'})
HOME = Device("home1", "smart-meter", "glow", origin="simulated", personal=True)


def test_what_is_registered_comes_back(each_database: str) -> None:
    with connect(each_database) as connection:
        assert registry.load(connection) == ([], 0)
        assert registry.upsert(connection, [BAY, HOME]) == 2
        found, mark = registry.load(connection)
        assert found == [BAY, HOME]
        assert registry.get(connection, "bay1") == BAY
        assert registry.get(connection, "nobody") is None
        assert registry.load(connection, mark) == ([], mark)


def test_a_replay_s_register_opens_no_device_of_a_household(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    monitor = Device("at-home", "air-monitor", "native", personal=True)
    with connect(database) as connection:
        registry.upsert(connection, [monitor])
    told: list[str] = []
    named = [replace(monitor, lon=-0.1, lat=51.5, personal=False), Device("street", "air-monitor", "native")]
    register_devices(read_settings(), named, told.append, lambda _seconds: None)
    with connect(database) as connection:
        assert registry.load(connection)[0] == [replace(named[0], personal=True), named[1]]


def test_only_what_changed_is_loaded_again(database: str) -> None:
    with connect(database) as connection:
        registry.upsert(connection, [BAY, HOME])
        _, mark = registry.load(connection)
        moved = Device("bay1", "parking-bay", "bosch", 0.5, 51.5, attributes=BAY.attributes)
        assert registry.upsert(connection, [moved, HOME]) == 1
        found, mark = registry.load(connection, mark)
        assert found == [moved]
        assert registry.retire(connection, ["home1"]) == 1
        assert registry.retire(connection, ["home1"]) == 0
        found, mark = registry.load(connection, mark)
        assert [(device.id, device.retired) for device in found] == [("home1", True)]
        assert registry.upsert(connection, found) == 0
        assert registry.upsert(connection, [HOME]) == 1
        assert registry.load(connection, mark)[0] == [HOME]


def test_mistakes_change_nothing(database: str) -> None:
    with connect(database) as connection:
        registry.upsert(connection, [BAY])
        with pytest.raises(ValueError, match="home1 is given twice"):
            registry.upsert(connection, [HOME, HOME])
        with pytest.raises(LookupError, match="home1 is not registered"):
            registry.retire(connection, ["bay1", "home1"])
        assert registry.load(connection)[0] == [BAY]


def test_a_device_that_is_committed_late_is_not_missed(database: str) -> None:
    """The reader's mark never passes a change that another transaction has yet to commit."""
    with connect(database) as slow, connect(database) as quick, connect(database, autocommit=True) as reader:
        registry.upsert(slow, [BAY])

        def register() -> None:
            registry.upsert(quick, [HOME])
            quick.commit()

        thread = threading.Thread(target=register)
        thread.start()
        time.sleep(0.2)
        found, mark = registry.load(reader)
        assert found == []  # the quick one waits, or its number would be seen first
        slow.commit()
        thread.join()
        found, mark = registry.load(reader, mark)
        assert sorted(device.id for device in found) == ["bay1", "home1"]


def test_whoever_changes_a_device_by_hand_is_seen(database: str) -> None:
    with connect(database) as connection:
        registry.upsert(connection, [BAY])
        _, mark = registry.load(connection)
        connection.execute("update personal.device set model = 'moko'")
        assert [device.model for device in registry.load(connection, mark)[0]] == ["moko"]


def test_a_hundred_thousand_devices(database: str) -> None:
    many = [Device(f"d{n}", "air-monitor", "native", n / 1e6, 51.0, attributes={"n": str(n)}) for n in range(100_000)]
    with connect(database) as connection:
        assert registry.upsert(connection, many) == 100_000
        assert registry.upsert(connection, many) == 0
        found, _ = registry.load(connection)
    assert found == many


def test_status(database: str) -> None:
    silent = Device("bay2", "parking-bay", "bosch")
    retired = Device("bay3", "parking-bay", "bosch", retired=True)
    with connect(database) as connection:
        registry.upsert(connection, [BAY, HOME, silent, retired])
        pairs = [("bay1", "occupied"), ("bay1", "battery"), ("bay2", "occupied")]
        ids = [state.series for state in series.resolve(connection, pairs)]
    writer = Writer(database)
    writer.write(make([(ids[0], T0 + 5, 1.0), (ids[1], T0, 1.0), (ids[2], T0 + 9, 1.0)]))
    writer.close()
    with connect(database) as connection:
        connection.execute("update latest set arrival = now() - interval '2 hours' where series_id = %s", (ids[2],))
        found = registry.status(connection, timedelta(hours=1))
    assert [(item.id, item.family, item.origin, item.state) for item in found] == [
        ("bay1", "parking-bay", "real", "reporting"),
        ("bay2", "parking-bay", "real", "silent"),
        ("home1", "smart-meter", "simulated", "never seen"),
    ]
    assert found[0].last_time is not None
    assert found[0].last_time.timestamp() * 1e6 == T0 + 5
    assert found[2].last_time is None


def test_series_are_created_once(each_database: str) -> None:
    pairs = [("home1", "power"), ("bay1", "occupied"), ("home1", "power"), ("bay1", "battery")]
    with connect(each_database) as connection:
        registry.upsert(connection, [BAY, HOME])
        connection.commit()
        found = series.resolve(connection, pairs)
        assert connection.info.transaction_status.name == "IDLE"
        assert found[0] == found[2]
        assert len({state.series for state in found}) == 3
        assert [state.time for state in found] == [None] * 4
        assert all(math.isnan(state.value) for state in found)
        again = series.resolve(connection, pairs)
        assert [state.series for state in again] == [state.series for state in found]
        assert series.resolve(connection, []) == []
    writer = Writer(each_database)
    writer.write(make([(found[1].series, T0, 1.0)]))
    writer.close()
    with connect(each_database) as connection:
        assert series.resolve(connection, [("bay1", "occupied")]) == [SeriesState(found[1].series, T0, 1.0)]
    rows = query(each_database, "select device_id, property, personal from personal.series order by 1, 2")
    assert rows == [("bay1", "battery", False), ("bay1", "occupied", False), ("home1", "power", True)]


def test_a_series_needs_its_device(database: str) -> None:
    with connect(database) as connection:
        registry.upsert(connection, [BAY])
        with pytest.raises(LookupError, match="power of device home1: the device is not registered"):
            series.resolve(connection, [("bay1", "occupied"), ("home1", "power")])
        connection.commit()
    assert query(database, "select * from personal.series") == []


def test_two_who_create_the_same_series(database: str) -> None:
    many = [Device(f"d{n}", "air-monitor", "native") for n in range(300)]
    with connect(database) as connection:
        registry.upsert(connection, many)
    pairs = [(device.id, name) for device in many for name in ("pm10", "no2")]
    found: dict[bool, list[int]] = {}

    def run(backwards: bool) -> None:
        with connect(database) as connection:
            order = pairs[::-1] if backwards else pairs
            ids = [state.series for state in series.resolve(connection, order)]
            found[backwards] = ids[::-1] if backwards else ids

    threads = [threading.Thread(target=run, args=(backwards,)) for backwards in (False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[False] == found[True]
    assert len(set(found[False])) == 600
