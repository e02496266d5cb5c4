"""A town with open data, and with what must never be among them: a household's devices and bays, and what is simulated.

Readings of ``007`` and ``0042`` begin on 1 June 2026, one a minute; ids look like numbers on purpose.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from devices.bays import Bay, SensorLink
from devices.bays_file import BaysFile, Given
from devices.device import Device
from store import bays_import, registry, series
from store.connect import Connection
from store.copy import copy_readings
from store.times import microseconds
from tests.tools.site import options

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
#: Readings of each series of the monitors.
READINGS = 3_000
LON, LAT = -0.009_512_345_678_9, 51.480_612_345_678_9
#: Words that stand in nothing that is open.
NEVER = ("hers", "mine", "play", "secret")

DEVICES = [
    Device("007", "air-monitor", "native", LON, LAT, attributes={"name": "Mill Lane, small", "street": "Straße 7"}),
    Device("0042", "air-monitor", "native", LON + 0.01, LAT),
    Device("old", "air-monitor", "native", LON, LAT),
    Device("nowhere", "air-monitor", "native"),
    Device("mine", "air-monitor", "native", 1.0, 2.0, personal=True, attributes={"name": "secret"}),
    Device("play", "air-monitor", "native", LON, LAT, origin="simulated"),
    *(
        Device(f"s-{bay}", "parking-bay", "native", LON, LAT, personal=bay == "hers")
        for bay in ("free", "taken", "hers")
    ),
]
BAYS = [
    Bay("free", "Mill Road", "A", "pay", LON, LAT),
    Bay(
        "taken",
        "Mill Road",
        "A",
        "pay",
        LON,
        LAT,
        geometry={"type": "LineString", "coordinates": [[LON, LAT], [0, 51]]},
    ),
    Bay("unwatched", "Quay", "B é", "loading", LON, LAT, spaces=4),
    Bay("hers", "Mill Road", "A", "disabled", LON, LAT, personal=True),
    Bay("play-bay", "Mill Road", "P", "pay", LON, LAT, origin="simulated"),
]


def town(connection: Connection) -> None:
    """Write it into an empty database; the connection commits each statement."""
    registry.upsert(connection, DEVICES)
    pairs = [
        ("007", "no2"), ("007", "pm2_5"), ("0042", "no2"), ("old", "no2"), ("mine", "no2"), ("play", "no2"),
        ("s-free", "occupied"), ("s-taken", "occupied"), ("s-hers", "occupied"),
    ]  # fmt: skip
    ids = {pair: one.series for pair, one in zip(pairs, series.resolve(connection, pairs), strict=True)}
    rng = np.random.default_rng(7)
    times = microseconds(BEGIN) + np.arange(READINGS, dtype=np.int64) * 60_000_000
    times[5::11] += 123_456
    for device, name in pairs[:6]:
        values = np.round(rng.normal(20, 8, READINGS), 1) if name == "no2" else rng.normal(20, 8, READINGS)
        with connection.transaction():
            copy_readings(connection, np.full(READINGS, ids[device, name], np.int32), times, values)
            connection.execute(
                "insert into public.latest values (%s, to_timestamp(%s), %s, now())",
                (ids[device, name], times[-1] / 1e6, float(values[-1])),
            )
    now = datetime.now(UTC)
    plan = bays_import.import_file(
        connection,
        BaysFile(
            bays=[Given("", bay) for bay in BAYS],
            sensors=[Given("", SensorLink(bay, f"s-{bay}", BEGIN, None)) for bay in ("free", "taken", "hers")],
        ),
        options("").zone,
    )
    assert plan.problems == []
    for bay, value in (("free", 0.0), ("taken", 1.0), ("hers", 1.0)):
        one = ids[f"s-{bay}", "occupied"]
        time = now - timedelta(minutes=5)
        connection.execute("insert into public.reading values (%s, %s, %s)", (one, time, value))
        connection.execute("insert into public.latest values (%s, %s, %s, now())", (one, time, value))
    connection.execute("update personal.device set retired_at = now() where id = 'old'")
    _zones(connection)
    _energy(connection)
    connection.execute("analyze")


def _zones(connection: Connection) -> None:
    quarters = np.tile([300, 500, 0, 100], (96, 1)).astype(">i4").tobytes()
    arrivals = np.arange(96).astype(">i4").tobytes()
    for zone in ("A", "P"):
        connection.execute(
            "insert into public.zone_day values (%s, %s, 1, %s, %s)", (zone, date(2026, 6, 1), quarters, arrivals)
        )


def _energy(connection: Connection) -> None:
    for month, settled in ((date(2026, 4, 1), True), (date(2026, 5, 1), True), (date(2026, 6, 1), False)):
        connection.execute(
            "insert into personal.comparison_run"
            " (kind, from_day, to_day, fuel, quarter, program, published_at, settled_at)"
            " values ('month', %s, %s, 'electricity', '2026-04-01', 'x', now(), %s)",
            (month, month + timedelta(days=30), BEGIN if settled else None),
        )
    rows = [
        (date(2026, 4, 1), "flat", 120, 240_000, ""),
        (date(2026, 4, 1), "terraced", 80, 310_000, ""),
        (date(2026, 5, 1), "flat", 120, 230_000, ""),
        (date(2026, 5, 1), "terraced", None, None, "few"),
        (date(2026, 6, 1), "flat", 120, 999_000, ""),
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into personal.programme_figure (from_day, fuel, dwelling, homes, average, reason)"
            " values (%s, 'electricity', %s, %s, %s, %s)",
            rows,
        )
