"""A fleet file and what the command line says about it become a simulation that can be run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from borough.database import database
from borough.errors import BrokerAway, Failure, SettingsError, UsageError
from borough.replay.sender import OLD, OLD_WINDOW, WINDOW, Stop, is_old
from borough.settings.collector import broker_options
from borough.settings.settings import Settings
from devices.bank_holidays import is_bank_holiday
from devices.bays import Register
from devices.bays_file import BaysFile, Given
from devices.counts import counted
from devices.device import Device
from ingest.options import BrokerOptions
from ingest.tls import tls_context
from simulators import bay_truth_file, home_truth_file
from simulators.bay_register import make_register
from simulators.bay_truth import truth_of
from simulators.clock import SECOND_US
from simulators.connections import Broker, Connections
from simulators.fault_options import FaultError, read_options
from simulators.fleet_file import FleetError, default_span, load
from simulators.generate import devices_of, generate
from simulators.kerbside import FAMILY
from simulators.movement_truth import truth_of as truth_of_homes
from simulators.plans import PROPERTIES, Fleet
from simulators.publisher import PublishError
from simulators.run import Clock, Earlier, Keep, Lines, Progress, Simulation, Writer, choose_wires, publish
from store import bays_import, registry
from store.bays_import import Plan
from store.connect import Connection
from store.times import microseconds

_HOUR = 3_600_000_000
#: A fleet's names that are hexadecimal numbers: four places of zeros before the last four make room for another.
_MAKERS = re.compile(r"([0-9A-Fa-f]{4,8})0000([0-9A-Fa-f]{4})")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: ``start`` [us] and ``hours`` replace the file's span, ``format`` its formats, ``faults`` its
    table of faults. ``apart``: a number that makes the names of its devices, bays and zones those of no other."""

    fleet: Path
    seed: int | None
    start: int | None
    hours: float | None
    format: str | None
    pack: int
    faults: Mapping[str, Any] | None = None
    apart: int | None = None


def simulation_speed(text: str) -> float | None:
    """Simulated seconds a second; None: as fast as possible. Raises UsageError, with the command's dashes."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < 1e9:
        raise UsageError(f"--speed {text!r} is neither max nor a number such as 1 or 60")
    return speed


def simulation_start(text: str) -> int | None:
    """An instant [us since the Unix epoch], UTC unless it says; None: the file's. Raises UsageError, as above."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--start {text!r} is no date or time such as 2026-02-01T00:00:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return microseconds(moment)


def simulation_of(asked: Asked) -> Simulation:
    """Read the fleet file. Raises UsageError with the file and what is wrong in it."""
    try:
        fleet = load(asked.fleet, seed=asked.seed)
        faults = read_options(fleet.faults if asked.faults is None else asked.faults)
    except FleetError as error:
        raise UsageError(str(error)) from None
    except FaultError as error:
        raise UsageError(f"fleet file {asked.fleet}: {error}" if asked.faults is None else str(error)) from None
    try:
        wires = choose_wires({family: plan.format for family, plan in fleet.plans.items()}, asked.format)
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    if asked.format is not None:
        fleet = _speaking(fleet, {family: wire.name for family, wire in wires.items()})
    start, end = default_span(fleet)
    if asked.start is not None:
        start, end = asked.start, asked.start + end - start
    if start < fleet.start_us:
        raise UsageError(f"--start is before the fleet's own start in {asked.fleet}: nothing is known of that time")
    if asked.hours is not None:
        end = start + round(asked.hours * _HOUR)
    devices = devices_of(fleet)
    if asked.apart is not None:
        devices = {family: [_apart(device, asked.apart) for device in own] for family, own in devices.items()}
    return Simulation(
        generate=partial(generate, fleet, devices=devices),
        span=(start, end),
        seed=fleet.seed,
        devices=devices,
        wires=wires,
        faults=faults,
        pack=asked.pack,
        fleet=fleet,
    )


def bays_of(simulation: Simulation, apart: int | None = None) -> Register:
    """The register of a fleet that has bays; ``apart`` as it was asked for."""
    assert simulation.fleet is not None
    found = make_register(simulation.fleet, simulation.devices[FAMILY])
    if apart is None:
        return found
    return Register(
        bays=tuple(replace(bay, id=_own(bay.id, apart), zone=_own(bay.zone, apart)) for bay in found.bays),
        sensors=tuple(replace(link, bay=_own(link.bay, apart)) for link in found.sensors),
        suspensions=tuple(replace(one, bay=_own(one.bay, apart)) for one in found.suspensions),
        permits=tuple(replace(one, bay=_own(one.bay, apart)) for one in found.permits),
        events=tuple(replace(one, zone=_own(one.zone, apart)) for one in found.events),
    )


def _apart(device: Device, number: int) -> Device:
    """A device by a name of its own. One that is a number by its maker's rules stays one."""
    name = _own(device.id, number)
    if match := _MAKERS.fullmatch(device.id):
        name = f"{match[1]}{number % 0xFFFF + 1:04{'X' if match[1].isupper() else 'x'}}{match[2]}"
    attributes = {**device.attributes}
    if "zone_code" in attributes:
        attributes["zone_code"] = _own(attributes["zone_code"], number)
    return replace(device, id=name, attributes=attributes)


def _own(name: str, number: int) -> str:
    return f"j{number}-{name}"


def register_bays(connection: Connection, register: Register, zone: tzinfo, what: str) -> Plan:
    """Import the bays of a simulated borough, and commit; what was done. ``what``: whose they are, for an error.

    Raises Failure where they do not fit what is registered, psycopg.Error.
    """
    lists: dict[str, Any] = {
        item.name: [Given(what, one) for one in getattr(register, item.name)] for item in fields(Register)
    }
    plan = bays_import.import_file(connection, BaysFile(**lists), zone)
    if plan.problems:
        connection.rollback()
        raise Failure(f"the bays cannot be registered: {plan.problems[0]}")
    connection.commit()
    return plan


def register_fleet(settings: Settings, simulation: Simulation, gateway: str = "", apart: int | None = None) -> bool:
    """Register a fleet's devices, and its bays; whether a device was new or changed. ``gateway``: all stand behind it;
    ``apart`` as it was asked for.

    Raises Failure, psycopg.Error.
    """
    with database() as connection:
        devices = simulation.registered()
        if gateway:
            devices = [replace(device, attributes={**device.attributes, "gateway": gateway}) for device in devices]
        changed = registry.upsert(connection, registry.kept_closed(connection, devices))
        fleet = simulation.fleet
        if fleet is not None and fleet.bays is not None:
            register_bays(connection, bays_of(simulation, apart), settings.time_zone, f"fleet {fleet.name}")
    return bool(changed)


def send(
    simulation: Simulation,
    settings: Settings,
    clock: Clock,
    mode: Lines,
    writer: Callable[[], AbstractContextManager[Writer]] | None,
    watch: Callable[[Progress], None],
    stop: Stop,
    *,
    earlier: Earlier | None = None,
    keep: Keep | None = None,
    linger: Callable[[], None] = lambda: None,
) -> tuple[Progress, int]:
    """Publish a simulation to the broker of the settings, as `simulators.run.publish` does; the progress, and how many
    messages nobody was subscribed to. All is acknowledged before what ``writer`` opens is closed; ``linger`` is called
    between the two.

    Raises BrokerAway, Failure where the broker refuses messages, UsageError, SettingsError.
    """
    options = broker_options(settings)
    broker = broker_of(options)
    count, lines = lines_of(simulation.devices, mode)
    if simulation.span[0] > clock.wall:
        raise UsageError("the simulation begins in the future; give a --start that is not after now")
    place = f"{options.host}:{options.port}"
    try:
        with ExitStack() as stack:
            wires = stack.enter_context(Connections(broker, count))
            # the ledger is closed before the connections, and before that all is acknowledged
            book = None if writer is None else stack.enter_context(writer())
            progress = publish(
                simulation, clock, wires, lines, book, watch, lambda: stop.asked, earlier=earlier, keep=keep
            )
            linger()
    except PublishError as error:
        raise BrokerAway(f"the broker at {place}: {error}") from None
    except OSError as error:
        raise BrokerAway(f"the broker at {place} cannot be reached: {error}") from None
    total = wires.total
    if total.refused:
        raise Failure(
            f"the broker refused {counted(total.refused, 'message')}; may this account publish for the fleet?"
        )
    return progress, total.unheard


def write_truth(simulation: Simulation, until: int, ledger: Path, apart: int | None = None) -> None:
    """Write what is true of the fleet's bays and homes, if any, up to ``until`` [us] beside its ledger.

    Raises OSError.
    """
    fleet = simulation.fleet
    if fleet is None or until <= simulation.span[0]:
        return
    if fleet.movement is not None:
        homes = truth_of_homes(fleet, simulation.span[0], until)
        home_truth_file.write(home_truth_file.beside(ledger), homes, simulation.devices["movement-sensor"])
    if fleet.bays is None:
        return
    truth = truth_of(fleet, bays_of(simulation, apart), simulation.span[0], until, is_bank_holiday)
    bay_truth_file.write(bay_truth_file.beside(ledger), truth, fleet.bays.heartbeat * SECOND_US)


def _speaking(fleet: Fleet, formats: Mapping[str, str]) -> Fleet:
    """The fleet in other formats: devices then observe what such devices do."""
    plans: dict[str, Any] = {}
    for family, plan in fleet.plans.items():
        if plan.format != formats[family]:
            own, other = PROPERTIES[family, plan.format], PROPERTIES[family, formats[family]]
            # native and SenML carry the same: what the file chose of it stays
            plans[family] = replace(plan, format=formats[family], properties=plan.properties if own == other else other)
    names = {"smart-meter": "meters", "parking-bay": "bays", "air-monitor": "air", "movement-sensor": "movement"}
    return replace(fleet, **{names[family]: plan for family, plan in plans.items()})


def lines_of(devices: Mapping[str, Sequence[Device]], mode: Lines) -> tuple[int, dict[str, list[int]]]:
    """How many connections there are, and which one each device has, by family.

    Raises UsageError where no device names its gateway.
    """
    if mode == "one":
        return 1, {family: [0] * len(own) for family, own in devices.items()}
    numbers: dict[str, int] = {}
    lines: dict[str, list[int]] = {}
    for family, own in devices.items():
        names = [f"device/{item.id}" for item in own]
        if mode == "gateway":
            # a device without one speaks for itself, as a street's cabinet would for its sensors
            names = [
                f"gateway/{item.attributes['gateway']}" if "gateway" in item.attributes else f"street/{_street(item)}"
                for item in own
            ]
        lines[family] = [numbers.setdefault(name, len(numbers)) for name in names]
    return len(numbers), lines


def _street(device: Device) -> str:
    return device.attributes.get("street", device.family)


def broker_of(options: BrokerOptions) -> Broker:
    """Where the fleet publishes. Raises SettingsError for a broker that it cannot speak to."""
    if options.transport != "tcp":
        raise SettingsError("BOROUGH_MQTT_URL: a fleet speaks mqtt:// and mqtts://, not WebSockets")
    return Broker(
        options.host,
        options.port,
        options.username,
        options.password,
        tls_context(options) if options.tls else None,
        OLD if is_old(options) else 5,
        OLD_WINDOW if is_old(options) else WINDOW,
    )


def summary(simulation: Simulation, progress: Progress, seconds: float, *, dry: bool) -> dict[str, Any]:
    """What was done, for ``--json``."""
    return {
        "devices": {family: len(own) for family, own in simulation.devices.items()},
        "formats": {family: wire.name for family, wire in simulation.wires.items()},
        "messages": progress.messages,
        "readings": progress.readings,
        "published": not dry,
        "seconds": round(seconds, 3),
        "expected": progress.expected,
        "faults": dict(sorted(progress.faults.items())),
    }
