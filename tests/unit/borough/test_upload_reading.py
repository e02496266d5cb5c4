"""What the replay reads at the beginning of an upload, its problems by line, and its bounds."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from borough.uploads import reading
from borough.uploads.apart import Apart
from borough.uploads.fleets import fits, shipped
from dashboard.replays import Checked, Unfit
from tests.unit.borough.test_upload_kinds import parquet, recording

TABLE = """device,time,pm2_5
monitor-1,2026-01-01T00:00:00Z,7.5
monitor-1,2026-01-01T01:00:00Z,many
monitor-2,yesterday,8
monitor-2,2026-01-01T02:00:00Z,9
"""
MAPPING = """name = "own"
family = "air-monitor"
[device]
column = "device"
[time]
path = "time"
[[reading]]
property = "pm2_5"
path = "pm2_5"
unit = "ug/m3"
"""
FLEET = 'name = "small"\nseed = 3\nstart = 2026-01-05T00:00:00Z\ndays = 0.1\n\n[parking-bay]\ncount = 5\n'


def check(tmp_path: Path, data: str | bytes, name: str = "kept.csv", mapping: str = "", seconds: float = 30) -> Checked:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    if mapping:
        (tmp_path / "own.toml").write_text(mapping)
    return reading.check(path, "air of\u202e mine.csv", str(tmp_path / "own.toml") if mapping else "", seconds)


def test_a_table_with_its_mapping_is_read_and_told_by_line(tmp_path: Path) -> None:
    found = check(tmp_path, TABLE, mapping=MAPPING)
    assert (found.kind, found.suffix, found.whole) == ("table", ".csv", True)
    assert found.facts["Readings"] == "2"
    assert found.facts["Devices"] == "2"
    assert found.facts["Earliest"] == "2026-01-01 00:00:00 UTC"
    assert found.facts["Latest"] == "2026-01-01 02:00:00 UTC"
    assert found.facts["Cannot be read"] == "2 cells or rows, left out"
    assert [line.partition(":")[0] for line in found.problems] == ["line 3", "line 4"]
    assert not any("yesterday" in line or "many" in line for line in found.problems)


def test_a_table_without_a_mapping_is_taken_with_its_columns(tmp_path: Path) -> None:
    found = check(tmp_path, TABLE)
    assert (found.kind, found.mapping, found.whole) == ("table", "", False)
    assert found.facts == {"Columns": "3: device, time, pm2_5"}
    assert check(tmp_path, parquet(), "kept.parquet").facts == {"Columns": "2: device, pm2_5"}


def test_a_long_table_is_read_as_far_as_the_time_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_ROWS", 40)
    rows = "".join(f"monitor-1,2026-01-01T{hour:02d}:{minute:02d}:00Z,1\n" for hour in range(2) for minute in range(60))
    found = check(tmp_path, "device,time,pm2_5\n" + rows, mapping=MAPPING)
    assert not found.whole
    assert found.facts["Readings"] == "40 in the beginning that was looked at"


@pytest.mark.parametrize(
    ("data", "mapping", "words"),
    [
        (
            TABLE.replace("pm2_5", "pm10"),
            MAPPING,
            r"does not fit the mapping own.toml: own.toml, line 9.*no column 'pm2_5'",
        ),
        (TABLE + "monitor-3,2026-01-01T00:00:00Z\n", MAPPING, r"line 6: 2 cells under 3 headings"),
        (TABLE, MAPPING.replace("ug/m3", "furlongs"), r"The mapping cannot be used: .*furlongs"),
        ("device,time,pm2_5\n,,\n", MAPPING, r"nothing in it can be read"),
    ],
)
def test_a_table_that_cannot_be_replayed_is_told_by_line(tmp_path: Path, data: str, mapping: str, words: str) -> None:
    with pytest.raises(Unfit, match=words) as told:
        check(tmp_path, data, mapping=mapping)
    assert "kept.csv" not in "\n".join((str(told.value), *told.value.problems))


def test_a_recording_is_read(tmp_path: Path) -> None:
    found = check(tmp_path, recording(tmp_path, 5), "kept.btr")
    assert found.facts == {
        "Messages": "5",
        "Topics": "2",
        "First message": "2023-11-14 22:13:20 UTC",
        "Last message": "2023-11-14 22:13:20 UTC",
    }
    assert found.problems == ["1 retained message: old when recorded, left out"]


@pytest.mark.parametrize("cut", [0, 8])
def test_a_recording_of_nothing_whole_is_refused(tmp_path: Path, cut: int) -> None:
    data = recording(tmp_path)
    spoiled = data[: len(data) - 8] if cut else data[:40] + bytes(len(data) - 40)
    with pytest.raises(Unfit, match="nothing in it to replay"):
        check(tmp_path, spoiled, "kept.btr")


def test_what_becomes_very_many_times_its_size_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"device,time\n" + b"a" * (24 << 20))
    assert len(packed) < 32_000
    with pytest.raises(Unfit, match="becomes more than 500 times its size"):
        check(tmp_path, packed, "kept.csv.gz")


def test_what_becomes_more_than_any_replay_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "UNPACKED", 1 << 20)
    data = b"".join(b"%d,%d\n" % (number, number * 7919) for number in range(100_000))
    with pytest.raises(Unfit, match="when it is unpacked"):
        check(tmp_path, gzip.compress(data), "kept.csv.gz")
    with pytest.raises(Unfit, match="is cut off"):
        check(tmp_path, gzip.compress(data[:10_000])[:-9], "kept.csv.gz")


@pytest.mark.parametrize("data", [b"PAR1" + b"x" * 100, b"PAR1" + b"x" * 100 + b"\xff\xff\xff\x7fPAR1"])
def test_a_parquet_file_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Unfit, match="It cannot be replayed"):
        check(tmp_path, data, "kept.parquet")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            FLEET.replace("count = 5", 'count = "many"'),
            "line 7: parking-bay.count = 'many'; needs to be a whole number",
        ),
        (FLEET.replace("count = 5\n", ""), "line 6: parking-bay.count is missing; say how many"),
        (FLEET + "colour = 1\n", "line 8: unknown key parking-bay.colour; known are"),
        (FLEET.replace("days = 0.1", "days = -1"), "line 4: days = -1; needs to be a number"),
        (FLEET + "\n[faults]\nloss = 0.1\nspike = 7\n", "line 11: [faults] spike: share: 7 is no number"),
        (FLEET + "\n[faults]\nsparks = 7\n", "line 10: [faults] sparks: there is no such fault"),
        (FLEET + "count = 6\n", "(at line 8, column 10)"),
        ("a = " + "[" * 40 + "]" * 40, "nested more than"),
        (MAPPING.replace('"pm2_5"\npath', '"courage"\npath'), "mine.csv, line 8"),
    ],
)
def test_fleets_and_mappings_are_told_by_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(Unfit) as told:
        check(tmp_path, text, "kept.toml")
    assert len(told.value.problems) == 1
    assert problem in told.value.problems[0]


def test_a_fleet_of_too_many_devices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="9,000,000 devices; 200,000 are simulated at most"):
        check(tmp_path, FLEET.replace("count = 5", "count = 9_000_000"), "kept.toml")


def test_a_fleet_and_a_mapping_are_taken(tmp_path: Path) -> None:
    found = check(tmp_path, FLEET, "kept.toml")
    assert (found.kind, found.facts["Devices"], found.facts["Faults"]) == ("fleet", "5 parking-bay", "none")
    found = check(tmp_path, MAPPING, "kept.toml")
    assert (found.kind, dict(found.facts)) == ("mapping", {"Name": "own", "Family": "air-monitor"})


def test_a_process_of_its_own_has_bounds(tmp_path: Path) -> None:
    path = tmp_path / "kept.toml"
    path.write_text(FLEET)
    assert Apart(seconds=5).check(path, "own.toml").kind == "fleet"
    # what it may not have is refused in words, and no traceback of it goes anywhere
    with pytest.raises(Unfit, match="more memory or time"):
        Apart(seconds=5, memory=1 << 20).check(path, "own.toml")


def test_fleets_of_the_program(tmp_path: Path) -> None:
    fleets = {one.name: one for one in shipped()}
    assert {"demo", "faults-all"} <= fleets.keys()
    assert fleets["faults-all"].about.endswith("with the ledger of this fleet.")
    one = fleets["faults-all"].path
    fits(one, "own", {"faults": {"loss": 0.5}, "start": "2025-10-26T00:00:00+00:00", "format": "vendor"})
    with pytest.raises(Unfit, match=r"add up to 1\.4"):
        fits(one, "own", {"faults": {"loss": 0.7, "spike": 0.7}})
    with pytest.raises(Unfit, match="before the fleet's own start"):
        fits(one, "own", {"start": "2025-10-24T00:00:00+00:00"})
    with pytest.raises(Unfit, match="does not speak"):
        fits(one, "own", {"format": "airgradient"})
