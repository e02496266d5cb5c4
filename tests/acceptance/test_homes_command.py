"""`borough homes` against a real database: import, import again, wrong files, households that were erased."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from store.connect import connect
from tests.tools import forked
from tests.worlds.homes import add_meters, homes_csv, ids_of

ROWS = [{"uprn": "100023336956", "meters": "m1", "name": "Ada Byron"}, {"uprn": "7", "meters": "m2"}]


class Borough:
    """The command with a database, and a key and log of tombstones."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        (folder / "key").write_bytes(bytes(range(32)))
        self.environment = {"BOROUGH_DATABASE_URL": url}
        self.key = {"BOROUGH_TOMBSTONE_KEY_FILE": str(folder / "key"), "BOROUGH_TOMBSTONE_LOG": str(folder / "log")}

    def run(self, *arguments: str, status: int = 0, key: bool = False) -> str:
        """What it prints, on both outputs."""
        done = forked.run(arguments, {**self.environment, **(self.key if key else {})})
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def file(self, rows: list[dict[str, str]]) -> str:
        path = self.folder / "homes.csv"
        path.write_bytes(homes_csv(rows))
        return str(path)


@pytest.fixture
def borough(database: str, tmp_path: Path) -> Borough:
    with connect(database) as connection:
        add_meters(connection, ["m1", "m2"])
    return Borough(database, tmp_path)


def test_dry_run_import_and_status(borough: Borough) -> None:
    file = borough.file(ROWS)
    said = borough.run("homes", "import", file, "--dry-run")
    assert "2 new homes" in said
    assert "Nothing was changed." in said
    told = json.loads(borough.run("homes", "status", "--json"))
    assert set(told.pop("movement").values()) == {0}
    assert told == {"homes": 0, "tenancies": 0, "meters": 0}
    said = borough.run("homes", "import", file)
    assert "Imported." in said
    assert "Ada" not in said
    assert "100023336956" not in said
    assert json.loads(borough.run("homes", "import", file, "--json"))["unchanged"] == 2
    assert borough.run("homes", "status") == "2 homes, 2 tenancies today, 2 meters linked today\n"


def test_a_wrong_file_changes_nothing_and_tells_all(borough: Borough) -> None:
    said = borough.run("homes", "import", borough.file([*ROWS, {"uprn": "x", "meters": "m9"}]), status=2)
    assert "nothing was imported, 1 problem:" in said
    assert "line 4: uprn" in said
    said = borough.run("homes", "import", borough.file([ROWS[0], {"uprn": "8", "meters": "m9"}]), status=2)
    assert "line 3: meter m9 is not a registered device" in said
    assert "No such file" in borough.run("homes", "import", str(borough.folder / "none.csv"), status=2)
    assert json.loads(borough.run("homes", "status", "--json"))["homes"] == 0


def test_who_was_erased_does_not_come_back_and_the_next_household_does(borough: Borough) -> None:
    file = borough.file(ROWS)
    borough.run("homes", "import", file)
    with connect(borough.url) as connection:
        _, tenancy = ids_of(connection, "7", date(2026, 1, 1))
    borough.run("erase", str(tenancy), "--yes", key=True)
    with connect(borough.url) as connection:
        add_meters(connection, ["m2"])
    said = borough.run("homes", "import", file, status=1)
    assert "BOROUGH_TOMBSTONE_KEY_FILE" in said
    assert "tombstones" in said
    counts = json.loads(borough.run("homes", "import", file, "--json", key=True))
    assert (counts["refused"], counts["homes_new"], counts["unchanged"]) == (1, 0, 1)
    borough.run("homes", "import", borough.file([{**ROWS[1], "from": "2026-03-01"}]), key=True)
    with connect(borough.url) as connection:
        ends = connection.execute("select to_time from personal.tombstone where kind = 'meter'").fetchall()
    assert [end.isoformat() for (end,) in ends] == ["2026-03-01T00:00:00+00:00"]


def test_after_an_erasure_the_same_files_meter_may_be_gone(borough: Borough) -> None:
    file = borough.file(ROWS)
    borough.run("homes", "import", file)
    with connect(borough.url) as connection:
        _, tenancy = ids_of(connection, "7", date(2026, 1, 1))
    borough.run("erase", str(tenancy), "--yes", key=True)
    counts = json.loads(borough.run("homes", "import", file, "--json", key=True))
    assert (counts["refused"], counts["unchanged"], counts["homes_new"]) == (1, 1, 0)
    # a tenancy that may come still needs its meter
    said = borough.run("homes", "import", borough.file([*ROWS, {**ROWS[1], "uprn": "8"}]), status=2, key=True)
    assert "1 problem:" in said
    assert "line 4: meter m2 is not a registered device" in said


def test_a_home_far_from_all_others_is_told_and_taken(borough: Borough) -> None:
    places = [(-0.1, 51.5), (51.51, -0.11), (-0.12, 51.52), (0.12, 52.2)]
    with connect(borough.url) as connection:
        add_meters(connection, ["m3", "m4"])
    rows = [
        {"uprn": str(70 + n), "meters": f"m{n + 1}", "lon": str(lon), "lat": str(lat)}
        for n, (lon, lat) in enumerate(places)
    ]
    said = borough.run("homes", "import", borough.file(rows), "--dry-run")
    assert "line 3: lies 7," in said
    assert "are longitude and latitude swapped?" in said
    assert "line 5: lies 7" in said
    assert said.count("is its place right?") == 1
    assert borough.run("homes", "import", borough.file([rows[0], *rows[2:3]]), "--json").count("lies") == 0
    # alone in its file, it is far from those that are known
    (told,) = json.loads(borough.run("homes", "import", borough.file(rows[1:2]), "--json"))["far"]
    assert told.startswith("line 2: lies")
    assert json.loads(borough.run("homes", "status", "--json"))["homes"] == 3


def test_of_many_homes_far_from_all_others_the_first_are_named(borough: Borough) -> None:
    names = [f"m{n + 10}" for n in range(50)]
    with connect(borough.url) as connection:
        add_meters(connection, names)
    rows = [{"uprn": str(n + 10), "meters": name, "lat": "51.5" if n < 26 else "56.5"} for n, name in enumerate(names)]
    said = borough.run("homes", "import", borough.file(rows))
    assert said.count("is its place right?") == 20
    assert "4 more lie as far away.\n" in said
