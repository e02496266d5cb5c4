"""A fleet file: TOML in, Fleet out. What is wrong is said with the file, the key and what would be right."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from devices.files import read_text
from devices.toml import TomlError
from devices.toml import parse as read_toml
from simulators.clock import DAY_US
from simulators.plans import (
    DWELLINGS,
    FORMATS,
    HEATING,
    PLANTED,
    PROPERTIES,
    ROOMS,
    STREETS,
    AirPlan,
    AirScene,
    BayPlan,
    Fleet,
    MeterPlan,
    MovementPlan,
    Scene,
    Treatment,
)
from simulators.weather import CLIMATES

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}\Z")

#: England's stock, roughly: what a fleet is made of that does not say otherwise.
_DWELLINGS = {"flat": 0.22, "terraced": 0.30, "semi-detached": 0.30, "detached": 0.18}
_HEATING = {"gas": 0.84, "electric": 0.10, "heat-pump": 0.02, "heat-network": 0.04}
_STREETS = {"high-street": 0.30, "residential": 0.40, "office": 0.15, "loading": 0.05, "leisure": 0.10}

#: Properties that a plan may ask for beside those that its format has by default.
_MORE = {
    "smart-meter": ("gas_register", "gas_volume_register", "heat_register", "power"),
    "air-monitor": ("co2", "tvoc_index", "nox_index"),
    "movement-sensor": ("temperature",),
}


class FleetError(ValueError):
    """A fleet file cannot be taken. The text names the file and the key, and says what would be right."""


def load(path: Path, *, seed: int | None = None) -> Fleet:
    """Read a fleet file; ``seed`` replaces the file's. Raises FleetError."""
    try:
        text = read_text(path)
    except OSError as error:
        raise FleetError(f"fleet file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FleetError(f"fleet file {path}: not UTF-8 text") from None
    return parse(text, str(path), seed=seed)


def parse(text: str, source: str, *, seed: int | None = None) -> Fleet:
    """A fleet from the text of a fleet file; ``source`` names it in errors. Raises FleetError."""
    try:
        document = read_toml(text)
    except TomlError as error:
        raise FleetError(f"fleet file {source}: {error}") from None
    table = _Table(f"fleet file {source}", "", document)
    name = table.text("name", Path(source).stem)
    if not _NAME.match(name):
        raise table.wrong("name", f"{name!r}; letters, digits and - only, at most 32")
    climate = CLIMATES[table.choice("climate", CLIMATES, "london")]
    lon, lat = table.place("place", (climate.lon, climate.lat))
    fleet = Fleet(
        name=name,
        seed=table.whole("seed", 0, 0, 2**63 - 1) if seed is None else _seed(table, seed),
        start_us=table.instant("start"),
        days=table.number("days", 1.0, 0.001, 36_600),
        climate=climate,
        lon=lon,
        lat=lat,
        reach=table.number("reach", 1_200.0, 50, 50_000),
        meters=_meters(sub) if (sub := table.table("smart-meter")) else None,
        bays=_bays(sub) if (sub := table.table("parking-bay")) else None,
        air=_air(sub) if (sub := table.table("air-monitor")) else None,
        movement=_movement(sub) if (sub := table.table("movement-sensor")) else None,
        faults=table.raw("faults"),
    )
    table.done()
    if not fleet.plans:
        raise FleetError(f"fleet file {source}: no devices; it needs a table such as [parking-bay] with a count")
    return fleet


def _seed(table: _Table, seed: int) -> int:
    table.keys.pop("seed", None)
    if not 0 <= seed < 2**63:
        raise FleetError(f"seed {seed}: a whole number from 0 to {2**63 - 1}")
    return seed


def _meters(table: _Table) -> MeterPlan:
    planted = table.table("planted")
    treatment = table.table("treatment")
    speaks = table.choice("format", FORMATS["smart-meter"], "native")
    plan = MeterPlan(
        count=table.count(),
        format=speaks,
        properties=_properties(table, "smart-meter", speaks),
        every=table.whole("every", 1_800, 1, 1_800),
        dwellings=table.shares("dwellings", DWELLINGS, _DWELLINGS),
        heating=table.shares("heating", HEATING, _HEATING),
        solar=table.number("solar", 0.06, 0, 1),
        solar_kwp=table.number("solar_kwp", 3.6, 0.1, 1_000),
        prepayment=table.number("prepayment", 0.12, 0, 1),
        cooling=table.number("cooling", 0.0, 0, 1),
        scale=table.number("scale", 1.0, 0.01, 100),
        base=table.number("base", 1.0, 0.01, 100),
        loss=table.number("loss", 1.0, 0.01, 100),
        planted={kind: planted.whole(kind, 0, 0, 10**7) for kind in PLANTED} if planted else {},
        treatment=_treatment(treatment) if treatment else None,
    )
    if planted:
        planted.done()
    table.done()
    if 1_800 % plan.every:
        raise table.wrong("every", f"{plan.every}; needs to divide 1800 seconds, such as 10, 60, 300 or 1800")
    if sum(plan.planted.values()) > plan.count:
        raise table.wrong("planted", f"{sum(plan.planted.values())} homes of {plan.count}")
    return plan


def _treatment(table: _Table) -> Treatment:
    treatment = Treatment(
        share=table.number("share", 0.5, 0, 1),
        effect=table.number("effect", 0.02, -1, 1),
        start_us=table.instant("start"),
    )
    table.done()
    return treatment


def _bays(table: _Table) -> BayPlan:
    speaks = table.choice("format", FORMATS["parking-bay"], "native")
    plan = BayPlan(
        count=table.count(),
        format=speaks,
        properties=_properties(table, "parking-bay", speaks),
        streets=table.shares("streets", STREETS, _STREETS),
        heartbeat=table.whole("heartbeat", 21_600, 60, 86_400),
        demand=table.number("demand", 1.0, 0, 100),
        overstay=table.number("overstay", 0.2, 0, 1),
        zone_streets=table.whole("zone_streets", 0, 0, 1_000),
        disabled=table.number("disabled", 0.0, 0, 1),
        electric=table.number("electric", 0.0, 0, 1),
        personal=table.whole("personal", 0, 0, 10**6),
        gateways=table.whole("gateways", 0, 0, 10**5),
        swaps=table.whole("swaps", 0, 0, 10**6),
        suspensions=table.whole("suspensions", 0, 0, 10**6),
        permits=table.whole("permits", 0, 0, 10**6),
        events=table.whole("events", 0, 0, 10**4),
        scene=_scene(sub) if (sub := table.table("scene")) else None,
    )
    table.done()
    if plan.swaps > plan.count:
        raise table.wrong("swaps", f"{plan.swaps}; each of {plan.count} bays can have one")
    if plan.disabled + plan.electric > 1:
        raise table.wrong("disabled", f"{plan.disabled:g}; with electric more than all bays")
    return plan


def _scene(table: _Table) -> Scene:
    scene = Scene(
        at=(table.instant("at"),),
        overstays=table.whole("overstays", 0, 0, 1_000),
        suspensions=table.whole("suspensions", 0, 0, 1_000),
    )
    table.done()
    return scene


def _air(table: _Table) -> AirPlan:
    speaks = table.choice("format", FORMATS["air-monitor"], "native")
    plan = AirPlan(
        count=table.count(),
        format=speaks,
        properties=_properties(table, "air-monitor", speaks),
        every=table.whole("every", 60, 1, 3_600),
        pm2_5=table.number("pm2_5", 9.0, 0, 1_000),
        no2=table.number("no2", 24.0, 0, 1_000),
        o3=table.number("o3", 50.0, 0, 1_000),
        episodes=table.number("episodes", 0.55, 0, 3),
        episode_hours=table.number("episode_hours", 90.0, 1, 400),
        traffic=table.number("traffic", 1.0, 0, 3),
        stagnation=table.number("stagnation", 0.0, 0, 3),
        damp=table.number("damp", 0.12, 0, 2),
        drift=table.number("drift", 0.05, 0, 1),
        scene=_air_scene(sub) if (sub := table.table("scene")) else None,
    )
    table.done()
    if 3_600 % plan.every:
        raise table.wrong("every", f"{plan.every}; needs to divide 3600 seconds, such as 10, 60, 300 or 3600")
    return plan


def _air_scene(table: _Table) -> AirScene:
    scene = AirScene(at=(table.instant("at"),), pm2_5=table.number("pm2_5", 0.0, 0, 1_000))
    table.done()
    return scene


def _movement(table: _Table) -> MovementPlan:
    speaks = table.choice("format", FORMATS["movement-sensor"], "native")
    plan = MovementPlan(
        count=table.count(),
        format=speaks,
        properties=_properties(table, "movement-sensor", speaks),
        rooms=table.choices("rooms", ROOMS, ("hall", "kitchen", "bedroom", "door")),
        timeout=table.whole("timeout", 90, 5, 600),
        heartbeat=table.whole("heartbeat", 0, 0, 86_400),
        gateways=table.whole("gateways", 0, 0, 10**5),
        couples=table.number("couples", 0.0, 0, 1),
        pets=table.number("pets", 0.0, 0, 1),
        pet_movements=table.number("pet_movements", 0.3, 0, 60),
        visitors=table.number("visitors", 0.0, 0, 7),
        holidays=table.number("holidays", 0.0, 0, 12),
        night_visits=table.number("night_visits", 0.0, 0, 20),
        lie_ins=table.number("lie_ins", 0.0, 0, 1),
        cold=table.number("cold", 0.0, 0, 1),
        emergencies=table.number("emergencies", 0.0, 0, 1),
        found=table.number("found", 24.0, 1, 100),
    )
    table.done()
    return plan


def _properties(table: _Table, family: str, speaks: str) -> tuple[str, ...]:
    usual = PROPERTIES[family, speaks]
    more = _MORE.get(family, ()) if speaks in ("native", "senml-json", "senml-cbor") else ()
    return table.choices("properties", (*usual, *more), usual)


@dataclass(slots=True)
class _Table:
    """A table of the file while it is read: every key is taken once, what is left over is unknown."""

    source: str
    path: str
    keys: dict[str, Any]
    known: list[str] = field(default_factory=list)

    def wrong(self, key: str, text: str) -> FleetError:
        """An error at this key."""
        return FleetError(f"{self.source}: {self._name(key)} = {text}")

    def done(self) -> None:
        """Raise FleetError if a key was not taken."""
        if self.keys:
            key = next(iter(self.keys))
            raise FleetError(f"{self.source}: unknown key {self._name(key)}; known are {', '.join(self.known)}")

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A number from low to high."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise self.wrong(key, f"{value!r}; needs to be a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from low to high."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(key, f"{value!r}; needs to be a whole number from {low} to {high}")
        return value

    def count(self) -> int:
        """How many devices (or homes): the one key that every family needs."""
        if "count" not in self.keys:
            raise FleetError(f"{self.source}: {self._name('count')} is missing; say how many")
        return self.whole("count", 1, 1, 10**7)

    def text(self, key: str, default: str) -> str:
        """A text."""
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, f"{value!r}; needs to be a text in quotes")
        return value

    def choice(self, key: str, known: Collection[str], default: str) -> str:
        """One of the known words."""
        value = self._take(key, default)
        if not isinstance(value, str) or value not in known:
            raise self.wrong(key, f"{value!r}; one of {', '.join(known)}")
        return value

    def choices(self, key: str, known: Collection[str], default: tuple[str, ...]) -> tuple[str, ...]:
        """Some of the known words, each once, in the order of the known ones."""
        value = self._take(key, list(default))
        if not isinstance(value, list) or not value or any(not isinstance(one, str) for one in value):
            raise self.wrong(key, f"{value!r}; needs to be a list of {', '.join(known)}")
        if unknown := [one for one in value if one not in known]:
            raise self.wrong(key, f"unknown {unknown[0]!r}; there are {', '.join(known)}")
        if len(set(value)) != len(value):
            raise self.wrong(key, "names one twice")
        return tuple(one for one in known if one in value)

    def shares(self, key: str, known: Collection[str], default: Mapping[str, float]) -> dict[str, float]:
        """Shares of a whole by known words; they sum to 1."""
        table = self.table(key)
        if table is None:
            return dict(default)
        found = {word: table.number(word, 0.0, 0, 1) for word in known}
        table.done()
        if not math.isclose(total := sum(found.values()), 1.0, abs_tol=1e-6):
            raise self.wrong(key, f"shares that sum to {total:g}; needs to be 1")
        return {word: share for word, share in found.items() if share > 0}

    def place(self, key: str, default: tuple[float, float]) -> tuple[float, float]:
        """Longitude and latitude [degrees]."""
        value = self._take(key, list(default))
        good = isinstance(value, list) and len(value) == 2 and all(type(one) in (int, float) for one in value)
        if not good or not (abs(value[0]) <= 180 and abs(value[1]) <= 80):
            raise self.wrong(key, f"{value!r}; needs to be [longitude, latitude] in degrees, at most 80 north or south")
        return float(value[0]), float(value[1])

    def instant(self, key: str) -> int:
        """An instant with its offset, in microseconds since the epoch."""
        value = self._take(key, None)
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise self.wrong(key, f"{value}; needs to be an instant such as 2026-01-05T00:00:00Z")
        return (value - _EPOCH) // timedelta(microseconds=1)

    def table(self, key: str) -> _Table | None:
        """A table below this one, or None where the file has none."""
        value = self._take(key, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, f"{value!r}; needs to be a table [{self._name(key)}]")
        return _Table(self.source, self._name(key), dict(value))

    def raw(self, key: str) -> Mapping[str, Any]:
        """A table that somebody else reads."""
        table = self.table(key)
        return table.keys if table else {}

    def _take(self, key: str, default: Any) -> Any:
        self.known.append(key)
        return self.keys.pop(key, default)

    def _name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def default_span(fleet: Fleet) -> tuple[int, int]:
    """The span that the file asks for [us since the epoch]: from its start, ``days`` long."""
    return fleet.start_us, fleet.start_us + round(fleet.days * DAY_US)
