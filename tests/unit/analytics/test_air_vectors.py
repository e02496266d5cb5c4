"""The published test vectors: ours follows them, the slow reference makes them, and the page has their hash."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.air import INDEXED, POLLUTANTS
from analytics.air.daily import daily
from analytics.air.index import BOUNDS, by_pollutant, highest_quarter, index, overall
from analytics.air.means import HOUR, begun, hourly, quarters
from analytics.air.running import running
from store.batch import Float64
from store.times import microseconds, midnight
from tests.references import air_vectors

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(air_vectors.FILE.read_text())
PAGE = Path(__file__).parents[3] / "docs/reference/air-index.md"


def floats(texts: list[str | None]) -> Float64:
    return np.array([np.nan if text is None else float(text) for text in texts])


def us(instant: str) -> int:
    return microseconds(datetime.fromisoformat(instant))


def named(part: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", VECTORS[part], ids=[case["name"] for case in VECTORS[part]])


def of_case(case: dict[str, Any]) -> tuple[Float64, Float64 | None]:
    """Hourly means of all pollutants, and the quarter hours of SO2 where it has them."""
    means = {name: floats(values) for name, values in case["means"].items()}
    so2 = means.pop("so2", None)
    length = min([len(values) for values in means.values()] + ([] if so2 is None else [len(so2) // 4]))
    mean = np.full((len(POLLUTANTS), length), np.nan)
    for name, values in means.items():
        mean[POLLUTANTS.index(name)] = values
    return mean, so2


def test_the_slow_reference_makes_this_file_and_the_page_has_its_hash() -> None:
    data = air_vectors.FILE.read_bytes()
    assert data.decode() == air_vectors.text(), "python -m tests.references.air_vectors makes it anew"
    assert f"`{hashlib.sha256(data).hexdigest()}`" in PAGE.read_text()


def test_the_index_of_means() -> None:
    assert {case["pollutant"] for case in VECTORS["index"]} == set(INDEXED)
    for pollutant in INDEXED:
        cases = [case for case in VECTORS["index"] if case["pollutant"] == pollutant]
        assert {case["index"] for case in cases} == set(range(1, 11))
        found = index(pollutant, floats([case["mean"] for case in cases]))
        assert found.tolist() == [case["index"] for case in cases]


@named("means")
def test_means_of_readings(case: dict[str, Any]) -> None:
    time = np.array([us(at) for at, _ in case["readings"]], np.int64)
    value = floats([text for _, text in case["readings"]])
    offsets = np.array([0, len(time)])
    time = begun(time, offsets, np.array([case["hour_label"] == "end"]))
    expected = np.array([3600 / int(case["interval"].removeprefix("PT").removesuffix("S"))])
    for ours, theirs in ((hourly, case["hourly"]), (quarters, case["quarter_hourly"])):
        found = ours(time, value, offsets, us(case["start"]), case["hours"], expected)
        np.testing.assert_allclose(found.mean[0], floats(theirs), rtol=0, atol=5.1e-7)


@named("hours")
def test_the_index_of_hours(case: dict[str, Any]) -> None:
    mean, so2 = of_case(case)
    found = by_pollutant(mean, so2)
    for name, theirs in case["index"].items():
        place = INDEXED.index(name)
        assert found[place].tolist() == theirs
        if name == "so2":
            assert so2 is not None
            rests = highest_quarter(so2)
        elif name == "no2":
            rests = mean[place]
        else:
            rests = running(mean[place], *((8, 6) if name == "o3" else (24, 18)))
        np.testing.assert_allclose(rests, floats(case["rests_on_means"][name]), rtol=0, atol=5.1e-7)
    highest, worst = overall(found)
    assert highest.tolist() == case["overall"]
    assert [INDEXED[row] if row >= 0 else None for row in worst] == case["worst"]


@named("days")
def test_the_index_of_local_days(case: dict[str, Any]) -> None:
    mean, so2 = of_case(case)
    zone, start = ZoneInfo(case["zone"]), us(case["start"])
    first = datetime.fromisoformat(case["days"][0]["day"]).date()
    lead = -((start - midnight(first, zone)) // HOUR)
    found = daily(mean, zone, first, len(case["days"]), so2=so2, lead=lead)
    for place, day in enumerate(case["days"]):
        assert day["day"] == (first + timedelta(days=place)).isoformat()
        assert {name: int(found.by_pollutant[INDEXED.index(name), place]) for name in day["index"]} == day["index"]
        worst = found.worst[place]
        assert (found.overall[place], INDEXED[worst] if worst >= 0 else None) == (day["overall"], day["worst"])


def test_days_of_all_lengths_and_all_bands_are_among_them() -> None:
    bands = {number for case in VECTORS["hours"] for number in case["overall"]}
    assert bands == set(range(11))
    names = {case["name"] for case in VECTORS["days"]}
    assert {"clocks go forward", "clocks go back", "one fewer than 19 of 25 hours"} <= names


def test_the_example_of_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(code, {})


def test_the_table_of_the_page_is_that_of_the_module() -> None:
    text = PAGE.read_text()
    for pollutant, bounds in BOUNDS.items():
        assert re.search(rf"^\| `{pollutant}` \| .+ \| {' '.join(map(str, bounds))} \|$", text, re.MULTILINE)
