"""docs/explanation/scale.md says what scripts/scale.py reckons, from the figures that it says were measured."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from scripts.scale import Inputs, main, table, text
from tests.benchmarks.scenarios import SCENARIOS

PAGE = (Path(__file__).resolve().parents[3] / "docs/explanation/scale.md").read_text()


def test_the_tables_are_those_that_the_program_prints() -> None:
    assert text(Inputs()) == PAGE.split("<!-- tables -->\n")[1].split("<!-- end of tables -->")[0]


def test_every_input_is_measured_or_assumed_or_a_setting_and_says_which() -> None:
    for one in fields(Inputs):
        assert re.match(r"measured: `|assumption|the default of `BOROUGH_", one.metadata["source"]), one.name


def test_what_was_measured_is_said_with_the_benchmark_and_its_figure() -> None:
    """An input is the figure of its benchmark in two digits at least."""
    rows = dict(re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", PAGE, re.MULTILINE))
    for one in fields(Inputs):
        named = re.match(r"measured: `(\w+)`", one.metadata["source"])
        if named is None:
            continue
        assert any(named[1] == name or named[1].startswith(f"{name}_") for name in [*SCENARIOS, "reading"]), named
        (found,) = (value for name, value in rows.items() if f"`{named[1]}`" in name)
        number = float(re.match(r"[\d.,]+\d", found)[0].replace(",", ""))  # type: ignore[index]
        given = float(getattr(Inputs(), one.name))
        assert given == pytest.approx(number * (1e6 if "MB" in found else 1), rel=0.02), one.name


def test_the_homes_of_the_country_are_seventeen_thousand_readings_a_second() -> None:
    (row,) = (row for row in table(Inputs()) if row[0] == "readings of meters, on average")
    assert round(row[3], -3) == 17_000
    assert row[3] == pytest.approx(30_000_000 * 48 / 86_400)


def test_the_sum_is_that_of_its_parts_and_follows_a_price(capsys: pytest.CaptureFixture[str]) -> None:
    def whole(given: Inputs) -> dict[str, float]:
        return {row[0]: row[3] for row in table(given)}

    found = whole(Inputs())
    assert found["together"] == pytest.approx(found["machines"] + found["disks"] + found["people"])
    dear = whole(Inputs(disk_year=2.4))
    assert dear["disks"] == pytest.approx(2 * found["disks"])
    assert main(["disk_year=2.4"]) == 0
    assert capsys.readouterr().out == text(Inputs(disk_year=2.4))


@pytest.mark.parametrize("argument", ["disk=2", "disk_year=", "disk_year=-1", "disk_year=nan", "disk_year"])
def test_what_is_no_input_is_told(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument]) == 2
    assert capsys.readouterr().err.startswith(f"{argument!r} is no input with a value over 0; inputs are air, ")
