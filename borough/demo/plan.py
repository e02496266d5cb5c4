"""What the demo's fleet says and when: a past that is loaded, then the present at a chosen speed.

The past ends two days ago whatever the fleet file's dates are, and the file's faults begin after it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from borough.errors import UsageError
from devices.device import Device
from simulators.clock import DAY_US, HALF_HOUR_US, HOUR_US
from simulators.encode import WIRES
from simulators.fault_options import FaultError, FaultOptions, read_options
from simulators.fleet_file import FleetError, parse
from simulators.generate import devices_of, generate
from simulators.plans import Fleet
from simulators.run import Simulation
from store.times import local_day, midnight

#: The present begins so many days before the last midnight, at six in the morning, when the day's traffic sets in.
_DAYS_BEHIND, _MORNING = 2, 6 * HOUR_US
#: A home's day is 192 readings: one message.
_PACK = 200
#: Lasting faults of the present begin within so much simulated time.
_ONSETS = 3 * HOUR_US
_STATE = "demo.json"
_SPOKEN = ("native", "senml-json", "senml-cbor")

DEMO_FLEET = Path(__file__).resolve().parents[2] / "simulators" / "fleets" / "demo.toml"


@dataclass(slots=True)
class Place:
    """Where the demo is, kept in its folder.

    ``start`` of the fleet and the instant ``until`` which all that was observed is stored, both [us since the Unix
    epoch]; ``messages``: the next number in its ledgers; ``fleet``: digest of its file.
    """

    start: int
    until: int
    messages: int
    fleet: str

    def save(self, folder: Path) -> None:
        """Write it, so that a kill leaves the old or the new one."""
        text = json.dumps(
            {"start": self.start, "until": self.until, "messages": self.messages, "fleet": self.fleet}, indent=1
        )
        part = folder / f"{_STATE}.part"
        part.write_text(text + "\n")
        part.replace(folder / _STATE)


@dataclass(frozen=True, slots=True)
class Plan:
    """``history`` is None where all of it is there. ``days`` of the fleet's past, ``loaded`` of them at the start."""

    place: Place
    history: Simulation | None
    live: Simulation
    devices: list[Device]
    days: float
    loaded: float


def make_plan(path: Path, folder: Path, now: datetime) -> Plan:
    """Read the fleet file and where the last run of this folder left off.

    Raises UsageError for a file that is wrong or is not the one that the folder's demo began with.
    """
    fleet, faults, digest = _read(path)
    today = midnight(local_day(now, UTC), UTC)
    present = today - _DAYS_BEHIND * DAY_US + _MORNING
    place = _found(folder, digest)
    if place is None:
        # whole days: homes live by the clock on the wall
        start = today - _DAYS_BEHIND * DAY_US - -(-round(fleet.days * DAY_US) // DAY_US) * DAY_US
        place = Place(start, start, 0, digest)
    fleet = _moved(fleet, place.start)
    devices = devices_of(fleet)
    history = Simulation(
        generate=partial(generate, fleet, devices=devices),
        span=(place.until, max(present, place.until)),
        seed=fleet.seed,
        devices=devices,
        wires=dict.fromkeys(devices, WIRES["senml-json"]),
        pack=_PACK,
        whole=True,
    )
    begin = max(present, place.until)
    live = replace(
        history,
        span=(begin, begin + 10 * 366 * DAY_US),
        wires={family: WIRES[plan.format] for family, plan in fleet.plans.items()},
        faults=faults,
        pack=1,
        window=HALF_HOUR_US,
        whole=False,
        onsets=(begin, begin + _ONSETS),
    )
    return Plan(
        place=place,
        history=history if place.until < present else None,
        live=live,
        devices=history.registered(),
        days=(begin - place.start) / DAY_US,
        loaded=(place.until - place.start) / DAY_US,
    )


def _read(path: Path) -> tuple[Fleet, FaultOptions, str]:
    try:
        text = path.read_text(encoding="utf-8")
        fleet = parse(text, str(path))
        faults = read_options(fleet.faults)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--fleet {path}: {getattr(error, 'strerror', None) or 'is no text in UTF-8'}") from None
    except FleetError as error:
        raise UsageError(str(error)) from None
    except FaultError as error:
        raise UsageError(f"fleet file {path}: {error}") from None
    for family, plan in fleet.plans.items():
        if plan.format not in _SPOKEN:
            raise UsageError(
                f"fleet file {path}: {family}.format = {plan.format!r}; the demo's devices speak {', '.join(_SPOKEN)}"
            )
    return fleet, faults, hashlib.sha256(text.encode()).hexdigest()


def _found(folder: Path, digest: str) -> Place | None:
    try:
        place = Place(**json.loads((folder / _STATE).read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        raise UsageError(f"{folder / _STATE} cannot be read; borough demo --reset starts anew") from None
    if place.fleet != digest:
        raise UsageError(
            f"the demo in {folder} began with another fleet file; borough demo --reset starts anew, "
            "--state gives this one a folder of its own"
        )
    return place


def _moved(fleet: Fleet, start: int) -> Fleet:
    """The fleet as if it had been installed at ``start`` [us]; what is dated in its file moves along."""
    by = start - fleet.start_us
    meters = fleet.meters
    if meters is not None and meters.treatment is not None:
        treatment = replace(meters.treatment, start_us=meters.treatment.start_us + by)
        meters = replace(meters, treatment=treatment)
    return replace(fleet, start_us=start, meters=meters)
