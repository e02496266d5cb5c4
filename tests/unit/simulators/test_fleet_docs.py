"""Every key of a fleet file and every fault is in its reference; every dataset in the comparison."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from simulators import plans
from simulators.calibrate import DATASETS
from simulators.fault_options import DEVICE_FAULTS, MESSAGE_FAULTS
from simulators.plans import FORMATS, PROPERTIES, AirPlan, BayPlan, MeterPlan, MovementPlan
from simulators.weather import CLIMATES

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "fleet-file.md").read_text(encoding="utf-8")
SECTIONS = {part.split("]")[0]: part for part in REFERENCE.split("\n## [")[1:]}


@pytest.mark.parametrize(
    ("section", "plan"),
    [("smart-meter", MeterPlan), ("parking-bay", BayPlan), ("air-monitor", AirPlan), ("movement-sensor", MovementPlan)],
)
def test_every_key_of_a_family_is_in_the_reference(section: str, plan: type) -> None:
    for key in fields(plan):
        assert f"`{key.name}`" in (REFERENCE if key.name in ("format", "properties") else SECTIONS[section])


def test_every_word_of_a_fleet_file_is_in_the_reference() -> None:
    words = {
        *("name", "seed", "start", "days", "climate", "place", "reach"),
        *CLIMATES,
        *plans.DWELLINGS,
        *plans.HEATING,
        *plans.STREETS,
        *plans.ROOMS,
        *(name for names in FORMATS.values() for name in names),
        *(name for names in PROPERTIES.values() for name in names),
    }
    assert sorted(word for word in words if f"`{word}`" not in REFERENCE) == []
    assert all(kind in REFERENCE for kind in plans.PLANTED)


def test_every_fault_and_its_parameters_are_in_the_reference() -> None:
    rows = {line.split("`")[1]: line for line in SECTIONS["faults"].splitlines() if line.startswith("| `")}
    assert set(rows) == {*DEVICE_FAULTS, *MESSAGE_FAULTS}
    for fault, parameters in {**DEVICE_FAULTS, **MESSAGE_FAULTS}.items():
        for name in parameters:
            assert f"`{name}`" in rows[fault]


def test_every_dataset_is_in_the_comparison() -> None:
    explanation = (DOCS / "explanation" / "simulators.md").read_text(encoding="utf-8")
    for name in DATASETS:
        assert f"| {name} |" in explanation
