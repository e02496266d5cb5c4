"""Whole communities, replayed through broker, collector and store: what is told is what pandas makes of their files.

The recordings themselves (a year of 100 and of 17 homes) take minutes: `make soak`, where their folder is. Everywhere a
small self-made pair of the same shape goes the same way, with the traps that the recordings may lack.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from borough import cli
from tests.references.homes_by_pandas import Span, Told, daily, told
from tests.tools.collector import Collector
from tests.tools.load import ask
from tests.tools.program import environment
from tests.tools.recordings import DATASETS, Dataset, folder_of_recordings
from tests.tools.servers import Mosquitto, wait_for
from tests.worlds.homes import homes_csv

(ALAMEDA,) = (dataset for dataset in DATASETS if dataset.mapping == "resstock-alameda")
(FONTANA,) = (dataset for dataset in DATASETS if dataset.mapping == "citylearn-fontana")
ZONE = "Etc/GMT+8"  # the meters keep standard time all year
PLACES = {"resstock-alameda": (37.77, -122.24), "citylearn-fontana": (34.09, -117.43)}
HOMES = 100


class Site:
    """A database of its own and the command: origins never mix, so each community has one."""

    def __init__(self, folder: Path, database: str, mosquitto: Mosquitto) -> None:
        self.folder, self.database, self.mosquitto = folder, database, mosquitto
        self.settings = {
            "BOROUGH_DATABASE_URL": database,
            "BOROUGH_MQTT_URL": mosquitto.url,
            "BOROUGH_TIME_ZONE": ZONE,
        }

    def run(self, *arguments: str | Path, status: int = 0) -> dict[str, Any]:
        """Run the command in this process; what it says as JSON."""
        out, errors = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
            for name in [name for name in os.environ if name.startswith("BOROUGH_")]:
                patch.delenv(name)
            for name, value in environment(self.settings).items():
                patch.setenv(name, value)
            found = cli.run([*map(str, arguments), "--json"])
        assert found == status, f"{arguments}: {found} {errors.getvalue()}{out.getvalue()}"
        said: dict[str, Any] = json.loads(out.getvalue())
        return said

    def replay(self, dataset: Dataset, folder: Path) -> dict[tuple[str, str, int], float]:
        """Send a dataset's files to the collector; what must be stored, and is."""
        expected = dataset.expected(folder)
        source = folder / dataset.files
        with Collector(self.folder, self.database, self.mosquitto.url, registry_refresh=0.05).start():
            self.run("replay", source, "--mapping", dataset.mapping, "--register", "--format", "senml")

            def all_there() -> bool:
                return ask(self.database, "select count(*) from public.reading") == [(len(expected),)]

            assert wait_for(all_there, 300, 0.2)
        return expected

    def import_homes(self, dataset: Dataset, line: list[str], **columns: str) -> None:
        """Give a community one dwelling type, heating and area, and each home its place on a line eastwards."""
        lat, lon = PLACES[dataset.mapping]
        rows = [
            {
                "uprn": str(100 + number), "meters": home, "lat": str(lat), "lon": f"{lon + 0.0001 * number:.4f}",
                "dwelling": "detached", "heating": "gas", "floor_area": "140", "from": "2015-01-01",
                "consent_comparison": "2015-01-01", **columns,
            }
            for number, home in enumerate(line)
        ]  # fmt: skip
        file = self.folder / "homes.csv"
        file.write_bytes(homes_csv(rows))
        assert self.run("homes", "import", file)["homes_new"] == len(line)

    def told(self) -> dict[tuple[str, Span], Told]:
        """What is stored, by meter."""
        rows = ask(
            self.database,
            """select m.device_id, c.kind, c.from_day, r.to_day, c.own, c.missing_days, c.estimated_days, c.before,
                      c.average, c.efficient, c.homes, c.tenths, c.state, c.reason
               from personal.comparison c join personal.comparison_run r using (kind, from_day, fuel)
               join personal.home_meter m using (home_id)""",
        )
        found = {}
        for meter, kind, start, stop, *rest in rows:
            (own, missing, estimated, earlier, average, efficient, homes, tenths, state, reason) = rest
            values: Any = (own, missing, estimated, earlier, False, average, efficient, homes, tenths, state, reason)
            span: Any = (kind, start, stop)
            found[str(meter), span] = Told(*values)
        return found


def check(site: Site, readings: dict[tuple[str, str, int], float], line: list[str]) -> dict[tuple[str, Span], Told]:
    """Analyse, and compare with pandas: the same periods, homes and figures. Returns what is told."""
    done = site.run("analyse")
    found = site.told()
    days = daily(readings, ZONE)
    kind = {key: one.reason for key, one in found.items() if one.state == "neutral" and one.reason is not None}
    must = told(days, line, kind)
    assert {key[1] for key in found} == {key[1] for key in must}, "other periods"
    assert len(done["published"]) == len({key[1] for key in must})
    assert done["settled"] == done["published"], "old recordings are settled at once"
    assert set(found) == set(must), "other homes"
    wrong = {
        key: (one, must[key])
        for key, one in found.items()
        if any(getattr(one, name) != getattr(must[key], name) for name in Told.__dataclass_fields__ if name != "counts")
    }
    assert not wrong, f"{len(wrong)} of {len(found)} differ, such as {list(wrong.items())[:3]}"
    again = site.run("analyse")
    assert (again["days"], again["compared"], again["late"], again["rows"]) == (0, 0, 0, 0)
    return found


def community(folder: Path, weeks: int) -> list[str]:
    """A self-made year's beginning of 100 homes in the shape of the recording, as gzipped CSV; the homes in order."""
    chance = np.random.default_rng(5)
    hours = weeks * 168
    names = [f"r{number:03}" for number in range(HOMES)]
    clock = np.arange(hours) % 24
    usual = chance.lognormal(-0.8, 0.5, HOMES)[None, :] * (1 + 0.6 * np.sin((clock - 9) / 24 * 2 * np.pi))[:, None]
    use = np.round(usual * chance.lognormal(0, 0.25, (hours, HOMES)), 3)
    use[:, 3] = 0.03  # nobody lives there
    use[24 * 21 : 24 * 28, 7] = 25.0  # one week of a use that would give everybody away
    blank = np.zeros(use.shape, bool)
    blank[24 * 10 : 24 * 11, 11] = True  # a day of a week: no figure of it, a mean in the month
    blank[24 * 30 : 24 * 30 + 5, 12] = True  # five hours: estimated
    blank[24 * 40 :, 13] = True  # silent from then on
    blank[24 * 45 : 24 * 49, 20:28] = True  # a cell with fewer than 20 that count
    path = folder / ALAMEDA.files
    path.parent.mkdir(parents=True, exist_ok=True)
    start = datetime(2018, 1, 1, tzinfo=UTC)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["month", "hour", "day_type", *names])
        for hour in range(hours):
            at = start + timedelta(hours=hour)
            cells = ["" if gap else f"{value:.3f}" for value, gap in zip(use[hour], blank[hour], strict=True)]
            writer.writerow([at.month, at.hour + 1, at.isoweekday(), *cells])
    return [f"alameda-{name}" for name in names]


def small_fontana(folder: Path, weeks: int) -> list[str]:
    """17 homes in the shape of the other recording."""
    chance = np.random.default_rng(6)
    for number in range(1, 18):
        path = folder / FONTANA.files / f"Building_{number}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        at = datetime(2016, 7, 31, 23, tzinfo=UTC)
        lines = ["month,hour,day_type,non_shiftable_load"]
        for _ in range(weeks * 168 + 1):
            lines.append(f"{at.month},{at.hour + 1},{at.isoweekday()},{chance.lognormal(-0.5, 0.4):.4f}")
            at += timedelta(hours=1)
        path.write_text("\n".join(lines) + "\n")
    return [f"fontana-{number}" for number in range(1, 18)]


@pytest.fixture
def site(tmp_path: Path, database: str, mosquitto: Mosquitto) -> Site:
    return Site(tmp_path, database, mosquitto)


def test_a_self_made_community_is_told_what_pandas_says(site: Site, tmp_path: Path) -> None:
    line = community(tmp_path, 7)
    readings = site.replay(ALAMEDA, tmp_path)
    site.import_homes(ALAMEDA, line)
    found = check(site, readings, line)
    reasons = {one.reason for one in found.values()}
    assert reasons >= {"coverage", "empty", "dominated", None}, reasons
    assert {one.state for one in found.values()} == {"great", "good", "more", "neutral", "suppressed"}
    week = {key[0]: one for key, one in found.items() if key[1][:2] == ("week", date(2018, 1, 1))}
    assert week["alameda-r003"].state == "neutral"
    assert all(one.efficient and one.tenths is not None and one.homes == 100 for one in week.values()
               if one.state != "neutral")  # fmt: skip
    explained = site.run("explain", "107", "2018-W01", "--fuel", "electricity")
    (fuel,) = explained["fuels"]
    assert fuel["equal"]
    assert fuel["neighbours"]["n"] == 98
    assert sum(len(day["readings"]) for day in fuel["days"]) == 7
    assert {reading["number"] for day in fuel["days"] for reading in day["readings"]} == {24}
    assert fuel["own_readings"] == fuel["told"]["own"]


def test_seventeen_homes_form_no_cell_and_are_told_of_nobody(site: Site, tmp_path: Path) -> None:
    line = small_fontana(tmp_path, 5)
    readings = site.replay(FONTANA, tmp_path)
    site.import_homes(FONTANA, line)
    assert_alone(check(site, readings, line))


def assert_alone(found: dict[tuple[str, Span], Told]) -> None:
    """Nothing of others, own use all the same."""
    assert found
    assert any(one.own is not None for one in found.values())
    for one in found.values():
        assert (one.average, one.efficient, one.homes, one.tenths) == (None, None, None, None)
        assert one.state in ("suppressed", "neutral")
        assert one.reason in ("no-cell", "coverage", "empty", "disconnected", "under-heated")


@pytest.mark.soak
@pytest.mark.parametrize("dataset", [ALAMEDA, FONTANA], ids=lambda dataset: dataset.mapping)
def test_the_recordings(site: Site, dataset: Dataset) -> None:
    folder = folder_of_recordings()
    if folder is None:
        pytest.skip("the folder with the recordings is not here; BOROUGH_RECORDINGS names it")
    readings = site.replay(dataset, folder)
    line = sorted({key[0] for key in readings})
    site.import_homes(dataset, line)
    found = check(site, readings, line)
    counted = Counter(f"{key[1][0]}: {one.state} {one.reason or ''}".strip() for key, one in found.items())
    print(
        f"\n{dataset.mapping}, comparisons: " + ", ".join(f"{what} {count}" for what, count in sorted(counted.items()))
    )
    if dataset is FONTANA:
        assert_alone(found)
        return
    shown = [one for one in found.values() if one.average is not None]
    assert len(shown) > 0.9 * len(found)
    assert all(one.efficient is not None for one in shown if one.state != "neutral")
    assert {one.state for one in shown} >= {"great", "good", "more"}
