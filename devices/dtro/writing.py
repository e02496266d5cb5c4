"""A register of bays as one D-TRO document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import orjson

from devices.bays import Bay, Suspension
from devices.bays_hours import hours_said
from devices.dtro.geometry import GeometryError
from devices.dtro.hours import moment, write_validities
from devices.dtro.place import write_place
from devices.dtro.reading import LONDON
from devices.dtro.words import KIND_OF, SHARED, SUSPENSION, TARIFF, TYPE_OF, VERSION, condition_of
from devices.registry import Problem, RegistryError


@dataclass(frozen=True, slots=True)
class Order:
    """The order that a document says it is.

    ``authority``: the traffic regulation authority's number, as the Department for Transport gives it (like the
    street works' SWA code). ``made`` and ``in_force``: the days on which it was made and came into force.
    """

    authority: int
    reference: str
    name: str
    made: date
    in_force: date
    section: str = "All sections"
    statement: str = "Parking places"

    def __post_init__(self) -> None:
        if self.authority < 1:
            raise ValueError(f"the authority {self.authority} is no number from 1 on")
        for name in ("reference", "name", "section", "statement"):
            if not getattr(self, name).strip():
                raise ValueError(f"the order has no {name}")


def write_dtro(bays: Iterable[Bay], suspensions: Iterable[Suspension], order: Order) -> bytes:
    """One document (JSON, UTF-8) of all bays and suspensions that are of no household.

    A bay that came from a D-TRO stays in its provision (attribute ``dtro_provision``) with its text of coordinates
    (``osgb``). `read_dtro` reads it back to the same bays, but for attributes that D-TRO has no field for.

    Raises RegistryError for bays that lie outside Great Britain, and where there is no bay.
    """
    shown = [bay for bay in bays if not bay.personal]
    if not shown:
        raise RegistryError([Problem("", "there is no bay to write; bays of households are in no order")])
    _check(shown)
    groups = _provisions(shown)
    provisions = {bay.id: reference for reference, group in groups.items() for bay in group}
    written = [
        _provision(order, reference, _says(group[0]), group, _regulation(group[0]), "permanentNoticeOfMaking")
        for reference, group in groups.items()
    ]
    by_id = {bay.id: bay for bay in shown}
    written += [
        _suspension(order, number, [by_id[bay] for bay in closed], provisions, start, end, reason)
        for number, ((start, end, reason), closed) in enumerate(_closings(suspensions, by_id).items(), 1)
    ]
    source = {
        "actionType": "new",
        "comingIntoForceDate": order.in_force.isoformat(),
        "currentTraOwner": order.authority,
        "madeDate": order.made.isoformat(),
        "provision": written,
        "reference": order.reference,
        "section": order.section,
        "statementDescription": order.statement,
        "traAffected": [order.authority],
        "traCreator": order.authority,
        "troName": order.name,
    }
    document = {"schemaVersion": VERSION, "data": {"source": source}}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _check(bays: Sequence[Bay]) -> None:
    problems = []
    for bay in bays:
        try:
            write_place(bay, "")
        except GeometryError as error:
            problems.append(Problem(f"bay {bay.id}", str(error)))
    if problems:
        raise RegistryError(problems)


def _provisions(bays: Iterable[Bay]) -> dict[str, list[Bay]]:
    """Bays by the reference of their provision: those that came with one and still say the same, else each alone."""
    found: dict[str, list[Bay]] = {}
    alone = []
    for bay in bays:
        group = found.setdefault(bay.attributes.get("dtro_provision", bay.id), [])
        if group and _rule(group[0]) != _rule(bay):
            alone.append(bay)
        else:
            group.append(bay)
    for bay in alone:
        found[bay.id if bay.id not in found else f"{bay.id}-alone"] = [bay]
    return found


def _rule(bay: Bay) -> tuple[object, ...]:
    """What all bays of a provision have together."""
    zone = bay.zone if bay.kind == "resident-permit" else None
    own = (bay.attributes.get(name) for name in ("dtro_regulation", "tariff"))
    return bay.kind, zone, bay.from_day, bay.to_day, bay.restrictions, *own


def _says(bay: Bay) -> str:
    """A bay's rule in words."""
    hours = "; ".join(hours_said(row) for row in bay.restrictions) or "at any time"
    tariff = bay.attributes.get("tariff")
    return f"{bay.kind.replace('-', ' ').capitalize()}: {hours}{'' if tariff is None else f'.{TARIFF}{tariff}'}"


def _regulation(bay: Bay) -> dict[str, Any]:
    given = bay.attributes.get("dtro_regulation", "")
    kind = KIND_OF.get(given)
    fits = kind == bay.kind or (kind == "unrestricted" and bay.kind in SHARED)
    validities: list[Mapping[str, Any]] = [
        {"timeValidity": validity} for validity in write_validities(bay.from_day, bay.to_day, bay.restrictions)
    ]
    return _conditions(given if fits else TYPE_OF[bay.kind], validities, condition_of(bay.kind, bay.zone))


def _conditions(kind: str, times: list[Mapping[str, Any]], who: Mapping[str, Any] | None) -> dict[str, Any]:
    when = times[0] if len(times) == 1 else {"conditionSet": {"operator": "or", "conditions": times}}
    if who is not None:
        when = {"conditionSet": {"operator": "and", "conditions": [who, when]}}
    name = "conditionSet" if "conditionSet" in when else "condition"
    return {
        "generalRegulation": {"regulationType": kind},
        "isDynamic": False,
        "timeZone": "Europe/London",
        name: when["conditionSet"] if name == "conditionSet" else when,
    }


def _provision(
    order: Order, reference: str, says: str, bays: Iterable[Bay], regulation: Mapping[str, Any], point: str
) -> dict[str, Any]:
    updated = moment(datetime.combine(order.made, time()))
    return {
        "actionType": "new",
        "comingIntoForceDate": order.in_force.isoformat(),
        "orderReportingPoint": point,
        "provisionDescription": says,
        "reference": reference,
        "regulatedPlace": [write_place(bay, updated) for bay in bays],
        "regulation": regulation,
    }


# --------------------------------------------------------------------------------------------- suspensions


def _closings(
    suspensions: Iterable[Suspension], shown: Mapping[str, Bay]
) -> dict[tuple[datetime, datetime, str], list[str]]:
    """Bays that are closed together: from when, until when and why."""
    found: dict[tuple[datetime, datetime, str], list[str]] = {}
    for one in suspensions:
        if one.bay in shown:
            found.setdefault((one.start, one.end, one.reason), []).append(one.bay)
    return found


def _suspension(
    order: Order,
    number: int,
    bays: Sequence[Bay],
    provisions: Mapping[str, str],
    start: datetime,
    end: datetime,
    reason: str,
) -> dict[str, Any]:
    validity = {
        "start": moment(start.astimezone(LONDON)),
        "end": moment(end.astimezone(LONDON)),
        "isPlaceholderTro": False,
    }
    regulation = _conditions(SUSPENSION, [{"timeValidity": validity}], None)
    regulation["temporaryProvision"] = [
        {"temporaryOverriddenProvision": {"reference": reference}}
        for reference in dict.fromkeys(provisions[bay.id] for bay in bays)
    ]
    return _provision(order, f"{order.reference}-suspension-{number}", reason, bays, regulation, "ttroTtmoByNotice")
