"""`borough places` against a real database: import, import again, wrong files, postcodes that have ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from store.connect import connect
from tests.tools import forked
from tests.tools.batches import query
from tests.worlds.parking_board import make_bay

_HEADER = "pcd,pcds,dointr,doterm,lat,long\n"
#: Beside the bay, ten kilometres north of it, ended, without a place.
ROWS = (
    "N1  1AA,N1 1AA,198001,,51.5001,-0.1001\nN1  1AB,N1 1AB,198001,,51.6,-0.1\n"
    "N1  1AC,N1 1AC,198001,199901,51.5,-0.1\nN1  1AD,N1 1AD,198001,,99.999999,0\n"
)


class Borough:
    """The command, a database with one bay, and a file."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.path = url, folder / "places.csv"

    def run(self, *arguments: str, status: int = 0) -> str:
        done = forked.run(["places", *arguments], {"BOROUGH_DATABASE_URL": self.url})
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def load(self, text: str, *more: str) -> dict[str, Any]:
        self.path.write_text(text, encoding="utf-8-sig")
        found: dict[str, Any] = json.loads(self.run("import", str(self.path), "--json", *more))
        return {name: count for name, count in found.items() if count}

    def places(self) -> list[tuple[Any, ...]]:
        return query(self.url, "select kind, name, lon, lat from public.place order by kind, name")


@pytest.fixture
def borough(database: str, tmp_path: Path) -> Borough:
    with connect(database) as connection:
        make_bay(connection, "b-1")
    return Borough(database, tmp_path)


def test_import_and_import_again(borough: Borough) -> None:
    counts = {"kind": "postcode", "lines": 4, "ended": 1, "unplaced": 1}
    assert borough.load(_HEADER + ROWS, "--dry-run") == {**counts, "dry_run": True, "new": 1, "far": 1}
    assert borough.places() == []
    assert borough.load(_HEADER + ROWS) == {**counts, "new": 1, "far": 1}
    assert borough.places() == [("postcode", "N11AA", -0.1001, 51.5001)]
    assert borough.load(_HEADER + ROWS) == {**counts, "unchanged": 1, "far": 1}
    assert borough.load(_HEADER + ROWS, "--all") == {**counts, "unchanged": 1, "new": 1}
    assert borough.load(_HEADER + ROWS.replace("51.5001", "51.5002"), "--within", "20") == {
        **counts,
        "moved": 1,
        "unchanged": 1,
    }
    # one that ends goes, one that is not in the file stays
    assert borough.load(f"{_HEADER}N1  1AB,N1 1AB,198001,202601,51.6,-0.1\n") == {
        "kind": "postcode", "lines": 1, "ended": 1, "gone": 1,
    }  # fmt: skip
    assert [row[1] for row in borough.places()] == ["N11AA"]
    assert borough.load("BUA24NM,LAT,LONG\nNewtown,51.5,-0.1\nNewtown,51.51,-0.1\n") == {
        "kind": "area", "lines": 2, "new": 1, "repeated": 1,
    }  # fmt: skip
    assert borough.run("status") == "1 postcode, 1 area\n"
    said = borough.run("import", str(borough.path), "--dry-run")
    assert said.splitlines() == [
        "1 area unchanged",
        "1 area not taken, because another of the same name stands before them",
        "Nothing was changed.",
    ]


def test_nothing_is_half_imported(borough: Borough) -> None:
    borough.path.write_text(f"{_HEADER}{ROWS}nowhere,nowhere,1,,1,2\nN1 1AE,N1 1AE,1,,x,y\n")
    said = borough.run("import", str(borough.path), status=2)
    assert "nothing was imported, 2 problems:" in said
    assert "line 6: 'nowhere' is no postcode" in said
    assert "line 7: 'x', 'y' are no latitude and longitude" in said
    assert borough.places() == []


def test_files_that_are_none(borough: Borough) -> None:
    for data, said in (
        (b"", "is empty"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a,b\n1,2\n", "docs/reference/places-file"),
    ):
        borough.path.write_bytes(data)
        assert said in borough.run("import", str(borough.path), status=2)
    borough.path.write_bytes(_HEADER.encode() + ROWS.encode() * 100 + b"N1 1\xff")
    assert "is not UTF-8 text" in borough.run("import", str(borough.path), status=2)
    assert "No such file" in borough.run("import", str(borough.path) + "x", status=2)
    assert borough.places() == []


def test_nothing_to_be_near_of(database: str, tmp_path: Path) -> None:
    alone = Borough(database, tmp_path)
    alone.path.write_text(_HEADER + ROWS)
    assert "there is no bay and no home" in alone.run("import", str(alone.path), status=1)
    assert alone.load(_HEADER + ROWS, "--all")["new"] == 2
