"""``borough correct --table``: better values of stored readings, every problem with its line, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from borough import cli
from store import tombstones
from store.connect import connect
from store.tombstones import Tombstone
from tests.tools.batches import DAY, HALF_HOUR, T0, query
from tests.tools.restating import Restated

MAPPING = """name = "supplier"
family = "smart-meter"
restates = RESTATES
[device]
column = "meter"
[time]
path = "start"
zone = "UTC"
[[reading]]
property = "import_interval"
path = "kWh"
"""
KEY = b"k" * 32


class World:
    """A database with three half-hours of a meter, and the command beside it."""

    def __init__(
        self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.url, self.folder, self._capsys = url, folder, capsys
        monkeypatch.setenv("BOROUGH_DATABASE_URL", url)
        (folder / "key").write_bytes(KEY)
        monkeypatch.setenv("BOROUGH_TOMBSTONE_KEY_FILE", str(folder / "key"))
        self.collector = Restated(url)
        for place in range(3):
            self.collector.send("estimates", T0 + place * HALF_HOUR, import_interval=0.044)
        self.collector.commit()
        self.collector.close()
        query(url, "delete from touched_day returning 1")
        self.map(restates=False)

    def map(self, *, restates: bool) -> None:
        """Write the mapping."""
        (self.folder / "supplier.toml").write_text(MAPPING.replace("RESTATES", str(restates).lower()))

    def correct(self, rows: list[str], *arguments: str) -> tuple[int, str, str]:
        """Run the command over a table of these rows: status, what it said, and what it complained about."""
        path = self.folder / "settled.csv"
        path.write_text("meter,start,kWh\n" + "".join(f"{row}\n" for row in rows))
        status = cli.run(
            ["correct", "--table", str(path), "--mapping", str(self.folder / "supplier.toml"), "--reason", "run R2",
             "--author", "me", *arguments]
        )  # fmt: skip
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def values(self) -> list[float]:
        """What is stored, in the order of time."""
        return [row[0] for row in query(self.url, "select value from reading order by time")]


@pytest.fixture
def world(
    each_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> World:
    return World(each_database, tmp_path, monkeypatch, capsys)


ROWS = ["m1,2026-02-01T00:00:00Z,0.44", "m1,2026-02-01T00:30:00Z,0.044", "m1,2026-02-02T01:00:00Z,0.5"]


def test_better_values_are_looked_at_taken_and_kept_on_record(world: World) -> None:
    status, out, _ = world.correct(ROWS, "--dry-run", "--json")
    dry = json.loads(out)
    assert status == 0
    assert (dry["superseded"], dry["inserted"], dry["unchanged"], dry["correction"]) == (1, 1, 1, None)
    assert [day["day"] for day in dry["days"]] == ["2026-02-01", "2026-02-02"]
    assert world.values() == [0.044, 0.044, 0.044]
    status, out, _ = world.correct(ROWS, "--json")
    done = json.loads(out)
    assert status == 0
    assert {name: done[name] for name in ("superseded", "inserted", "unchanged", "days")} == {
        name: dry[name] for name in ("superseded", "inserted", "unchanged", "days")
    }
    assert world.values() == [0.44, 0.044, 0.044, 0.5]
    assert query(
        world.url, "select old_value, new_value, source, arrival is null from superseded where source > ''"
    ) == [(0.044, 0.44, "table settled.csv", False)]
    assert query(world.url, "select author, reason, source from correction") == [("me", "run R2", "table settled.csv")]
    assert query(world.url, "select distinct day::text from touched_day order by 1") == [
        ("2026-02-01",),
        ("2026-02-02",),
    ]
    status, out, _ = world.correct(ROWS, "--json")
    assert json.loads(out)["correction"] is None, "the second time changes nothing"
    assert cli.run(["correct", "restated", "--json"]) == 0


def test_every_problem_has_its_line_quotes_no_cell_and_nothing_is_changed(world: World) -> None:
    with connect(world.url) as connection:
        tombstones.put(
            connection,
            KEY,
            [Tombstone("meter", tombstones.mark(KEY, "m1"), T0 + 40 * DAY, T0 + 50 * DAY, "smart-meter", "native")],
        )
    rows = [
        "m1,2026-02-01T00:00:00Z,0.44",
        "Anna-Quillfeather,2026-02-01T00:00:00Z,0.44",
        "b1,2026-02-01T00:00:00Z,0.44",
        "m1,2026-02-01T00:30:00Z,1e9",
        "m1,yesterday Anna,0.4",
        "m1,2026-02-01T00:00:00Z,0.45",
        "m1,2026-03-15T00:00:00Z,0.44",
        "m1,2026-02-01T01:00:00Z,a lot",
        "m1,2099-02-01T01:00:00Z,0.1",
    ]
    status, _, err = world.correct(rows)
    assert status == 2
    for line, word in [
        (3, "not registered"), (4, "registered as parking-bay"), (5, "outside"), (6, "time"), (7, "line 2"),
        (8, "erased"), (9, "import_interval"), (10, "ahead of the clock"),
    ]:  # fmt: skip
        assert [one for one in err.splitlines() if f"line {line}:" in one and word in one], (line, word, err)
    assert "line 2:" not in err
    assert "Anna" not in err
    assert "Traceback" not in err
    assert world.values() == [0.044, 0.044, 0.044]
    assert query(world.url, "select * from correction") == []


def test_later_rows_count_where_the_mapping_says_so(world: World) -> None:
    world.map(restates=True)
    rows = ["m1,2026-02-01T00:00:00Z,0.9", "m1,2026-02-01T00:00:00Z,0.44"]
    status, out, _ = world.correct(rows, "--json")
    assert (status, json.loads(out)["repeated"]) == (0, 1)
    assert world.values() == [0.44, 0.044, 0.044]


def test_wrong_ways_to_ask(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.correct(ROWS, "--from", str(world.folder))[0] == 2
    assert world.correct(ROWS, "--family", "parking-bay")[0] == 2
    assert cli.run(["correct", "--mapping", "x", "--reason", "y", "--period", "2026-02-01/2026-02-02"]) == 2
    assert "--table" in capsys.readouterr().err
