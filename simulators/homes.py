"""The homes of a fleet: what they are, who lives in them and how they are heated. Arrays have one entry a home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from simulators.places import along_streets, quotas
from simulators.plans import DWELLINGS, HEATING, MODELS, PLANTED, Fleet, MeterPlan
from simulators.randomness import stream

Float32 = NDArray[np.float32]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

FAMILY = "smart-meter"

#: Homes in a street.
_PER_STREET = 25
#: By dwelling, in the order of DWELLINGS: median floor area [m2], its spread, bedrooms of the median home.
_AREA = np.array([56.0, 80.0, 92.0, 135.0])
_AREA_SPREAD = np.array([0.22, 0.18, 0.18, 0.28])
_BEDROOMS = np.array([1.7, 2.7, 3.0, 3.8])
#: Heat loss by dwelling [W/(K m2)]: a flat has neighbours on most sides, a detached house on none.
_LOSS = np.array([1.45, 1.95, 2.20, 2.40])

WORKING, AT_HOME, FAMILY_LIFE = range(3)
HABITS = 3
#: Half-hours by which a home's day is earlier or later than its habit's.
SHIFTS = (-2, -1, 0, 1, 2)


@dataclass(frozen=True, slots=True)
class Homes:
    """What lasts about each home; every array has shape (homes,)."""

    #: Place in DWELLINGS.
    dwelling: Int
    #: Place in HEATING.
    heating: Int
    #: Place in PLANTED, -1 is an ordinary home.
    planted: Int
    #: [m2].
    area: Float32
    bedrooms: Int
    occupants: Int
    prepayment: Bool
    #: Column of the day's shape (habit and shift).
    rhythm: Int
    #: What never sleeps [kWh a half-hour].
    base: Float32
    #: Mean of what people switch on [kWh a half-hour].
    active: Float32
    unsteady: Float32
    #: [kW/K] below ``balance``.
    loss: Float32
    #: Outdoor temperature below which the home is heated [Cel].
    balance: Float32
    #: [kWp].
    panels: Float32
    #: [kW/K] above 22 Cel.
    cooling: Float32
    #: True where the treatment works.
    arm: Bool
    #: At the fleet's start [Wh].
    register: Int

    def __len__(self) -> int:
        return len(self.dwelling)


def make_homes(fleet: Fleet) -> Homes:
    """The homes of the fleet's meters; a function of plan and seed. Needs a fleet with meters."""
    plan = _plan(fleet)
    count = plan.count
    rng = stream(fleet.seed, FAMILY, "homes")
    dwelling, heating = _mix(plan, rng)
    size = rng.standard_normal(count)
    area = _AREA[dwelling] * np.exp(_AREA_SPREAD[dwelling] * size)
    bedrooms = np.clip(np.rint(_BEDROOMS[dwelling] + 0.8 * size), 1, 6).astype(np.int64)
    occupants = 1 + np.minimum(rng.poisson(0.45 + 0.35 * (bedrooms - 1)), 6)
    habit = _habits(rng, occupants)
    shift = rng.choice(len(SHIFTS), count, p=(0.12, 0.23, 0.30, 0.23, 0.12))
    base = plan.scale * plan.base * 0.036 * (area / 80) ** 0.5 * np.exp(0.40 * rng.standard_normal(count) - 0.08)
    active = plan.scale * 0.098 * (0.55 + 0.25 * occupants) * (area / 80) ** 0.3
    active *= np.exp(0.42 * rng.standard_normal(count) - 0.088)
    prepayment = rng.random(count) < plan.prepayment
    panels = np.where(
        rng.random(count) < plan.solar, plan.solar_kwp * np.clip(rng.normal(1, 0.25, count), 0.4, 1.7), 0.0
    )
    panels[dwelling == DWELLINGS.index("flat")] *= 0.5
    cooled = rng.random(count) < plan.cooling
    balance = np.clip(rng.normal(15.0, 1.2, count), 11, 18)
    loss = plan.loss * area * _LOSS[dwelling] * np.exp(0.22 * rng.standard_normal(count) - 0.024) / 1_000
    # heat pumps come into homes that were made fit for them
    loss[heating == HEATING.index("heat-pump")] *= 0.6
    register = rng.integers(200_000, 30_000_000, count)
    planted = _planted(plan, rng, heating)
    prepayment |= planted == PLANTED.index("disconnected")
    return Homes(
        dwelling=dwelling,
        heating=heating,
        planted=planted,
        area=np.rint(area).astype(np.float32),
        bedrooms=bedrooms,
        occupants=occupants,
        prepayment=prepayment,
        rhythm=habit * len(SHIFTS) + shift,
        base=base.astype(np.float32),
        active=active.astype(np.float32),
        unsteady=rng.uniform(0.5, 0.95, count).astype(np.float32),
        loss=loss.astype(np.float32),
        balance=balance.astype(np.float32),
        panels=panels.astype(np.float32),
        cooling=np.where(cooled, 0.0009 * area, 0.0).astype(np.float32),
        arm=_arm(plan, rng),
        register=register,
    )


def devices(fleet: Fleet) -> Sequence[Device]:
    """The meters as devices, with what is known of their homes as attributes.

    Attribute ``planted`` is the truth about a home that was made to be empty, cut off or under-heated.
    """
    plan = _plan(fleet)
    homes = make_homes(fleet)
    places = along_streets(
        fleet.seed, FAMILY, plan.count, _PER_STREET, lon=fleet.lon, lat=fleet.lat, reach=fleet.reach, spacing=4.5
    )
    model = MODELS.get(plan.format, "native")
    width = max(4, len(str(plan.count)))
    return [
        Device(
            # a display's id is its MAC address; 02 says that it is locally administered, so nobody's own
            f"02B0{home + 1:08X}" if plan.format == "glow" else f"meter-{home + 1:0{width}d}",
            FAMILY,
            model,
            float(places.lon[home]),
            float(places.lat[home]),
            origin="simulated",
            personal=True,
            attributes=_attributes(plan, homes, home, places.names[places.street[home]]),
        )
        for home in range(plan.count)
    ]


def _attributes(plan: MeterPlan, homes: Homes, home: int, street: str) -> Mapping[str, str]:
    attributes = {
        "street": street,
        "dwelling": DWELLINGS[homes.dwelling[home]],
        "heating": HEATING[homes.heating[home]],
        "floor_area": str(int(homes.area[home])),
        "bedrooms": str(int(homes.bedrooms[home])),
        "occupants": str(int(homes.occupants[home])),
        "payment": "prepayment" if homes.prepayment[home] else "credit",
        "interval": "PT30M",
    }
    if homes.panels[home] > 0:
        attributes["solar_kwp"] = f"{homes.panels[home]:.1f}"
    if plan.treatment is not None:
        attributes["arm"] = "treatment" if homes.arm[home] else "control"
    if homes.planted[home] >= 0:
        attributes["planted"] = PLANTED[homes.planted[home]]
    return attributes


def _plan(fleet: Fleet) -> MeterPlan:
    if fleet.meters is None:
        raise ValueError(f"fleet {fleet.name} has no smart meters")
    return fleet.meters


def _mix(plan: MeterPlan, rng: np.random.Generator) -> tuple[Int, Int]:
    """Dwelling and heating of each home: exact numbers of each pair, dwellings in runs of a street's length."""
    pairs = {
        f"{dwelling} {heating}": part * share
        for dwelling, part in plan.dwellings.items()
        for heating, share in plan.heating.items()
    }
    kinds = [
        (DWELLINGS.index(pair.split(" ")[0]), HEATING.index(pair.split(" ")[1]))
        for pair, number in quotas(pairs, plan.count).items()
        for _ in range(number)
    ]
    mixed = np.array(kinds, np.int64)[rng.permutation(plan.count)]
    # a street was built at once: most of its homes are alike, and so are its neighbours
    order = np.argsort(mixed[:, 0] + rng.normal(0, 0.15, plan.count), kind="stable")
    mixed = mixed[order]
    streets = -(-plan.count // _PER_STREET)
    position = np.argsort(np.argsort(rng.random(streets))[np.arange(plan.count) // _PER_STREET], kind="stable")
    mixed = mixed[position]
    return mixed[:, 0], mixed[:, 1]


def _habits(rng: np.random.Generator, occupants: Int) -> Int:
    chance = rng.random(len(occupants))
    alone = occupants <= 2
    return np.where(
        alone,
        np.where(chance < 0.48, WORKING, AT_HOME),
        np.where(chance < 0.60, FAMILY_LIFE, np.where(chance < 0.80, WORKING, AT_HOME)),
    )


def _planted(plan: MeterPlan, rng: np.random.Generator, heating: Int) -> Int:
    """Which homes are planted; under-heated ones are among those that heat with gas or electricity of their own."""
    planted = np.full(plan.count, -1, np.int64)
    shuffled = rng.permutation(plan.count)
    own = heating != HEATING.index("heat-network")
    for kind, name in enumerate(PLANTED):
        number = plan.planted.get(name, 0)
        free = shuffled[planted[shuffled] < 0]
        if name == "under-heated":
            free = np.concatenate((free[own[free]], free[~own[free]]))
        planted[free[:number]] = kind
    return planted


def _arm(plan: MeterPlan, rng: np.random.Generator) -> Bool:
    arm = np.zeros(plan.count, np.bool_)
    order = rng.permutation(plan.count)
    if plan.treatment is not None:
        arm[order[: round(plan.treatment.share * plan.count)]] = True
    return arm
