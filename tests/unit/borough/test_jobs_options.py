"""What a job asks for, how far it is, and whom it may speak for."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from borough.errors import Failure, SettingsError, UsageError
from borough.jobs.asking import Asking
from borough.jobs.folder import JobsFolder
from borough.jobs.heart import finite
from borough.jobs.options import replay_asked, simulation_asked
from borough.jobs.targets import MARK, OURS, Targets, marked
from borough.jobs.told import Told
from borough.replay.checkpoint import Checkpoint, coarser, stamped, stamps_of
from borough.replay.messages import Outgoing, Reading
from borough.settings.jobs import half_set, jobs_folder, no_jobs
from borough.settings.settings import Settings
from devices.device import Device
from simulators.run import Clock

FILE = Path("air.btr")


def test_the_options_of_a_replay() -> None:
    asked = replay_asked(
        {"speed": 60, "from": "2026-01-05", "until": "2026-01-06T00:00:00Z", "shift": "2d", "format": "native"}, [FILE]
    )
    assert (asked.speed, asked.register, asked.options.paths) == (60, False, [FILE])
    assert asked.options.start == 1_767_571_200_000_000
    assert asked.options.end == asked.options.start + 86_400_000_000
    assert (asked.options.shift, asked.options.format) == (2 * 86_400_000_000, "native")
    assert replay_asked({}, [FILE]).speed == math.inf
    assert replay_asked({"speed": "real", "shift": "now"}, [FILE]).options.real_speed


def test_the_options_of_a_simulation() -> None:
    asked = simulation_asked(
        {"seed": 5, "hours": 24, "speed": "60", "connections": "gateway", "faults": {"loss": 0.1}}, [Path("town.toml")]
    )
    assert (asked.speed, asked.connections, asked.register) == (60.0, "gateway", True)
    assert (asked.asked.seed, asked.asked.hours, asked.asked.faults) == (5, 24, {"loss": 0.1})
    assert simulation_asked({"speed": "max"}, [Path("town.toml")]).speed is None


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (replay_asked, {"sped": 1}, "option 'sped': there is none of this name; known are mapping, speed"),
        (replay_asked, {"speed": "fast"}, "^speed 'fast' is neither"),
        (replay_asked, {"speed": True}, "speed: 'True' is no text"),
        (replay_asked, {"from": "yesterday"}, "^from 'yesterday'"),
        (replay_asked, {"from": "2026-02-01", "until": "2026-01-01"}, "^from 2026-02-01 is not before until"),
        (replay_asked, {"pack": 0}, "pack 0"),
        (replay_asked, {"register": "yes"}, "register: 'yes'"),
        (simulation_asked, {"hours": -1}, "hours -1"),
        (simulation_asked, {"hours": math.nan}, "hours nan"),
        (simulation_asked, {"seed": 1.5}, "seed 1.5"),
        (simulation_asked, {"connections": "many"}, "connections 'many'"),
        (simulation_asked, {"faults": [1]}, "faults: is no table"),
        (simulation_asked, {"speed": 0}, "speed '0'"),
        (simulation_asked, {"start": "then"}, "start 'then'"),
    ],
)
def test_wrong_options_are_told_in_the_job_s_words(kind: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        kind(options, [FILE])


def test_where_jobs_may_run(tmp_path: Path) -> None:
    production = Settings(jobs_folder=tmp_path)
    assert "production" in (no_jobs(production) or "")
    assert "no job can run" in (half_set(production) or "")
    assert half_set(Settings()) is None
    with pytest.raises(SettingsError, match="BOROUGH_INSTALLATION is production"):
        jobs_folder(production)
    test = Settings(installation="test")
    assert "BOROUGH_JOBS_FOLDER is not set" in (no_jobs(test) or "")
    assert "BOROUGH_JOBS_FOLDER is not set" in (half_set(test) or "")
    with pytest.raises(SettingsError, match="is no folder"):
        jobs_folder(Settings(installation="demo", jobs_folder=tmp_path / "none"))
    whole = Settings(installation="test", jobs_folder=tmp_path)
    assert no_jobs(whole) is None
    assert half_set(whole) is None
    assert jobs_folder(whole) == tmp_path.resolve()


def test_what_is_asked_for_is_looked_through(tmp_path: Path) -> None:
    asking = Asking(Settings(installation="test", jobs_folder=tmp_path))
    folder = JobsFolder(tmp_path)
    found = asking.check("simulation", {"hours": 2}, ["shipped:bays-400.toml"])
    assert not found.problems
    assert found.devices["parking-bay"] == 400
    assert "simulated time 2.0 h" in found.summary
    (tmp_path / "wrong.toml").write_text(
        "name = 'x'\nstart = 2026-01-01T00:00:00Z\ndays = 1\n[smart-meter]\ncount = -1\n"
    )
    wrong = folder.add(tmp_path / "wrong.toml")
    assert "count" in asking.check("simulation", {}, [wrong]).problems[0]
    assert (
        "there is no such fault" in asking.check("simulation", {"faults": {"x": 1}}, ["shipped:demo.toml"]).problems[0]
    )
    (tmp_path / "a.btr").write_bytes(b"no recording at all")
    broken = folder.add(tmp_path / "a.btr")
    assert "a.btr" in asking.check("replay", {}, [broken]).problems[0]
    assert "outside" in asking.check("replay", {}, ["../secret.csv"]).problems[0]
    with pytest.raises(Failure, match="production"):
        Asking(Settings()).check("replay", {}, [])


def test_stamps_are_joined_and_found_again() -> None:
    stamps = stamped([], 0, 10, 1_000_000, 1_900_000)
    stamps = stamped(stamps, 10, 10, 1_910_000, 1_950_000)
    assert [*map(list, stamps)] == [[0, 20, 1_000_000, 1_950_000]]
    stamps = stamped(stamps, 20, 1, 9_000_000, 9_000_000)
    assert len(stamps) == 2
    found = stamps_of(stamps, np.array([0, 19, 20, 21]), 7)
    assert found.tolist() == [1_000_000, 1_950_000, 9_000_000, 7]
    assert stamps_of([[5, 3, 100, 300]], np.array([5, 6, 7]), 0).tolist() == [100, 200, 300]
    assert coarser(stamps, 21) == [[0, 21, 1_000_000, 9_000_000]]
    assert coarser(stamps, 20) == [*map(list, stamps)], "what is not covered stays fine"
    far = [[0, 1, 0, 0], [1, 1, 400_000_000, 400_000_000]]
    assert coarser(far, 2) == far
    checkpoint = Checkpoint({}, 5, 0).noted([10, 11, 12])
    assert (checkpoint.sent, checkpoint.published(0, 4)) == (3, [10, 11, 12, 5])


def test_a_clock_that_was_held_goes_on_from_where_it_was() -> None:
    due = np.array([0, 100, 200, 300], np.int64)
    clock = Clock(0, 1_000, 1.0, [(150, 9_000), (250, 20_000)])
    assert clock.arrival(due).tolist() == [1_000, 1_100, 9_050, 20_050]
    assert Clock(0, 1_000, None, [(150, 9_000)]).arrival(due).tolist() == [1_000, 1_000, 9_000, 9_000]


def test_rate_and_remaining_time_are_those_of_the_last_while() -> None:
    now = [0.0]
    told = Told(phase="sending", clock=lambda: now[0])
    document = told.document()
    assert document["rate"] == 0
    for second in range(1, 31):
        now[0], told.sent, told.fraction = float(second), second * (100 if second <= 15 else 200), second / 60
        document = told.document()
    assert document["rate"] == pytest.approx(200, rel=0.35)
    assert document["remaining"] == pytest.approx(30, rel=0.01)
    told.phase = "scoring"
    assert (told.document()["rate"], told.document()["remaining"]) == (0.0, None)
    assert Told.after(document).sent == told.sent


def test_numbers_that_are_none_leave_nothing() -> None:
    assert finite({"a": [1.5, math.nan, {"b": math.inf}], "c": 2}) == {"a": [1.5, None, {"b": None}], "c": 2}


HOME = Device("mt-1", "smart-meter", "native", personal=True)
STREET = Device("mon-1", "air-monitor", "native")


@pytest.fixture
def targets() -> Targets:
    simulated, ours = replace(HOME, id="mt-2", origin="simulated"), replace(HOME, id="mt-3", attributes={MARK: OURS})
    return Targets.of([HOME, STREET, simulated, ours])


def test_whom_a_simulation_may_speak_for(targets: Targets) -> None:
    targets.check_fleet([replace(HOME, id="mt-2"), replace(HOME, id="new")])
    with pytest.raises(Failure, match="1 device of this fleet is registered here as real; nothing was sent"):
        targets.check_fleet([HOME])
    with pytest.raises(Failure, match="2 devices of this fleet are registered here as real, such as mon-1"):
        targets.check_fleet([HOME, STREET])
    with pytest.raises(Failure, match="as real"):
        targets.check_fleet([replace(HOME, id="mt-3")])


def test_whom_a_replay_may_speak_for(targets: Targets) -> None:
    targets.check_recorded([STREET, replace(HOME, id="mt-2"), replace(HOME, id="mt-3"), replace(HOME, id="new")])
    with pytest.raises(Failure, match="1 device of these files is registered here as real homes'") as error:
        targets.check_recorded([HOME])
    assert "mt-1" not in str(error.value)
    sent = [
        Outgoing(0, "t", b"", [Reading("mon-1", "air-monitor", "no2", 0, 1.0)]),
        Outgoing(1, "t", b"", [Reading("mt-1", "smart-meter", "import_interval", 0, 1.0)]),
    ]
    messages = targets.guarded(sent)
    assert next(messages) is sent[0]
    with pytest.raises(Failure, match="message 1 of the recording is of a device that is registered here"):
        next(messages)


def test_recorded_devices_say_who_registered_them() -> None:
    real, simulated = marked([HOME, replace(HOME, origin="simulated")])
    assert real.attributes == {MARK: OURS}
    assert simulated.attributes == {}
