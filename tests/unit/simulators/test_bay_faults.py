"""A gateway that is away and departures that nobody hears: what is lost, and nothing else."""

from __future__ import annotations

from functools import partial

import numpy as np

from simulators.encode import WIRES
from simulators.fault_options import read_options
from simulators.fleet_file import parse
from simulators.generate import devices_of, generate
from simulators.rules import UNSENT
from simulators.run import Simulation
from simulators.stream import Stream

HOUR = 3_600_000_000
FLEET = """
seed = 5
start = 2026-03-02T00:00:00Z
days = 3
[parking-bay]
count = 120
gateways = 4
demand = 3.0
"""


def streams(faults: dict[str, object]) -> list[Stream]:
    fleet = parse(FLEET, "bays.toml")
    devices = devices_of(fleet)
    simulation = Simulation(
        generate=partial(generate, fleet, devices=devices),
        span=(fleet.start_us, fleet.start_us + 72 * HOUR),
        seed=fleet.seed,
        devices=devices,
        wires={"parking-bay": WIRES["native"]},
        faults=read_options(faults),
        window=6 * HOUR,
    )
    return [stream for made in simulation.streams(lambda due: due) for stream in made]


def test_a_gateway_takes_all_its_bays_along_and_brings_them_back() -> None:
    made = streams({"gateway": {"share": 0.5, "hours": 9}})
    gateways = np.array([device.attributes["gateway"] for device in made[0].devices])
    assert len(set(gateways)) == 4
    time = np.concatenate([stream.due for stream in made])
    gateway = gateways[np.concatenate([stream.device for stream in made])]
    lost = np.concatenate([stream.expect == UNSENT for stream in made])
    named = np.concatenate([np.array(stream.faults)[stream.fault] == "gateway" for stream in made])
    assert (lost == named).all()
    assert len(set(gateway[lost])) == 2, "half of the gateways, exactly"
    for name in set(gateway[lost]):
        first, last = time[lost & (gateway == name)].min(), time[lost & (gateway == name)].max()
        assert last - first <= 9 * HOUR
        assert lost[(gateway == name) & (time >= first) & (time <= last)].all()
        assert not lost[(gateway == name) & ((time < first) | (time > last))].any()


def test_missed_departures_are_a_share_of_the_departures() -> None:
    """Only messages in which a bay becomes free are lost, heartbeats of a free bay are not; windows do not matter."""
    made = streams({"missed_departure": 0.25})
    occupied = list(made[0].properties).index("occupied")
    last = np.zeros(len(made[0].devices))
    departures = missed = 0
    for stream in made:
        for row in np.flatnonzero(stream.property == occupied).tolist():
            device, value = stream.device[row], stream.value[row]
            leaves = bool(last[device]) and not value
            departures += leaves
            if stream.expect[row] == UNSENT:
                assert leaves
                assert stream.faults[stream.fault[row]] == "missed_departure"
                missed += 1
            last[device] = value
    assert departures > 1_000
    assert abs(missed / departures - 0.25) < 4 * np.sqrt(0.25 * 0.75 / departures)
    clean = sum(len(stream.time) for stream in streams({}))
    assert sum(len(stream.time) for stream in made) == clean
