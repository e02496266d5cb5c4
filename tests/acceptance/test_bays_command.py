"""`borough bays` as a process: files in and back, what is refused, bays of registered sensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from store.connect import connect
from tests.tools import forked
from tests.worlds.parking_register import add_sensors, bays_csv, csv_of

HOURS = {"days": "Mo-Sa", "hours": "08:30-18:30", "maximum_stay": "60", "bank_holidays": "off"}
BAYS = [
    {"id": "b1", **HOURS, "sign": "P7"},
    {"id": "b1", **HOURS, "hours": "18:30-20:00", "maximum_stay": "PT2H", "sign": "P7"},
    {"id": "b2", "zone": "B", "kind": "disabled"},
    {"id": "own", "class": "personal", "uprn": "42"},
]
DATED: Mapping[str, Sequence[Mapping[str, str]]] = {
    "sensors": [{"bay": "b1", "device": "s1", "from": "2026-01-01"}],
    "suspensions": [{"street": "Dock Street", "from": "2026-06-01", "to": "2026-06-02 24:00", "reason": "filming"}],
    "permits": [{"bay": "b2", "from": "2026-10-25 01:30+01:00", "to": "2026-10-25 01:30Z", "kind": "a funeral"}],
    "events": [{"zone": "A", "day": "2026-08-01", "name": "Match"}],
}


class Borough:
    """The command with a database and a folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def run(self, *arguments: str, status: int = 0) -> str:
        """What it prints, on both outputs."""
        environment = {"BOROUGH_DATABASE_URL": self.url, "BOROUGH_TIME_ZONE": "Europe/London"}
        done = forked.run(("bays", *arguments), environment)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def count(self, *arguments: str) -> dict[str, int]:
        """What an import says that it did."""
        found = json.loads(self.run("import", *arguments, "--json"))
        return {name: value for name, value in found.items() if value and isinstance(value, int) and name != "dry_run"}

    def file(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


@pytest.fixture
def borough(database: str, tmp_path: Path) -> Borough:
    with connect(database) as connection:
        add_sensors(
            connection,
            ["s1", "s2"],
            street="Quay",
            zone_code="Z01",
            permitted_minutes="20",
            active_hours="Mo-Fr 07:00-19:00",
        )
    return Borough(database, tmp_path)


def test_import_export_and_back(borough: Borough) -> None:
    files = [borough.file("bays.csv", bays_csv(BAYS))]
    files += [borough.file(f"{what}-2026.csv", csv_of(rows)) for what, rows in DATED.items()]
    said = borough.run("import", *files, "--dry-run")
    assert "new\tb1\tlimited-waiting\tA" in said
    assert "its UPRN is of no home that is known" in said
    assert said.endswith("Nothing was changed.\n")
    assert borough.run("list", "--json") == "[]\n"
    assert "3 new bays\n" in borough.run("import", *files)
    assert borough.count(*files) == {
        "bays_unchanged": 3, "sensors_unchanged": 1, "suspensions_unchanged": 3, "permits_unchanged": 1,
        "events_unchanged": 1,
    }  # fmt: skip
    for name in ("bays.csv", "bays.geojson"):
        out = str(borough.folder / f"out-{name}")
        assert borough.run("export", out, "--personal").startswith("3 bays are in ")
        assert borough.count(out) == {"bays_unchanged": 3}
    # a household's bay goes out where that is said alone
    assert "own" not in borough.run("export") + borough.run("export", "--what", "suspensions")
    written = [
        borough.file(f"{what}.csv", borough.run("export", "--what", what, "--personal").encode()) for what in DATED
    ]
    assert set(borough.count(*written)) == {f"{what}_unchanged" for what in DATED}
    listed = borough.run("list", "--zone", "A")
    hours = "Mo-Sa 08:30-18:30, up to 60 min, not on bank holidays; Mo-Sa 18:30-20:00, up to 2 h, not on bank holidays"
    assert f"b1\tlimited-waiting\tA\tDock Street\topen\ts1\t{hours}\n" in listed
    assert "b2" not in listed
    one = json.loads(borough.run("list", "--json"))[0]
    assert (one["id"], one["sensor"], one["hours"], one["class"]) == ("b1", "s1", hours.split("; "), "open")
    assert "uprn" not in one


def test_what_is_refused_changes_nothing_and_is_told_whole(borough: Borough) -> None:
    good = borough.file("bays.csv", bays_csv(BAYS[:3]))
    broken = borough.file("more.csv", bays_csv([{"id": "b3", "kind": "valet"}, {"id": "b4", "lon": "x"}]))
    said = borough.run("import", good, broken, status=2)
    assert "nothing was imported, 2 problems:" in said
    assert f"{broken} line 2: kind 'valet' is not one of" in said
    assert f"{broken} line 3: lon 'x' is not a number" in said
    assert f"bay b1 is already given in {good} line 2" in borough.run("import", good, good, status=2)
    sensors = borough.file("sensors.csv", csv_of([{"bay": "b1", "device": "s9", "from": "2026-01-01"}]))
    assert f"{sensors} line 2: device s9 is not registered" in borough.run("import", good, sensors, status=2)
    other = borough.file("other.csv", b"a,b\n1,2\n")
    assert "line 1: names no columns of a file of bays, sensors" in borough.run("import", other, status=2)
    assert "does not name the column bay, device, from" in borough.run("import", other, "--what", "sensors", status=2)
    assert "holds none of" in borough.run("import", borough.file("a.json", b"{}"), status=2)
    assert "must end in .csv" in borough.run("import", borough.file("a.txt", b""), status=2)
    assert "No such file" in borough.run("import", str(borough.folder / "none.csv"), status=2)
    assert "say either which files, or --from-devices" in borough.run("import", status=2)
    assert "--since belongs to --from-devices" in borough.run("import", good, "--since", "2026-01-01", status=2)
    assert borough.run("list", "--json") == "[]\n"


def test_sensors_that_are_registered_become_a_register(borough: Borough) -> None:
    assert borough.count("--from-devices", "--since", "2026-01-05", "--dry-run") == {"bays_new": 2, "sensors_new": 2}
    assert "--since '5 January'" in borough.run("import", "--from-devices", "--since", "5 January", status=2)
    assert "2 new bays\n2 new sensor links\nImported.\n" in borough.run(
        "import", "--from-devices", "--since", "2026-01-05"
    )
    assert "s1\tlimited-waiting\tZ01\tQuay\topen\ts1\tMo-Fr 07:00-19:00, up to 20 min\n" in borough.run("list")
    assert "s1,s1,2026-01-05 00:00:00+00:00," in borough.run("export", "--what", "sensors")
    assert borough.count("--from-devices") == {}
    assert borough.run("import", "--from-devices") == "There was nothing to import.\n"
