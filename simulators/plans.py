"""What a fleet consists of: a plan for each family, and the fleet that holds them. Read from TOML by `fleet_file`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devices.homes import HARDSHIPS
from simulators.weather import Climate

#: What a fleet may speak, by family. The first is the default.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "smart-meter": ("native", "senml-json", "senml-cbor", "glow"),
    "parking-bay": ("native", "senml-json", "senml-cbor", "tts", "chirpstack"),
    "air-monitor": ("native", "senml-json", "senml-cbor", "airgradient"),
    "movement-sensor": ("native", "senml-json", "senml-cbor", "zigbee2mqtt"),
}

#: The model of devices that speak a vendor's format; `native` for the rest.
MODELS: Mapping[str, str] = {
    "glow": "glow",
    "tts": "bosch-tps110",
    "chirpstack": "bosch-tps110",
    "airgradient": "airgradient",
    "zigbee2mqtt": "zigbee2mqtt",
}

#: Kinds of homes and of heating that can be simulated: some of the words of `devices.homes`.
DWELLINGS = ("flat", "terraced", "semi-detached", "detached")
HEATING = ("gas", "electric", "heat-pump", "heat-network")
STREETS = ("high-street", "residential", "office", "loading", "leisure", "car-park")
ROOMS = ("hall", "kitchen", "bedroom", "living-room", "bathroom", "door")
#: Kinds of hardship that can be planted.
PLANTED = tuple(word.value for word in HARDSHIPS)

_OWN = ("native", "senml-json", "senml-cbor")

#: What the devices of a family observe, by format: a vendor's format carries what the vendor's device measures.
PROPERTIES: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{("smart-meter", name): ("import_interval", "import_register", "export_register") for name in _OWN},
    ("smart-meter", "glow"): ("import_register", "export_register", "power", "gas_register", "gas_volume_register"),
    **{("parking-bay", name): ("occupied", "battery", "temperature") for name in _OWN},
    ("parking-bay", "tts"): ("occupied", "temperature"),
    ("parking-bay", "chirpstack"): ("occupied", "temperature"),
    **{
        ("air-monitor", name): ("pm1", "pm2_5", "pm10", "no2", "o3", "temperature", "humidity", "pressure")
        for name in _OWN
    },
    ("air-monitor", "airgradient"): (
        "pm1", "pm2_5", "pm10", "co2", "temperature", "humidity", "tvoc_index", "nox_index",
    ),
    **{("movement-sensor", name): ("motion", "contact", "illuminance", "battery") for name in _OWN},
    ("movement-sensor", "zigbee2mqtt"): ("motion", "contact", "illuminance", "battery"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Treatment:
    """An effect on the use of a random part of the homes.

    ``share`` of the homes in the arm [0 to 1]; their use is (1 - ``effect``) of what it would be, from ``start_us`` on.
    """

    share: float
    effect: float
    start_us: int


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """Smart meters."""

    #: Homes.
    count: int
    format: str = "native"
    properties: tuple[str, ...] = ()
    #: Time between messages [s]: 1,800 or a divisor (a display that speaks more often).
    every: int = 1_800
    #: Shares, which sum to 1.
    dwellings: Mapping[str, float] = field(default_factory=dict)
    #: Shares, which sum to 1.
    heating: Mapping[str, float] = field(default_factory=dict)
    #: Share of the homes with it.
    solar: float = 0.06
    #: Mean power of a roof's panels [kWp].
    solar_kwp: float = 3.6
    #: Share of the homes with it.
    prepayment: float = 0.12
    #: Share of the homes with it.
    cooling: float = 0.0
    #: Use of light and appliances, 1 is a British household.
    scale: float = 1.0
    #: Of that the part that never sleeps, once more.
    base: float = 1.0
    #: Heat loss, 1 is a British home.
    loss: float = 1.0
    #: Homes of each kind of hardship, by number.
    planted: Mapping[str, int] = field(default_factory=dict)
    treatment: Treatment | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to see at bays around instants ``at`` [us]: so many cars whose time over exceeds the grace within
    two minutes after each, and so many bays suspended on its local day."""

    at: tuple[int, ...]
    overstays: int = 0
    suspensions: int = 0


@dataclass(frozen=True, slots=True)
class BayPlan:
    """Parking bays."""

    count: int
    format: str = "native"
    properties: tuple[str, ...] = ()
    #: Shares of the street types.
    streets: Mapping[str, float] = field(default_factory=dict)
    #: Time between heartbeats [s].
    heartbeat: int = 21_600
    #: Multiplies all arrival rates.
    demand: float = 1.0
    #: Share of those who would stay too long and do.
    overstay: float = 0.2
    #: Streets of a zone, neighbours; 0: five, by their numbers.
    zone_streets: int = 0
    #: Share of the bays.
    disabled: float = 0.0
    #: Share of the bays.
    electric: float = 0.0
    #: Bays of one household each, in residential streets.
    personal: int = 0
    #: Gateways, each for neighbouring streets; 0: nothing is known of any.
    gateways: int = 0
    #: Bays whose sensor is replaced once, in the middle half of the fleet's days.
    swaps: int = 0
    #: Suspensions of bays, from one to three days each, within the fleet's days.
    suspensions: int = 0
    #: Permits for bays, from one to five days each, within the fleet's days.
    permits: int = 0
    #: Days on which there is an event in a zone, within the fleet's days.
    events: int = 0
    scene: Scene | None = None


@dataclass(frozen=True, slots=True)
class AirScene:
    """An episode around instants ``at`` [us]: ``pm2_5`` [ug/m3] more of fine particles at all monitors."""

    at: tuple[int, ...]
    pm2_5: float


@dataclass(frozen=True, slots=True)
class AirPlan:
    """Air monitors."""

    count: int
    format: str = "native"
    properties: tuple[str, ...] = ()
    #: Time between messages [s].
    every: int = 60
    #: Mean over the year before any artefact [ug/m3].
    pm2_5: float = 9.0
    #: Mean over the year before any artefact [ug/m3].
    no2: float = 24.0
    #: Mean over the year before any artefact [ug/m3].
    o3: float = 50.0
    #: Deviation of the logarithm of the regional background.
    episodes: float = 0.55
    #: Memory of the regional background [h].
    episode_hours: float = 90.0
    #: Its part of the whole, 1 is an ordinary street.
    traffic: float = 1.0
    #: How much more the shallow air of the night holds (logarithm, half of the daily range).
    stagnation: float = 0.0
    #: Growth of particles in damp air (kappa), 0 for reference instruments.
    damp: float = 0.12
    #: Deviation of the monitors' change of span a year.
    drift: float = 0.05
    scene: AirScene | None = None


@dataclass(frozen=True, slots=True)
class MovementPlan:
    """Movement sensors: ``count`` homes, each with a sensor in every one of ``rooms`` (`door` is a contact).

    ``timeout`` [s] without movement until a sensor says false.
    """

    count: int
    format: str = "native"
    properties: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ("hall", "kitchen", "bedroom", "door")
    timeout: int = 90
    #: Time between messages that say that a sensor lives [s]; 0: it speaks when something happens.
    heartbeat: int = 0
    #: Gateways, each for neighbouring homes; 0: nothing is known of any.
    gateways: int = 0
    #: Share of the homes with two people.
    couples: float = 0.0
    #: Share of the homes with a pet.
    pets: float = 0.0
    #: Movements an hour by which sensors take a pet for somebody, all rooms together.
    pet_movements: float = 0.3
    #: Visits a week.
    visitors: float = 0.0
    #: Holidays a year, of two to fourteen days.
    holidays: float = 0.0
    #: Visits to the bathroom a night.
    night_visits: float = 0.0
    #: Share of the mornings on which somebody gets up one to three hours later.
    lie_ins: float = 0.0
    #: Share of the homes that are cold.
    cold: float = 0.0
    #: Emergencies a home and month, where somebody lives alone.
    emergencies: float = 0.0
    #: Mean time until who has one is found [h], half of it to one and a half, or until a visitor comes.
    found: float = 24.0


Plan = MeterPlan | BayPlan | AirPlan | MovementPlan


@dataclass(frozen=True)
class Fleet:
    """A fleet: plans by family, and what they have in common."""

    name: str
    seed: int
    #: When the fleet was installed [us]; registers count and monitors drift from there, and nothing is known before.
    start_us: int
    #: Length of the simulation unless somebody says otherwise.
    days: float
    climate: Climate
    #: Of its middle [degrees].
    lon: float
    #: Of its middle [degrees].
    lat: float
    #: How far it extends [m].
    reach: float
    meters: MeterPlan | None = None
    bays: BayPlan | None = None
    air: AirPlan | None = None
    movement: MovementPlan | None = None
    #: The table ``[faults]`` as it stands in the file (`simulators.faults` reads it).
    faults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plans(self) -> Mapping[str, Plan]:
        """Family -> plan, of the families that the fleet has."""
        named = {
            "parking-bay": self.bays,
            "smart-meter": self.meters,
            "air-monitor": self.air,
            "movement-sensor": self.movement,
        }
        return {family: plan for family, plan in named.items() if plan is not None}
