"""Temperatures by place and day over a real database: the command, corrections, and whose weather a home has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import weather
from store.connect import Connection, connect
from tests.tools import forked

HEATHROW = ("--place", "heathrow", "--lon", "-0.45", "--lat", "51.48")


class Borough:
    """The command, a database and a file."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.path = url, folder / "weather.csv"

    def run(self, *arguments: str, status: int = 0) -> str:
        done = forked.run(["weather", *arguments], {"BOROUGH_DATABASE_URL": self.url})
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def load(self, text: str, *more: str) -> dict[str, Any]:
        self.path.write_text(text, encoding="utf-8-sig")
        found: dict[str, Any] = json.loads(self.run("import", str(self.path), "--json", *more))
        return {name: found[name] for name in ("new", "changed", "unchanged")}


@pytest.fixture
def borough(database: str, tmp_path: Path) -> Borough:
    return Borough(database, tmp_path)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database) as found:
        yield found


def test_import_import_again_and_correct(borough: Borough, connection: Connection) -> None:
    text = "day,celsius\n2026-02-01,4.25\n2026-02-03,-1\n"
    new = {"new": 2, "changed": 0, "unchanged": 0}
    assert borough.load(text, *HEATHROW, "--dry-run") == new
    assert (
        borough.run("list") == "No place is known; import temperatures with: borough weather import FILE --place NAME\n"
    )
    assert borough.load(text, *HEATHROW) == new
    assert borough.load(text, "--place", "heathrow") == {"new": 0, "changed": 0, "unchanged": 2}
    assert borough.load("day,celsius\n2026-02-03,-2\n2026-02-04,1\n", "--place", "heathrow") == {
        "new": 1, "changed": 1, "unchanged": 0,
    }  # fmt: skip
    found = weather.days(connection, "heathrow", date(2026, 1, 31), date(2026, 2, 5))
    np.testing.assert_equal(found, [np.nan, 4.25, np.nan, -2.0, 1.0])
    assert borough.run("list") == "heathrow (-0.45, 51.48): 3 days from 2026-02-01 to 2026-02-04\n"
    (row,) = json.loads(borough.run("list", "--json"))
    assert (row["origin"], row["days"], row["first"]) == ("real", 3, "2026-02-01")
    hours = "time,celsius\n" + "".join(f"2026-02-05T{n:02}:00Z,{n}\n" for n in range(24)) + "2026-02-06T00:00Z,1\n"
    borough.path.write_text(hours)
    said = borough.run("import", str(borough.path), *HEATHROW[:2], "--dry-run").splitlines()
    assert said == ["1 day new", "1 day not taken, because fewer than 22 hours are there", "Nothing was changed."]


def test_what_is_wrong_is_told_and_nothing_is_imported(borough: Borough, connection: Connection) -> None:
    borough.path.write_text("day,celsius\n2026-02-01,4\n2026-02-02,warm\n")
    said = borough.run("import", str(borough.path), *HEATHROW, status=2)
    assert "nothing was imported, 1 problem:" in said
    assert "line 3: 'warm' is no temperature" in said
    assert "docs/reference/weather-file.md" in _refused(borough, b"a,b\n1,2\n", *HEATHROW)
    assert "is not UTF-8" in _refused(borough, b"day,celsius\n\xff,1\n", *HEATHROW)
    good = b"day,celsius\n2026-02-01,4\n"
    assert "no place kew is known yet: say where it is with --lon and --lat" in _refused(
        borough, good, "--place", "kew"
    )
    assert "give both" in _refused(borough, good, "--place", "kew", "--lon", "0")
    assert "--place is empty" in _refused(borough, good, "--place", " ")
    assert "letters long" in _refused(borough, good, "--place", "x" * 300)
    assert "No such file" in borough.run("import", str(borough.path.with_name("none.csv")), *HEATHROW, status=2)
    assert weather.places(connection) == []


def _refused(borough: Borough, text: bytes, *more: str) -> str:
    borough.path.write_bytes(text)
    return borough.run("import", str(borough.path), *more, status=2)


def test_real_and_simulated_weather_stay_apart(borough: Borough, connection: Connection) -> None:
    text = "day,celsius\n2026-02-01,4\n"
    borough.load(text, *HEATHROW)
    said = _refused(borough, text.encode(), *HEATHROW, "--simulated")
    assert "heathrow is a real place: give simulated temperatures a --place of their own" in said
    borough.load(text, "--place", "made up", "--lon", "-0.1", "--lat", "51.5", "--simulated")
    assert weather.nearest(connection, -0.1, 51.5, simulated=False) == "heathrow"
    assert weather.nearest(connection, -0.45, 51.48, simulated=True) == "made up"


def test_a_home_has_the_weather_of_the_only_place_or_of_the_nearest_within_50_km(connection: Connection) -> None:
    assert weather.nearest(connection, -0.1, 51.5, simulated=False) is None
    weather.put(connection, weather.Place("heathrow", -0.45, 51.48), {})
    # alone it is everybody's, however far
    assert weather.nearest(connection, -3.2, 55.95, simulated=False) == "heathrow"
    assert weather.nearest(connection, None, None, simulated=False) == "heathrow"
    weather.put(connection, weather.Place("kew", -0.29, 51.48), {date(2026, 2, 1): 3.0})
    assert weather.nearest(connection, -0.30, 51.5, simulated=False) == "kew"
    assert weather.nearest(connection, -0.44, 51.5, simulated=False) == "heathrow"
    assert weather.nearest(connection, None, None, simulated=False) is None
    # a hundredth of a degree of latitude is 1.112 km
    assert weather.nearest(connection, -0.29, 51.48 + 0.4495, simulated=False) == "kew"
    assert weather.nearest(connection, -0.29, 51.48 + 0.4499, simulated=False) is None
    weather.put(connection, weather.Place("kew", 5.0, 51.48), {})
    assert weather.nearest(connection, -0.30, 51.5, simulated=False) == "heathrow"
    assert weather.days(connection, "kew", date(2026, 2, 1), date(2026, 2, 2)) == [3.0]
    assert weather.days(connection, "kew", date(2026, 2, 2), date(2026, 2, 1)).shape == (0,)
