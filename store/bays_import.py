"""Files of bays into the store: first what they would change, worked out against what is known, then the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any, TypeVar

from devices.bays import Bay, EventDay, Permit, Register, Restriction, SensorLink, Suspension
from devices.bays_changes import Changes, link_changes, list_changes
from devices.bays_file import Among, BaysFile, Given
from devices.bays_hours import contradictions, hours_said, ordered
from devices.registry import Problem
from devices.uprn import plain, spellings
from store import bays
from store.connect import Connection
from store.far import Far, far_bays
from store.queries import queries
from store.times import local_day

_SQL = queries("bays")

Dated = TypeVar("Dated", Suspension, Permit)


@dataclass(slots=True)
class Plan:
    """What an import does."""

    bays: Changes[Bay] = field(default_factory=Changes)
    #: Ids of bays whose hours are written, among them those of new bays that have any.
    hours: set[str] = field(default_factory=set)
    #: By id what of a bay that is changed changes, by the names of its fields.
    fields: dict[str, list[str]] = field(default_factory=dict)
    sensors: Changes[SensorLink] = field(default_factory=Changes)
    suspensions: Changes[Suspension] = field(default_factory=Changes)
    permits: Changes[Permit] = field(default_factory=Changes)
    events: Changes[EventDay] = field(default_factory=Changes)
    #: The home of each bay that is written and has one.
    homes: dict[str, int] = field(default_factory=dict)
    #: Places of bays whose UPRN is of no home that is known: they are taken without it.
    without_home: list[str] = field(default_factory=list)
    #: Places of bays far from all others.
    far: list[Far] = field(default_factory=list)
    #: Why it cannot be done; then nothing of it is.
    problems: list[Problem] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many of each, for the report."""
        lists: dict[str, Changes[Any]] = {
            "bays": self.bays, "sensors": self.sensors, "suspensions": self.suspensions, "permits": self.permits,
            "events": self.events,
        }  # fmt: skip
        return {name: count for what, one in lists.items() for name, count in one.counts(what).items()}


def plan_import(connection: Connection, given: BaysFile, zone: tzinfo) -> Plan:
    """What importing this would do; ``zone`` says the local days of bays that are there for a time only.

    One import at a time: it holds a lock until the transaction ends. Raises psycopg.Error.
    """
    connection.execute(_SQL["lock_import"])
    known = bays.load(connection)
    plan = Plan()
    every = {bay.id: bay for bay in known.bays}
    _plan_bays(connection, plan, every, given)
    every |= {bay.id: bay for bay in (*plan.bays.new, *plan.bays.changed)}
    zones = {bay.zone for bay in every.values()}
    at_bays: Sequence[Given[Any]] = (*given.sensors, *given.suspensions, *given.permits)
    for one in at_bays:
        if one.among is None and one.item.bay not in every:
            plan.problems.append(Problem(one.where, f"bay {one.item.bay} is not in the register; import it first"))
    for day in given.events:
        if day.item.zone not in zones:
            plan.problems.append(Problem(day.where, f"no bay is in the zone {day.item.zone!r}"))
    plan.sensors = link_changes(known.sensors, given.sensors)
    suspensions = _spread(plan, given.suspensions, every.values(), zone)
    plan.suspensions = list_changes(
        known.suspensions, suspensions, lambda one: (one.bay, one.start), lambda one: f"a suspension of bay {one.bay}"
    )
    permits = _spread(plan, given.permits, every.values(), zone)
    plan.permits = list_changes(
        known.permits, permits, lambda one: (one.bay, one.start), lambda one: f"a permit of bay {one.bay}"
    )
    plan.events = list_changes(
        known.events, given.events, lambda one: (one.zone, one.day), lambda one: f"the event of {one.zone} on {one.day}"
    )
    _check_sensors(connection, plan, known, every, given)
    told, households = {one.where for one in plan.problems}, {bay.id for bay in known.bays if bay.personal}
    plan.problems += [
        Problem(one.where, f"bay {one.item.id} is registered as personal; say its class: personal, or open")
        for one in given.bays
        if one.item.id in households and not (one.item.personal or one.classed or one.where in told)
    ]
    for changes in (plan.bays, plan.sensors, plan.suspensions, plan.permits, plan.events):
        plan.problems += changes.problems
    order = {one.where: place for place, one in reversed(list(enumerate((*given.bays, *at_bays, *given.events))))}
    plan.problems.sort(key=lambda problem: order.get(problem.where, -1))
    plan.far = far_bays(connection, given.bays)
    return plan


def _plan_bays(connection: Connection, plan: Plan, known: Mapping[str, Bay], given: BaysFile) -> None:
    wanted = []
    old_homes = {bay_id: known[bay_id].uprn for bay_id in given.homeless if bay_id in known}
    said = [one.item.uprn for one in given.bays]
    homes = _homes(connection, [uprn for uprn in (*said, *old_homes.values()) if uprn is not None])
    for one in given.bays:  # of any reader: what each has looked at by line is looked at here once more
        bay, old = one.item, known.get(one.item.id)
        bay = replace(bay, restrictions=ordered(bay.restrictions))
        plan.problems += [
            Problem(one.where, f"hours of it hold at the same time: {hours_said(first)}; {hours_said(second)}")
            for first, second in _pairs(bay)
        ]
        if bay.personal:
            bay = replace(bay, uprn=old_homes.get(bay.id, bay.uprn))
        if bay.uprn is not None:
            if bay.uprn in homes:
                plan.homes[bay.id] = homes[bay.uprn]
            else:
                plan.without_home.append(one.where)
                bay = replace(bay, uprn=None)
        if old is not None and bay.id in given.shapeless:
            bay = replace(bay, geometry=old.geometry)
        wanted.append(replace(one, item=bay))
        before = () if old is None else old.restrictions
        if before != bay.restrictions:
            plan.hours.add(bay.id)
        if old is not None and old != bay:
            names = [name for name in Bay.__slots__ if getattr(old, name) != getattr(bay, name)]
            plan.fields[bay.id] = names
    plan.bays = list_changes(known.values(), wanted, lambda bay: bay.id, lambda bay: f"bay {bay.id}")


def _pairs(bay: Bay) -> list[tuple[Restriction, Restriction]]:
    """Every two restrictions that hold at once."""
    return [(bay.restrictions[one], bay.restrictions[other]) for one, other in contradictions(bay.restrictions)]


def _homes(connection: Connection, uprns: Sequence[str]) -> dict[str, int]:
    """Homes by their plain UPRN."""
    if not uprns:
        return {}
    spelt = sorted({one for uprn in uprns for one in spellings(uprn)})
    return {plain(uprn): home for uprn, home in connection.execute(_SQL["homes"], (spelt,)).fetchall()}


def _check_sensors(
    connection: Connection, plan: Plan, known: Register, every: Mapping[str, Bay], given: BaysFile
) -> None:
    """Sensors that are none, and those that lie in a bay of another class: readings would be shown that must not."""
    wheres = {one.item.id: one.where for one in given.bays}
    wheres |= {one.item.bay: one.where for one in given.sensors if not one.removed}
    removed = {(link.bay, link.start) for link in plan.sensors.removed}
    links = {(link.bay, link.start): link for link in (*known.sensors, *plan.sensors.new, *plan.sensors.changed)}
    now = [link for place, link in links.items() if link.bay in wheres and place not in removed]
    names = sorted({link.device for link in now} | {one.item.device for one in given.sensors})
    devices = {row[0]: row[1:] for row in (connection.execute(_SQL["devices"], (names,)).fetchall() if names else [])}
    for one in given.sensors:
        family = devices.get(one.item.device, (None,))[0]
        if family is None:
            plan.problems.append(Problem(one.where, f"device {one.item.device} is not registered"))
        elif family != "parking-bay":
            plan.problems.append(Problem(one.where, f"device {one.item.device} is no parking sensor but a {family}"))
    for link in now:
        family, personal = devices.get(link.device, (None, False))
        # one that is to end lies there until then
        if (link.end is None or link.end > datetime.now(UTC)) and family == "parking-bay" and link.bay in every:
            bay = every[link.bay]
            if bay.personal and not personal:
                text = f"bay {bay.id} is of a household, but its sensor {link.device} is registered as open"
                plan.problems.append(Problem(wheres[bay.id], f"{text}; register it with the class personal first"))
            elif personal and not bay.personal:
                text = f"sensor {link.device} is personal, but bay {bay.id} is open"
                plan.problems.append(Problem(wheres[bay.id], f"{text}; give the bay the class personal"))


def _spread(plan: Plan, given: Sequence[Given[Dated]], every: Any, zone: tzinfo) -> list[Given[Dated]]:
    """Lines of zones and streets as one of each of their bays that is there at the time."""
    found: list[Given[Dated]] = []
    for one in given:
        if one.among is None:
            found.append(one)
            continue
        first, last = local_day(one.item.start, zone), local_day(one.item.end, zone)
        its = [bay.id for bay in every if _is_of(bay, one.among) and _is_there(bay, first, last)]
        if not its:
            plan.problems.append(Problem(one.where, f"no bay is in {_said(one.among)}"))
        found += [replace(one, item=replace(one.item, bay=bay), among=None) for bay in its]
    return found


def _said(among: Among) -> str:
    if among.provision is not None:
        return f"provision {among.provision}; import the order that it is of first"
    return " of ".join(repr(name) for name in (among.street, among.zone) if name is not None)


def _is_of(bay: Bay, among: Among) -> bool:
    if among.provision is not None:
        return bay.attributes.get("dtro_provision", bay.id) == among.provision
    return (among.zone is None or bay.zone == among.zone) and (among.street is None or bay.street == among.street)


def _is_there(bay: Bay, first: date, last: date) -> bool:
    return (bay.from_day is None or bay.from_day <= last) and (bay.to_day is None or bay.to_day > first)


def import_file(connection: Connection, given: BaysFile, zone: tzinfo) -> Plan:
    """Import inside the running transaction, all or, where there are problems, nothing; what was done.

    Raises psycopg.Error.
    """
    plan = plan_import(connection, given, zone)
    if not plan.problems:
        apply(connection, plan)
    return plan


def apply(connection: Connection, plan: Plan) -> None:
    """Do what a plan without problems says, in the transaction that made it. Raises psycopg.Error."""
    written = plan.bays.written()
    restrictions = [
        bays.restriction_row(bay.id, number, one)
        for bay in written
        if bay.id in plan.hours
        for number, one in enumerate(bay.restrictions)
    ]
    sensors, suspensions, permits, events = plan.sensors, plan.suspensions, plan.permits, plan.events
    steps: list[tuple[bytes, Sequence[tuple[Any, ...]]]] = [
        (_SQL["save_bay"], [bays.row_of(bay, plan.homes.get(bay.id)) for bay in written]),
        (_SQL["remove_restrictions"], [(sorted(plan.hours),)] if plan.hours else []),
        (_SQL["add_restriction"], restrictions),
        (_SQL["remove_sensors"], [(one.bay, one.start) for one in sensors.removed]),
        (_SQL["save_sensors"], [(one.bay, one.device, one.start, one.end) for one in sensors.written()]),
        (_SQL["remove_suspensions"], [(one.bay, one.start) for one in suspensions.removed]),
        (_SQL["save_suspensions"], [(one.bay, one.start, one.end, one.reason) for one in suspensions.written()]),
        (_SQL["remove_permits"], [(one.bay, one.start) for one in permits.removed]),
        (_SQL["save_permits"], [(one.bay, one.start, one.end, one.kind) for one in permits.written()]),
        (_SQL["remove_events"], [(one.zone, one.day) for one in events.removed]),
        (_SQL["save_events"], [(one.zone, one.day, one.name) for one in events.written()]),
    ]
    with connection.cursor() as cursor:
        for query, rows in steps:
            if rows:
                cursor.executemany(query, rows)
