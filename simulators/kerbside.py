"""The kerbside of a fleet: what kind of bay each is, what holds there, behind which gateway, what happens to it.

Everything is a function of the plan and the seed. Where a plan asks for none of it, bays are those of their streets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.bays import GRACE
from simulators.clock import DAY_US, SECOND_US
from simulators.plans import BayPlan, Fleet
from simulators.randomness import stream
from simulators.streets import STREETS

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

FAMILY = "parking-bay"
#: Bays of one street.
PER_STREET = 20
#: A stay that is over by no more is none that is told [s].
GRACE_S = GRACE // timedelta(seconds=1)
#: Nothing to happen: later than any instant [us].
NEVER: int = int(np.iinfo(np.int64).max)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
#: Street type -> what its bays are.
_KINDS: Mapping[str, str] = {
    "high-street": "pay",
    "residential": "resident-permit",
    "office": "limited-waiting",
    "loading": "loading",
    "leisure": "pay",
    "car-park": "pay",
}
#: Kind and maximum stay [min] of the bays of a scene, at all hours: there is something to see at night and on Sundays.
_SCENE = (("loading", 20), ("electric", 60), ("disabled", 180))
#: The bays of a scene are chosen among so many.
_SCENE_AMONG = 500
_DISABLED_MINUTES, _ELECTRIC_MINUTES = 180, 120
_REASONS = ("Tree works", "Utility works", "Filming", "Removal van", "Building works")
_PERMITS = ("Building contractor", "Visiting doctor", "Furniture removal", "Community nurse")
_EVENTS = ("Street market", "Football match", "Summer fair", "Charity run", "Concert")


class Closing(NamedTuple):
    """A bay that is suspended, or has a permit, in [start, end) [us]; ``words`` say why, or which."""

    bay: int
    start: int
    end: int
    words: str


class Swap(NamedTuple):
    """The sensor of a bay gives place to ``device`` (its place among the fleet's) at an instant [us]."""

    bay: int
    device: int
    at: int


class Visit(NamedTuple):
    """A car that stands at a bay in [arrival, departure) [us]."""

    bay: int
    arrival: int
    departure: int


class Event(NamedTuple):
    """A local day on which there is something in a zone."""

    zone: int
    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Kerbside:
    """What there is at the kerb. Arrays have shape (bays,) unless said otherwise.

    ``kind``: the word of each bay (`devices.bays.KINDS`); ``permitted`` [min], 0 without a limit, between the hours
    ``begin`` and ``end`` of the local day, on the ``days`` (bays, 7) of the week (Monday first); ``zone`` and
    ``gateway`` are numbers from 0, gateway -1 where there is none.
    """

    kind: Sequence[str]
    permitted: Int64
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    days: Bool
    zone: Int64
    gateway: Int64
    personal: Bool
    swaps: tuple[Swap, ...] = ()
    suspensions: tuple[Closing, ...] = ()
    permits: tuple[Closing, ...] = ()
    events: tuple[Event, ...] = ()
    cars: tuple[Visit, ...] = ()

    def suspended(self, bay: Int64, time: Int64) -> Bool:
        """Which of these bays are suspended at these instants [us]; shapes (visits,)."""
        found = np.zeros(len(bay), np.bool_)
        for one in self.suspensions:
            found |= (bay == one.bay) & (time >= one.start) & (time < one.end)
        return found


def make_kerbside(fleet: Fleet, street_kind: Int64, angle: NDArray[np.float64]) -> Kerbside:
    """The kerbside of a fleet whose bays lie in streets of these kinds (places in STREETS).

    ``angle`` (bays,) [rad]: of each bay's street, seen from the middle; streets near to each other in it are
    neighbours.
    """
    plan = fleet.bays
    assert plan is not None
    return _Maker(fleet, plan, street_kind, angle).make()


class _Maker:
    def __init__(self, fleet: Fleet, plan: BayPlan, street_kind: Int64, angle: NDArray[np.float64]) -> None:
        self.fleet, self.plan, self.count = fleet, plan, plan.count
        self.zone_info = ZoneInfo(fleet.climate.zone)
        names = list(STREETS)
        self.street_type = [names[place] for place in street_kind.tolist()]
        self.street = np.arange(self.count) // PER_STREET
        streets = [STREETS[name] for name in self.street_type]
        self.kind = [_KINDS[name] for name in self.street_type]
        self.permitted = np.array([one.permitted for one in streets], np.int64)
        self.begin = np.array([one.active[0] for one in streets])
        self.end = np.array([one.active[1] for one in streets])
        self.days = np.zeros((self.count, 7), np.bool_)
        for bay, one in enumerate(streets):
            self.days[bay, list(one.active_days)] = True
        # the streets in the order in which they lie around the middle
        self.around = np.empty(self.street.max(initial=0) + 1, np.int64)
        self.around[np.argsort(angle[::PER_STREET], kind="stable")] = np.arange(len(self.around))

    def make(self) -> Kerbside:
        plan = self.plan
        zone = self.around[self.street] // plan.zone_streets if plan.zone_streets else self.street // 5
        gateway = np.full(self.count, -1)
        if plan.gateways:
            gateway = self.around[self.street] * min(plan.gateways, len(self.around)) // len(self.around)
        scene = self._scene(gateway)
        free = self._shuffled("kinds of bays")
        free = free[~np.isin(free, scene)]
        personal = np.zeros(self.count, np.bool_)
        own = np.array([bay for bay in free.tolist() if self.street_type[bay] == "residential"][: plan.personal], int)
        personal[own] = True
        free = free[~np.isin(free, own)]
        disabled = round(plan.disabled * self.count)
        for bay in free[:disabled].tolist():
            self._all_hours(bay, "disabled", _DISABLED_MINUTES)
        for bay in free[disabled : disabled + round(plan.electric * self.count)].tolist():
            self._all_hours(bay, "electric", _ELECTRIC_MINUTES)
        for bay in own.tolist():
            self.kind[bay] = "disabled"
        return Kerbside(
            kind=self.kind,
            permitted=self.permitted,
            begin=self.begin,
            end=self.end,
            days=self.days,
            zone=zone,
            gateway=gateway,
            personal=personal,
            swaps=self._swaps(scene),
            suspensions=self._suspensions(scene),
            permits=self._closings("permits", plan.permits, 5, _PERMITS, scene),
            events=self._events(int(zone.max(initial=0)) + 1),
            cars=self._cars(scene),
        )

    def _all_hours(self, bay: int, kind: str, minutes: int) -> None:
        self.kind[bay], self.permitted[bay] = kind, minutes
        self.begin[bay], self.end[bay], self.days[bay] = 0.0, 24.0, True

    def _shuffled(self, purpose: str) -> Int64:
        return stream(self.fleet.seed, FAMILY, purpose).permutation(self.count)

    def _scene(self, gateway: Int64) -> Int64:
        """The bays of the scene, each in a street of its own where there are so many."""
        scene = self.plan.scene
        if scene is None:
            return np.empty(0, np.int64)
        # a gateway that fails is one of the first (`simulators.device_faults`): cars behind it would not be seen
        order = self._shuffled("scene")
        if self.plan.gateways:
            order = order[np.argsort(-gateway_ranks(self.fleet.seed, gateway)[order], kind="stable")]
            order = order[gateway[order] == gateway[order[0]]]
        seen: dict[int, int] = {}
        turns = []
        for bay in (order := order[:_SCENE_AMONG]).tolist():
            turns.append(seen.setdefault(int(self.street[bay]), 0))
            seen[int(self.street[bay])] += 1
        chosen = order[np.argsort(turns, kind="stable")][: scene.overstays]
        for place, bay in enumerate(chosen.tolist()):
            self._all_hours(bay, *_SCENE[place % len(_SCENE)])
        return chosen

    def _cars(self, scene: Int64) -> tuple[Visit, ...]:
        """Cars whose time over exceeds the grace from one to two minutes after the scene's instants."""
        if self.plan.scene is None:
            return ()
        cars = []
        for at in self.plan.scene.at:
            for place, bay in enumerate(scene.tolist()):
                over = at // SECOND_US + 60 + 60 * (place + 1) // (len(scene) + 1)
                arrival = over - GRACE_S - 60 * int(self.permitted[bay])
                cars.append(Visit(bay, arrival * SECOND_US, (over + 7_200 + 600 * place) * SECOND_US))
        return tuple(cars)

    def _suspensions(self, scene: Int64) -> tuple[Closing, ...]:
        found = self._today(scene)
        taken = np.concatenate((scene, np.array([one.bay for one in found], np.int64)))
        return (*found, *self._closings("suspensions", self.plan.suspensions, 3, _REASONS, taken))

    def _today(self, scene: Int64) -> tuple[Closing, ...]:
        plan = self.plan.scene
        if plan is None:
            return ()
        order = self._shuffled("scene's suspensions")
        chosen = order[~np.isin(order, scene)][: plan.suspensions].tolist()
        days = sorted({self._local_day(at) for at in plan.at})
        return tuple(
            Closing(bay, self._instant(day, 0), self._instant(day, 24), _REASONS[place % len(_REASONS)])
            for place, bay in enumerate(chosen)
            for day in days
        )

    def _swaps(self, scene: Int64) -> tuple[Swap, ...]:
        rng = stream(self.fleet.seed, FAMILY, "swaps")
        order = rng.permutation(self.count)
        bays = np.sort(order[~np.isin(order, scene)][: self.plan.swaps]).tolist()
        span = round(self.fleet.days * DAY_US)
        at = self.fleet.start_us + ((0.25 + 0.5 * rng.random(len(bays))) * span).astype(np.int64)
        return tuple(
            Swap(bay, self.count + place, moment // SECOND_US * SECOND_US)
            for place, (bay, moment) in enumerate(zip(bays, at.tolist(), strict=True))
        )

    def _closings(
        self, purpose: str, number: int, longest: int, words: Sequence[str], taken: Int64
    ) -> tuple[Closing, ...]:
        """Working hours of days that follow each other, none at a bay that is ``taken``; none of one bay touch."""
        rng = stream(self.fleet.seed, FAMILY, purpose)
        first = self._local_day(self.fleet.start_us)
        found: list[Closing] = []
        for _ in range(number):
            bay, begins = int(rng.integers(self.count)), int(rng.integers(max(1, int(self.fleet.days))))
            long, word = int(rng.integers(1, longest + 1)), words[int(rng.integers(len(words)))]
            start = self._instant(first + timedelta(days=begins), 8)
            end = self._instant(first + timedelta(days=begins + long - 1), 18)
            if bay not in taken and not any(one.bay == bay and one.start <= end and start <= one.end for one in found):
                found.append(Closing(bay, start, end, word))
        return tuple(found)

    def _events(self, zones: int) -> tuple[Event, ...]:
        rng = stream(self.fleet.seed, FAMILY, "events")
        first = self._local_day(self.fleet.start_us)
        found: dict[tuple[int, date], Event] = {}
        for number in range(self.plan.events):
            zone = int(rng.integers(zones))
            day = first + timedelta(days=int(rng.integers(max(1, int(self.fleet.days)))))
            found.setdefault((zone, day), Event(zone, day, _EVENTS[number % len(_EVENTS)]))
        return tuple(found.values())

    def _local_day(self, moment: int) -> date:
        return (_EPOCH + timedelta(microseconds=moment)).astimezone(self.zone_info).date()

    def _instant(self, day: date, hour: int) -> int:
        """[us] of a whole hour of a local day; 24 is the next midnight."""
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone_info)
        local = (local + timedelta(days=1)) if hour == 24 else local.replace(hour=hour)
        return (local - _EPOCH) // timedelta(microseconds=1)


def gateway_ranks(seed: int, gateway: Int64) -> Int64:
    """For each bay the rank of its gateway among those that may fail: the lowest fail first. Shapes (bays,)."""
    order = stream(seed, FAMILY, "fault of gateways").permutation(int(gateway.max(initial=-1)) + 1)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[gateway] if len(order) else np.zeros(len(gateway), np.int64)
