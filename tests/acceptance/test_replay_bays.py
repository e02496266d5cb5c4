"""A city's snapshot of bays, replayed to now: they become a register, and those that nobody hears are unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.test_simulate import Way
from tests.tools.servers import Mosquitto
from tests.tools.site import client, make_session, options, running

#: Of the shape of Melbourne's table: bay, minutes before the newest, state.
BAYS = [(1, 0, "Present"), (2, 30, "Unoccupied"), (3, 600, "Present"), (4, 1_400, "Unoccupied"), (5, 1_700, "Present"),
        (6, 60 * 24 * 40, "Unoccupied")]  # fmt: skip
STATES = {1: "Occupied", 2: "Free", 3: "Occupied", 4: "Free", 5: "Unknown", 6: "Unknown"}


@pytest.fixture
def way(tmp_path: Path, database: str, mosquitto: Mosquitto) -> Iterator[Way]:
    with ExitStack() as stack:
        yield Way(tmp_path, database, mosquitto, stack)


def board(way: Way) -> dict[str, str]:
    """What the board says of each bay."""
    with psycopg.connect(way.database, autocommit=True) as connection:
        cookie = make_session(connection, None, ["parking-ops"])
    with running(options(way.database)) as url, client(url, cookie) as officer:
        page = officer.get("/parking/board").text
    found = re.findall(r'<tr id="bay-([^"]+)"[^>]*>(.*?)</tr>', page, re.DOTALL)
    return {bay: re.sub(r"<[^>]+>", " ", cells) for bay, cells in found}


def test_a_snapshot_fills_the_board(way: Way) -> None:
    table, newest = way.folder / "melbourne_bays.csv", datetime(2025, 1, 22, 3, 44, tzinfo=UTC)
    rows = "".join(
        f"2025-01-22T11:44:37+08:00,{(newest - timedelta(minutes=ago)).isoformat()},{7000 + number % 2},{state},"
        f'{number},"-37.82{number}, 144.96{number}"\n'
        for number, ago, state in reversed(BAYS)
    )
    table.write_text("\ufeffLastupdated,Status_Timestamp,Zone_Number,Status_Description,KerbsideID,Location\n" + rows)
    way.collect()
    way.run("replay", table, "--mapping", "melbourne-bays", "--register", "--shift", "now", "--ledger", way.ledger)
    way.run("reconcile", way.ledger, "--wait", 30)
    made = way.run("bays", "import", "--from-devices", "--since", "2020-01-01")
    assert (made["bays_new"], made["sensors_new"]) == (6, 6)
    way.run("analyse")
    said = board(way)
    assert set(said) == {f"melbourne-{number}" for number in STATES}
    for number, state in STATES.items():
        assert state in said[f"melbourne-{number}"]


#: Car parks as bays: occupied where no space is free.
FULL = """
name = "carparks-full"
about = "Car parks that are full, by the shape of the German recording."
files = ["20??-??-??.csv"]
family = "parking-bay"
order = "time"
[device]
headings = { except = [] }
attributes = { kind = "pay", street_type = "car-park" }
[device.register_file]
file = "meta-data.csv"
id = "place_id"
lon = "longitude"
lat = "latitude"
attributes = { zone_code = "city_name", street = "place_name" }
[time]
path = "timestamp"
[[reading]]
property = "occupied"
at_most = 0
"""


def test_car_parks_fill_the_board(way: Way) -> None:
    """Blank is unchanged or missing: a car park that has said nothing for more than a day is unknown."""
    folder, mapping = way.folder / "parks", way.folder / "full.toml"
    folder.mkdir()
    mapping.write_text(FULL)
    places = "".join(f"{name},{name.upper()} Street,Aachen,605,50.7{place},6.09\n" for place, name in enumerate("abc"))
    (folder / "meta-data.csv").write_text("place_id,place_name,city_name,num_all,latitude,longitude\n" + places)
    (folder / "2023-05-01.csv").write_text("timestamp,a,b,c\n2023-05-01T00:00:01+00:00,239,3,0\n")
    (folder / "2023-05-03.csv").write_text(
        "timestamp,a,b,c\n2023-05-03T00:00:01+00:00,200,,7\n2023-05-03T00:15:01+00:00,190,,-1\n"
    )
    way.collect()
    way.run("replay", folder, "--mapping", mapping, "--register", "--shift", "now", "--ledger", way.ledger)
    way.run("reconcile", way.ledger, "--wait", 30)
    way.run("bays", "import", "--from-devices", "--since", "2020-01-01")
    way.run("analyse")
    said = board(way)
    assert {name: next(word for word in ("Free", "Occupied", "Unknown") if word in said[name]) for name in "abc"} == {
        "a": "Free",
        "b": "Unknown",
        "c": "Occupied",
    }
