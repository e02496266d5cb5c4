"""Everything about a home with readings every ten seconds, against ``borough serve``: its memory stays flat."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from devices.device import Device
from store import registry, series
from store.connect import connect
from store.copy import copy_readings
from store.times import microseconds
from tests.acceptance.test_serve import serving
from tests.benchmarks.memory import highest_memory
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import residents

#: Seven weeks of one property; held at once they took 240 MB.
READINGS = 400_000
START = datetime(2026, 1, 1, tzinfo=UTC)
MOST = 100 * 1024 * 1024


def test_everything_is_streamed(timescale: Cluster, tmp_path: Path) -> None:
    name = timescale.create()
    database = timescale.url(name)
    with connect(database, autocommit=True) as connection:
        one = residents.make_resident(connection, 1)
        registry.upsert(connection, [Device(one.device, "smart-meter", "native", personal=True)])
        connection.execute(
            "insert into personal.home_meter (device_id, from_day, home_id) values (%s, '2020-01-01', %s)",
            (one.device, one.home_id),
        )
        (state,) = series.resolve(connection, [(one.device, "power")])
        times = microseconds(START) + np.arange(READINGS, dtype=np.int64) * 10_000_000
        with connection.transaction():
            copy_readings(connection, np.full(READINGS, state.series, np.int32), times, np.arange(READINGS) / 8)
        cookie = site.make_session(connection, one.tenancy_id)
    with serving(database, tmp_path / "log") as (process, url), site.client(url, cookie) as web:
        assert web.get("/home/data/days.csv").status_code == 200
        idle = highest_memory(process.pid)
        with web.stream("GET", "/home/data/all.json", timeout=120) as answer:
            assert answer.status_code == 200
            body = b"".join(answer.iter_raw())
        assert highest_memory(process.pid) - idle < MOST
    timescale.drop(name)
    found = json.loads(body)
    assert found["tenancy"]["id"] == one.tenancy_id
    assert {"program", "time_zone", "home", "accesses", "readings", "archived_messages"} <= found.keys()
    readings = found["readings"]
    assert len(readings) == READINGS
    last = (START + timedelta(seconds=10 * (READINGS - 1))).isoformat().replace("+00:00", "Z")
    assert readings[-1] == {
        "device": one.device, "property": "power", "unit": "W", "time": last, "value": (READINGS - 1) / 8,
    }  # fmt: skip
    assert readings[0]["time"] == "2026-01-01T00:00:00Z"
