"""The drawings of long runs in the documents are those of the figures that lie beside them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks import drawings

PLACE = Path(__file__).parents[3] / "docs/explanation"
_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", ["growth", "city-hour"])
def test_a_drawing_is_that_of_its_figures(name: str, tmp_path: Path) -> None:
    target = tmp_path / "drawn.svg"
    assert drawings.main(str(PLACE / f"{name}.json"), str(target)) == 0
    assert target.read_text() == (PLACE / f"{name}.svg").read_text(), (
        "draw it again: python -m tests.benchmarks.drawings"
    )


def test_growth_draws_a_line_for_each_work_at_its_ratio() -> None:
    figures = {
        "sizes": {"10": 10, "100": 100},
        "cpu": {"late": {"10": [0.2, 0.1], "100": [0.3, 0.12]}, "page": {"10": [1.0], "100": [1.0]}},
    }
    root = ET.fromstring(drawings.growth(figures))
    assert "late: 1.00, 1.20; page: 1.00, 1.00" in root.findtext(f"{_SVG}desc", "")
    texts = [one.text for one in root.iter(f"{_SVG}text")]
    assert {"late 1.20", "page 1.00", "10 M", "100 M"} <= set(texts)
    thick = [one for one in root.iter(f"{_SVG}polyline") if one.get("stroke-width") == "2"]
    (late, page) = ([float(pair.split(",")[1]) for pair in one.attrib["points"].split()] for one in thick)
    assert late[0] == page[0] == page[1] > late[1]


def test_a_city_s_drawing_names_what_was_worst() -> None:
    figures = {
        "rate": 2000, "seconds": 120, "faults": [[30, "nothing"], [60, "broker restarted"]],
        "samples": [[1, 90e6, 0.0], [60, 120e6, 7.0], [120, 100e6, 0.0]],
    }  # fmt: skip
    root = ET.fromstring(drawings.city(figures))
    assert root.findtext(f"{_SVG}desc") == (
        "120 s at 2000 messages a second with 2 faults: memory 90 to 120 MB, lag at most 7 s"
    )


def test_what_is_shown_is_what_was_measured() -> None:
    """No lost and no doubled message stands behind the drawing of a city's hour."""
    city = json.loads((PLACE / "city-hour.json").read_text())
    assert (city["lost"], city["doubled"]) == (0, 0)
    assert city["seconds"] >= 3_600
