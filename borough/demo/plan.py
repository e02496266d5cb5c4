"""What the demo's fleet says and when: a past that is loaded, then the present at a chosen speed.

The past ends two days ago whatever the fleet file's dates are, and the file's faults begin after it. Of parking bays,
air monitors and movement sensors it ends now, and their present is the clock's: who looks at the board sees what is,
and who is told of the air or of a home is told in time. What is called ``bays`` here is all that lives by the clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from borough.demo.care import still
from borough.errors import UsageError
from devices.device import Device
from simulators.clock import DAY_US, HALF_HOUR_US, HOUR_US, SECOND_US
from simulators.encode import WIRES
from simulators.fault_options import FaultError, FaultOptions, read_options
from simulators.fleet_file import FleetError, parse
from simulators.generate import devices_of, generate
from simulators.plans import Fleet
from simulators.run import Simulation
from simulators.stream import Signals
from store.times import local_day, midnight

#: The present begins so many days before the last midnight, at six in the morning, when the day's traffic sets in.
_DAYS_BEHIND, _MORNING = 2, 6 * HOUR_US
#: A home's day is 192 readings: one message.
_PACK = 200
#: Lasting faults of the present begin within so much simulated time.
_ONSETS = 3 * HOUR_US
#: So long has a gateway been silent when the present of the bays begins: longer than any sensor's silence is let pass.
_SILENT_FOR = 20 * HOUR_US
#: Faults of bays that begin before the present.
_EARLIER_FAULTS = ("gateway", "silent")
#: What bays say goes into the ledger so often.
_BAY_WINDOW = 5 * 60 * SECOND_US
#: The cars of a scene come so long before it at most, and stay so long after it: what was said of that is not unsaid.
_SCENE_BEFORE, _SCENE_AFTER = 4 * HOUR_US, 3 * HOUR_US
_STATE = "demo.json"
_SPOKEN = ("native", "senml-json", "senml-cbor")

DEMO_FLEET = Path(__file__).resolve().parents[2] / "simulators" / "fleets" / "demo.toml"


@dataclass(slots=True)
class Place:
    """Where the demo is, kept in its folder.

    ``start`` of the fleet and the instant ``until`` which all that was observed is stored, both [us since the Unix
    epoch]; ``messages``: the next number in its ledgers; ``fleet``: digest of its file. The same of bays (and air
    monitors), whose ledgers are files of their own: ``bays_until``, ``bay_messages``; ``scenes``: when there was
    something to see at them [us].
    """

    start: int
    until: int
    messages: int
    fleet: str
    bays_until: int = 0
    bay_messages: int = 0
    scenes: list[int] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write it, so that a kill leaves the old or the new one."""
        text = json.dumps(asdict(self), indent=1)
        part = folder / f"{_STATE}.part"
        part.write_text(text + "\n")
        part.replace(folder / _STATE)


@dataclass(frozen=True, slots=True)
class Plan:
    """``history`` is None where all of it is there. ``days`` of the fleet's past, ``loaded`` of them at the start.

    ``bays`` are those of a fleet that has some, and its air monitors, in their own time: from where the history ends to
    now, and from now on.
    """

    place: Place
    history: Simulation | None
    live: Simulation
    bays: Bays | None
    devices: list[Device]
    days: float
    loaded: float


@dataclass(frozen=True, slots=True)
class Bays:
    """The past and the present of what lives by the clock: parking bays and air monitors."""

    history: Simulation | None
    live: Simulation

    @property
    def has_bays(self) -> bool:
        """Whether there are parking bays among them."""
        return self.live.fleet is not None and self.live.fleet.bays is not None

    @property
    def has_movement(self) -> bool:
        """Whether there are movement sensors among them."""
        return self.live.fleet is not None and self.live.fleet.movement is not None

    @property
    def has_air(self) -> bool:
        """Whether there are air monitors among them."""
        return self.live.fleet is not None and self.live.fleet.air is not None


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
        place = Place(start, start, 0, digest, bays_until=start)
    fleet = _moved(fleet, place.start)
    moment = _second(now)
    others, own = replace(fleet, bays=None, air=None, movement=None), _with_scenes(fleet, place, moment)
    if not others.plans:  # nothing but what lives by the clock: there is no other present
        place.until = max(present, place.until)
    begin = max(present, place.until)
    history = _history(others, own, place, begin)
    live = replace(_present(others, begin), faults=faults, window=HALF_HOUR_US, onsets=(begin, begin + _ONSETS))
    return Plan(
        place=place,
        history=history if history.span[0] < begin else None,
        live=live,
        bays=None if not own.plans else _bays(own, max(begin, place.bays_until), moment, faults, place.scenes),
        devices=history.registered(),
        days=(begin - place.start) / DAY_US,
        loaded=(place.until - place.start) / DAY_US,
    )


def _history(others: Fleet, bays: Fleet, place: Place, end: int) -> Simulation:
    """The past of all, of each from where it was left on."""
    fleets = [(others, place.until), *([(bays, place.bays_until)] if bays.plans else [])]
    made = [(fleet, start, devices_of(fleet)) for fleet, start in fleets]

    def signals(first: int, last: int) -> Iterator[Signals]:
        for fleet, start, devices in made:
            if max(first, start) < last:
                yield from still(generate(fleet, max(first, start), last, devices), place.scenes)

    devices = {family: own for _, _, by_family in made for family, own in by_family.items()}
    return replace(
        _past(others, min(start for _, start in fleets), end),
        generate=signals,
        devices=devices,
        wires=dict.fromkeys(devices, WIRES["senml-json"]),
    )


def _past(fleet: Fleet, start: int, end: int) -> Simulation:
    devices = devices_of(fleet)
    return Simulation(
        generate=partial(generate, fleet, devices=devices),
        span=(start, end),
        seed=fleet.seed,
        devices=devices,
        wires=dict.fromkeys(devices, WIRES["senml-json"]),
        pack=_PACK,
        whole=True,
        fleet=fleet,
    )


def _present(fleet: Fleet, begin: int) -> Simulation:
    return replace(
        _past(fleet, begin, begin + 10 * 366 * DAY_US),
        wires={family: WIRES[plan.format] for family, plan in fleet.plans.items()},
        pack=1,
        whole=False,
    )


def _bays(fleet: Fleet, start: int, now: int, faults: FaultOptions, scenes: Sequence[int]) -> Bays:
    """The bays' past from ``start`` to this second, and their present; what fails for long has done so before it."""
    begin = max(now, start)
    earlier = {name: share for name, share in faults.share.items() if name in _EARLIER_FAULTS}
    onsets = (begin - _SILENT_FOR, begin - _SILENT_FOR + SECOND_US)
    history = replace(_past(fleet, start, begin), faults=replace(faults, share=earlier), onsets=onsets)
    live = replace(_present(fleet, begin), faults=faults, window=_BAY_WINDOW, onsets=onsets)
    return Bays(_planted(history, scenes) if start < begin else None, _planted(live, scenes))


def _planted(simulation: Simulation, scenes: Sequence[int]) -> Simulation:
    """The same with a spell without movement in one home around each scene."""
    made = simulation.generate
    return replace(simulation, generate=lambda first, last: still(made(first, last), scenes))


def _with_scenes(fleet: Fleet, place: Place, now: int) -> Fleet:
    """The fleet's bays, air monitors and movement sensors. Where its file has a scene of one there is one now, unless
    that of an earlier start goes on.

    The scene is noted in ``place``.
    """
    own = replace(fleet, meters=None)
    bays, air = own.bays, own.air
    if (bays is None or bays.scene is None) and (air is None or air.scene is None):
        return own
    known = max([place.bays_until, *(scene + _SCENE_AFTER for scene in place.scenes)])
    if known + _SCENE_BEFORE <= now:
        place.scenes = [*place.scenes, now]
    at = tuple(place.scenes)
    if bays is not None and bays.scene is not None:
        bays = replace(bays, scene=replace(bays.scene, at=at))
    if air is not None and air.scene is not None:
        air = replace(air, scene=replace(air.scene, at=at))
    return replace(own, bays=bays, air=air)


def _second(moment: datetime) -> int:
    """The last whole second [us since the epoch]."""
    return int(moment.timestamp()) * SECOND_US


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
        known = json.loads((folder / _STATE).read_text())
        # before bays had a time of their own it was that of the others
        place = Place(**{"bays_until": known["until"], **known})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
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
