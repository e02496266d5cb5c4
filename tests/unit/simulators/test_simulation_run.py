"""The run of a simulation: its clock, its windows, and how devices share connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from borough.errors import UsageError
from borough.simulate import Asked, lines_of, simulation_of
from devices.device import Device
from simulators import run
from simulators.run import Clock, dry_run
from simulators.stream import Signals

FLEET = """
name = "town"
start = 2026-01-05T00:00:00Z
days = 2
[smart-meter]
count = 8
[parking-bay]
count = 8
[faults]
outage = { share = 0.5, hours = 6 }
duplicate = 0.1
out_of_order = { share = 0.2, seconds = 40000 }
"""


def fleet_file(folder: Path, text: str = FLEET) -> Path:
    path = folder / "town.toml"
    path.write_text(text)
    return path


def test_nothing_goes_out_before_it_is_due() -> None:
    due = np.array([0, 100, 1_000_000], np.int64)
    assert Clock(0, 500, 1.0).arrival(due).tolist() == [500, 600, 1_000_500]
    assert Clock(0, 500, 10.0).arrival(due).tolist() == [500, 510, 1_000_000]
    assert Clock(0, 500, None).arrival(due).tolist() == [500, 500, 1_000_000]


def test_windows_change_nothing_but_the_draws_of_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a simulation is cut, every reading goes out once and every key is stored once."""
    simulation = simulation_of(Asked(fleet_file(tmp_path), 3, None, None, None, 1))
    whole = [reading for signals in generate_of(simulation) for reading in signals]
    for limit in (1, 4_000):
        monkeypatch.setattr(run, "_DEVICES_A_DAY", limit)
        streams = [stream for window in simulation.streams(lambda due: due) for stream in window]
        stored = [
            (stream.family, int(device), stream.properties[prop], int(time))
            for stream in streams
            for device, prop, time, expect in zip(
                stream.device, stream.property, stream.time, stream.expect, strict=True
            )
            if expect == 0
        ]
        assert sorted(stored) == sorted(whole)
        for family in simulation.devices:
            due = np.concatenate([stream.due for stream in streams if stream.family == family])
            assert (np.diff(due) >= 0).all()


def generate_of(simulation: run.Simulation) -> list[list[tuple[str, int, str, int]]]:
    return [
        [
            (signals.family, int(device), signals.properties[prop], int(time))
            for device, prop, time in zip(signals.device, signals.property, signals.time, strict=True)
        ]
        for signals in simulation.generate(*simulation.span)
    ]


def test_a_dry_run_counts_what_it_makes(tmp_path: Path) -> None:
    simulation = simulation_of(Asked(fleet_file(tmp_path), None, None, 24, "vendor", 1))
    assert {family: wire.name for family, wire in simulation.wires.items()} == {
        "smart-meter": "glow",
        "parking-bay": "tts",
    }
    progress = dry_run(simulation, None, lambda _progress: None)
    assert progress.readings == sum(
        count for counts in progress.expected.values() for word, count in counts.items() if word != "unsent"
    )
    assert {device.model for device in simulation.registered()} == {"glow", "bosch-tps110"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FLEET + "gremlins = 0.5\n", "no such fault"),
        (FLEET.replace("count = 8", "count = -8"), "count"),
        ("name = ", "fleet file"),
    ],
)
def test_a_wrong_fleet_file_is_said_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as error:
        simulation_of(Asked(fleet_file(tmp_path, text), None, None, None, None, 1))
    assert "town.toml" in str(error.value)


def test_a_start_before_the_fleet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="before the fleet's own start"):
        simulation_of(Asked(fleet_file(tmp_path), None, 0, 1, None, 1))


def test_connections_are_shared_by_all_a_gateway_or_nobody() -> None:
    devices = [Device(f"b{number}", "parking-bay", "native", attributes={"street": "A"}) for number in range(4)]
    devices[3] = replace(devices[3], attributes={"gateway": "g"})
    fleet = {"parking-bay": devices}
    assert lines_of(fleet, "one") == (1, {"parking-bay": [0, 0, 0, 0]})
    assert lines_of(fleet, "gateway") == (2, {"parking-bay": [0, 0, 0, 1]})
    assert lines_of(fleet, "device") == (4, {"parking-bay": [0, 1, 2, 3]})


def test_the_generator_is_asked_for_whole_spans_only(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []
    simulation = simulation_of(Asked(fleet_file(tmp_path), None, None, 30, None, 1))

    def spy(start: int, end: int) -> Iterator[Signals]:
        asked.append((start, end))
        return simulation.generate(start, end)

    list(replace(simulation, generate=spy).streams(lambda due: due))
    assert asked[0][0] == simulation.span[0]
    assert asked[-1][1] == simulation.span[1]
    assert all(one[1] == other[0] for one, other in pairwise(asked))
