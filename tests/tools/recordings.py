"""The recorded datasets, read without any of our mappings: what must stand in the table after a replay.

Each dataset has a hand-written reader (csv and datetime only, from the description beside the recordings) and a small
self-made sample of the same shape with the same traps, so that the readers and the replay are tested without the data.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

Row = tuple[str, str, datetime, float]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Dataset(NamedTuple):
    """``files``: of the folder with the recordings. ``read``: every non-blank cell of the mapped columns."""

    mapping: str
    files: str
    read: Callable[[Path], Iterator[Row]]
    sample: Callable[[Path], None]
    origin: str = "real"

    def expected(self, folder: Path) -> dict[tuple[str, str, int], float]:
        """What must stand in the table by (device, property, microseconds): every cell, no two of one key."""
        rows = list(self.read(folder))
        keyed = {
            (device, name, (time - _EPOCH) // timedelta(microseconds=1)): value for device, name, time, value in rows
        }
        assert len(keyed) == len(rows)
        return keyed


def folder_of_recordings() -> Path | None:
    """The folder that BOROUGH_RECORDINGS names, or the usual one beside the checkout; None where there is none."""
    given = os.environ.get("BOROUGH_RECORDINGS")
    folder = Path(given) if given else Path(__file__).parents[3] / "shared" / "data"
    return folder if folder.is_dir() else None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))


def _fontana(folder: Path) -> Iterator[Row]:
    for path in folder.glob("energy/citylearn_fontana_17homes/Building_*.csv"):
        home = f"fontana-{path.stem.split('_')[1]}"
        for hour, row in enumerate(_rows(path)):
            # 23:00 standard time in California
            time = datetime(2016, 8, 1, 7, tzinfo=UTC) + timedelta(hours=hour)
            if row["non_shiftable_load"]:
                yield home, "import_interval", time, float(row["non_shiftable_load"])


def _alameda(folder: Path) -> Iterator[Row]:
    for hour, row in enumerate(_rows(folder / "energy/resstock_alameda_homes_hourly.csv.gz")):
        time = datetime(2018, 1, 1, 8, tzinfo=UTC) + timedelta(hours=hour)
        for home, cell in row.items():
            if home.startswith("r") and cell:
                yield f"alameda-{home}", "import_interval", time, float(cell)


def _london(folder: Path) -> Iterator[Row]:
    for row in _rows(folder / "energy/lcl_MAC000060_halfhourly.csv"):
        text, use = row.values()
        yield "MAC000060", "import_interval", datetime.fromisoformat(text + "+00:00"), float(use)


def _konstanz(folder: Path) -> Iterator[Row]:
    for row in _rows(folder / "energy/opsd_household_data_60min_singleindex.csv"):
        time = datetime.fromisoformat(row["utc_timestamp"])
        for way in ("import", "export"):
            if cell := row[f"DE_KN_residential4_grid_{way}"]:
                yield "DE_KN_residential4", f"{way}_register", time, float(cell)


def _beijing(folder: Path) -> Iterator[Row]:
    names = {
        "PM2.5": "pm2_5", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3": "o3", "TEMP": "temperature",
        "PRES": "pressure",
    }  # fmt: skip
    for path in folder.glob("air/PRSA_Data_*.csv"):
        for row in _rows(path):
            year, month, day, hour = (int(row[name]) for name in ("year", "month", "day", "hour"))
            time = datetime(year, month, day, hour, tzinfo=UTC) - timedelta(hours=8)
            for column, name in names.items():
                if row[column] != "NA":
                    value = float(row[column])
                    yield f"beijing-{row['station']}", name, time, value / 1000 if name == "co" else value


def _openaq(folder: Path) -> Iterator[Row]:
    for row in _rows(folder / "air/openaq_london_paris_antwerp_long.csv"):
        name = {"no2": "no2", "pm25": "pm2_5"}[row["parameter"]]
        time = datetime.fromisoformat(row["date"] + "+00:00")
        yield row["location"].replace(" ", "-"), name, time, float(row["value"])


def _melbourne(folder: Path) -> Iterator[Row]:
    for row in _rows(folder / "parking/melbourne_on-street-parking-bay-sensors.csv"):
        taken = {"Present": 1.0, "Unoccupied": 0.0}[row["Status_Description"]]
        time = datetime.fromisoformat(row["Status_Timestamp"])
        yield f"melbourne-{row['KerbsideID']}", "occupied", time, taken


def _parks(folder: Path) -> Iterator[Row]:
    for path in folder.glob("parking/german_carparks/20*.csv"):
        for row in _rows(path):
            time = datetime.fromisoformat(row.pop("timestamp"))
            for park, cell in row.items():
                if cell:
                    yield park, "free_spaces", time, float(cell)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def _fontana_sample(folder: Path) -> None:
    head = "month,hour,day_type,non_shiftable_load,solar_generation\n"
    for home in (1, 12):
        rows = "".join(f"8,{hour},1,{0.25 * hour * home},0.0\n" for hour in range(1, 25))
        _write(folder / f"energy/citylearn_fontana_17homes/Building_{home}.csv", f"{head}7,24,7,2.5,0.0\n{rows}")


def _alameda_sample(folder: Path) -> None:
    rows = "".join(f"1,{hour},1,0.{hour:03},0.5\n" for hour in range(1, 25)) + "1,1,2,1.5,\n"
    path = folder / "energy/resstock_alameda_homes_hourly.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(f"month,hour,day_type,r1,r2\n{rows}".encode()))


def _london_sample(folder: Path) -> None:
    days = ("2012-03-25", "2012-10-28", "2013-03-31", "2013-10-27")
    rows = "".join(f"{day} {n // 2:02}:{n % 2 * 30:02}:00,0.{n:03}\n" for day in days for n in range(48))
    _write(folder / "energy/lcl_MAC000060_halfhourly.csv", ",KWH/hh (per half hour) \n" + rows)


def _konstanz_sample(folder: Path) -> None:
    head = (
        "utc_timestamp,cet_cest_timestamp,DE_KN_residential4_ev,DE_KN_residential4_grid_export,"
        "DE_KN_residential4_grid_import,interpolated_values\n"
    )
    rows = (
        "2016-03-27T00:00:00Z,2016-03-27T01:00:00+0100,,,6000.125,\n"
        "2016-03-27T01:00:00Z,2016-03-27T03:00:00+0200,1.5,9000.5,6000.250,DE_KN_residential4_ev\n"
        "2016-03-27T02:00:00Z,2016-03-27T04:00:00+0200,1.5,,,\n"
    )
    _write(folder / "energy/opsd_household_data_60min_singleindex.csv", head + rows)


def _beijing_sample(folder: Path) -> None:
    head = '"No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3","TEMP","PRES","station"\n'
    for station in ("X", "Y"):
        rows = (
            f'1,2013,3,1,0,4,NA,0.2856,7,300,77,-0.7,1023,"{station}"\n'
            f'2,2013,3,1,1,NA,NA,NA,NA,NA,NA,NA,NA,"{station}"\n'
            f'3,2013,3,1,2,8,9,4,7,10000,0.2142,-1.1,1023.2,"{station}"\n'
        )
        _write(folder / f"air/PRSA_Data_{station}.csv", head + rows)


def _openaq_sample(folder: Path) -> None:
    rows = "".join(
        f"London,London Westminster,2019-05-{day:02} 0{hour}:00:00,{name},{day + hour / 4}\n"
        for day in (9, 8)
        for name in ("pm25", "no2")
        for hour in range(9, -1, -1)
    )
    _write(folder / "air/openaq_london_paris_antwerp_long.csv", "city,location,date,parameter,value\n" + rows)


def _melbourne_sample(folder: Path) -> None:
    rows = "".join(
        f"2025-01-22T11:44:37+08:00,2024-05-0{n}T10:55:43+08:00,{'' if n % 3 else 7539},"
        f'{"Present" if n % 2 else "Unoccupied"},{22770 + n},"-37.82{n}, 144.96{n}"\n'
        for n in range(9, 0, -1)
    )
    head = "\ufeffLastupdated,Status_Timestamp,Zone_Number,Status_Description,KerbsideID,Location\n"
    _write(folder / "parking/melbourne_on-street-parking-bay-sensors.csv", head + rows)


def _parks_sample(folder: Path) -> None:
    for day, parks in ((1, "a,b,c"), (2, "a,c,d")):
        rows = (
            f"2023-05-0{day}T00:00:01+00:00,239,,0\n2023-05-0{day}T00:15:02+00:00,,54,\n"
            f"2023-05-0{day}T00:30:01+00:00,-1,,,\n".replace(",,,", ",,")
        )
        _write(folder / f"parking/german_carparks/2023-05-0{day}.csv", f"timestamp,{parks}\n{rows}")
    meta = "place_id,place_name,city_name,num_all,latitude,longitude\na,Alpha,Aachen,605,50.77,6.09\n"
    _write(folder / "parking/german_carparks/meta-data.csv", meta)


DATASETS: tuple[Dataset, ...] = (
    Dataset("openaq", "air/openaq_london_paris_antwerp_long.csv", _openaq, _openaq_sample),
    Dataset("lcl-london", "energy/lcl_MAC000060_halfhourly.csv", _london, _london_sample),
    Dataset("opsd-konstanz", "energy/opsd_household_data_60min_singleindex.csv", _konstanz, _konstanz_sample),
    Dataset("melbourne-bays", "parking/melbourne_on-street-parking-bay-sensors.csv", _melbourne, _melbourne_sample),
    Dataset("german-carparks", "parking/german_carparks", _parks, _parks_sample),
    Dataset("citylearn-fontana", "energy/citylearn_fontana_17homes", _fontana, _fontana_sample),
    Dataset("prsa-beijing", "air", _beijing, _beijing_sample),
    Dataset("resstock-alameda", "energy/resstock_alameda_homes_hourly.csv.gz", _alameda, _alameda_sample, "simulated"),
)
