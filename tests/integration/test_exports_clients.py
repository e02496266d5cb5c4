"""What others read of the exports: pandas, DuckDB, polars, GDAL and LibreOffice sum what the database sums, and ids
keep their leading zeros.

DuckDB and polars are asked in the interpreter that ``BOROUGH_TEST_CLIENTS`` names, else in ours; GDAL and LibreOffice
by the programs that ``BOROUGH_TEST_OGRINFO`` and ``BOROUGH_TEST_SOFFICE`` name, else the system's. What is not there is
skipped; ``make judges`` brings them all.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pandas as pd
import pytest

from store.connect import connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import open_town
from tests.worlds.open_town import LAT, LON, READINGS

PATH = "/open-data/exports/air-monitor"
ASKED = "?from=2026-06-01&to=2026-06-03"


class Files(NamedTuple):
    """What was downloaded, and what the database sums by device and property."""

    csv: Path
    parquet: Path
    geojson: Path
    sums: dict[tuple[str, str], tuple[int, float]]


@pytest.fixture(scope="module")
def files(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    name, folder = timescale.create(), tmp_path_factory.mktemp("exports")
    with connect(timescale.url(name), autocommit=True) as connection:
        open_town.town(connection)
        # what is not known must stay so in every reader
        connection.execute("update public.reading set value = 'nan' where time = %s", (open_town.BEGIN,))
        rows = connection.execute(
            "select device, property, count(*) filter (where value <> 'nan'), sum(nullif(value, 'nan'))"
            " from public.observation where device in ('007', '0042', 'old') group by 1, 2"
        ).fetchall()
    paths = [folder / f"air-monitor.{ending}" for ending in ("csv", "parquet", "geojson")]
    with site.running(site.options(timescale.url(name))) as url:
        for path, asked in zip(paths, (ASKED, ASKED, ""), strict=True):
            answer = httpx.get(f"{url}{PATH}{path.suffix}{asked}", timeout=120)
            assert answer.status_code == 200
            path.write_bytes(answer.content)
    yield Files(paths[0], paths[1], paths[2], {(row[0], row[1]): (row[2], row[3]) for row in rows})
    timescale.drop(name)


def same(found: dict[tuple[str, str], tuple[int, float]], files: Files) -> None:
    assert len(files.sums) == 4
    assert {key: count for key, (count, _) in found.items()} == {key: count for key, (count, _) in files.sums.items()}
    for key, (_, total) in found.items():
        assert total == pytest.approx(files.sums[key][1], rel=1e-12), key
    assert all(count == READINGS - 1 for count, _ in found.values())


def clients(module: str, script: str, *arguments: Path) -> dict[tuple[str, str], tuple[int, float]]:
    """What a script prints, JSON rows of device, property, count and sum; skipped without the module."""
    program = os.environ.get("BOROUGH_TEST_CLIENTS", sys.executable)
    if subprocess.run([program, "-c", f"import {module}"], capture_output=True).returncode:
        pytest.skip(
            f"{program} has no {module} (pip install {module}, or name one that has it in BOROUGH_TEST_CLIENTS)"
        )
    found = subprocess.run([program, "-c", script, *map(str, arguments)], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return {(row[0], row[1]): (row[2], row[3]) for row in json.loads(found.stdout)}


def test_pandas(files: Files) -> None:
    table = pd.read_csv(files.csv, dtype={"device": "string"}, parse_dates=["time"], date_format="ISO8601")
    assert str(table["time"].dt.tz) == "UTC"
    for found in (table, pd.read_parquet(files.parquet)):
        assert str(found["value"].dtype) == "float64"
        groups = found.groupby(["device", "property"])["value"].agg(["count", "sum"])
        same({key: (int(row["count"]), float(row["sum"])) for key, row in groups.iterrows()}, files)


_DUCKDB = """
import duckdb, json, sys
source = "read_csv(?, types = {'device': 'VARCHAR'})" if sys.argv[1].endswith("csv") else "read_parquet(?)"
db = duckdb.connect()
db.execute("set TimeZone = 'UTC'")
kinds = {row[0]: row[1] for row in db.execute(f"describe select * from {source}", sys.argv[1:]).fetchall()}
assert (kinds["time"], kinds["value"]) == ("TIMESTAMP WITH TIME ZONE", "DOUBLE"), kinds
asked = f"select device, property, count(value), sum(value) from {source} group by all"
print(json.dumps(db.execute(asked, sys.argv[1:]).fetchall()))
"""

_POLARS = """
import json, sys, polars as pl
if sys.argv[1].endswith("csv"):
    table = pl.scan_csv(sys.argv[1], schema_overrides={"device": pl.String})
else:
    table = pl.scan_parquet(sys.argv[1])
    assert table.collect_schema()["time"] == pl.Datetime("us", "UTC")
found = table.group_by("device", "property").agg(pl.col("value").count(), pl.col("value").sum().alias("sum"))
print(json.dumps([list(row) for row in found.collect().rows()]))
"""


@pytest.mark.parametrize("way", ["csv", "parquet"])
def test_duckdb(files: Files, way: str) -> None:
    same(clients("duckdb", _DUCKDB, files.csv if way == "csv" else files.parquet), files)


@pytest.mark.parametrize("way", ["csv", "parquet"])
def test_polars(files: Files, way: str) -> None:
    same(clients("polars", _POLARS, files.csv if way == "csv" else files.parquet), files)


def test_gdal_finds_every_device_where_it_is(files: Files) -> None:
    program = os.environ.get("BOROUGH_TEST_OGRINFO") or shutil.which("ogrinfo")
    if program is None:
        pytest.skip("there is no ogrinfo (Debian's package gdal-bin)")
    found = subprocess.run([program, "-ro", "-al", str(files.geojson)], capture_output=True, text=True, check=True)
    assert "Feature Count: 3" in found.stdout
    assert 'ID["EPSG",4326]' in found.stdout
    features = found.stdout.split("OGRFeature")[1:]
    of = {one.split("device (String) = ")[1].split("\n")[0]: one for one in features}
    assert set(of) == {"007", "0042", "nowhere"}
    longitude, latitude = of["007"].split("POINT (")[1].split(")")[0].split()
    assert float(longitude) == pytest.approx(LON, abs=1e-12)
    assert float(latitude) == pytest.approx(LAT, abs=1e-12)
    assert "POINT" not in of["nowhere"]


def test_libreoffice_with_the_ids_as_text(files: Files, tmp_path: Path) -> None:
    program = os.environ.get("BOROUGH_TEST_SOFFICE") or shutil.which("soffice")
    if program is None:
        pytest.skip("there is no soffice (Debian's package libreoffice-calc-nogui)")
    # comma, quotation mark, UTF-8, from line 1 on; columns 2 to 4 as text, for a spreadsheet would drop their zeros
    reading = "--infilter=Text - txt - csv (StarCalc):44,34,76,1,2/2/3/2/4/2,1033"
    subprocess.run(
        [
            program, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", reading,
            "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", str(tmp_path / "out"),
            str(files.csv),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    found: dict[tuple[str, str], tuple[int, float]] = {}
    with (tmp_path / "out" / "air-monitor.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            count, total = found.get((row["device"], row["property"]), (0, 0.0))
            if row["value"]:
                found[row["device"], row["property"]] = (count + 1, total + float(row["value"]))
    assert {key: count for key, (count, _) in found.items()} == {key: count for key, (count, _) in files.sums.items()}
    # what it writes has the digits that it shows
    for key, (_, total) in found.items():
        assert total == pytest.approx(files.sums[key][1], rel=1e-6), key
