"""A D-TRO read: its provisions about bays become bays, restrictions and suspensions; all else is told.

Pure. A file is taken whole or not at all, so every problem in it is collected and told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from devices.bays import BAY_ID, DAY_MINUTES, Bay, Restriction, Suspension
from devices.bays_hours import ordered
from devices.decoding import Rejection
from devices.dtro.conditions import Conditions, Fact, read_conditions, tariff
from devices.dtro.geometry import Shape
from devices.dtro.hours import Validity, check_apart
from devices.dtro.looking import NotHeld, Object, Unreadable, object_of, objects, text_of
from devices.dtro.place import Place, kept_text, read_place
from devices.dtro.words import (
    KIND_OF,
    NOT_IN_FORCE,
    SUSPENSION,
    TARIFF,
    TYPE_OF,
    VERSION,
    is_prohibition,
    kind_of,
    what_else,
)
from devices.json_object import parse_object
from devices.lengths import ATTRIBUTE, REASON, STREET, ZONE
from devices.registry import Problem, RegistryError
from devices.text import flaw, visible

#: A D-TRO's times are local times here: its ``timeZone`` can be no other.
LONDON = ZoneInfo("Europe/London")
_NO_ID = re.compile(r"[^A-Za-z0-9._:@-]+")
#: Parts of a provision that say something of a rule and are not read.
_UNREAD = ("actualStartOrStop", "expectedOccupancyDuration", "experimentalCessation", "experimentalVariation")
_REVOKED = ("fullRevoke", "partialRevoke")


class Dtro(NamedTuple):
    """What a D-TRO says of bays, and, a sentence each, what of it is ``left_out``.

    ``elsewhere``: suspensions of bays, here without their ids, of a provision of an earlier order, by its reference.
    """

    bays: list[Bay]
    suspensions: list[Suspension]
    left_out: list[str]
    elsewhere: list[tuple[str, Suspension]]


def read_dtro(data: bytes) -> Dtro:
    """Read a D-TRO 4.0.0 (JSON, UTF-8, with its ``schemaVersion``).

    Raises RegistryError with every problem, each with its provision.
    """
    source = _source(data)
    reader = _Reader(source)
    try:
        provisions = objects(source, "provision")
        if not provisions:
            raise Unreadable("its source has no provision")
    except Unreadable as error:
        raise RegistryError([Problem("", str(error))]) from None
    for provision in provisions:
        reader.forbidden(provision)
    for provision in provisions:
        reader.provision(provision)
    reader.suspend()
    if reader.problems:
        raise RegistryError(reader.problems)
    return Dtro(reader.bays, reader.suspensions, reader.left_out, reader.elsewhere)


def _source(data: bytes) -> Object:
    """The one source of an order that is read at all. Raises RegistryError."""
    try:
        document = parse_object(data.removeprefix(b"\xef\xbb\xbf"))
    except Rejection as error:
        raise RegistryError([Problem("", f"is no D-TRO: {error.detail}")]) from None
    version, inner = document.get("schemaVersion"), document.get("data")
    if version is None or not isinstance(inner, dict):
        bare = " without the object around it" if "source" in document or "consultation" in document else ""
        text = f'is no D-TRO{bare}: {{"schemaVersion": "{VERSION}", "data": {{...}}}} is expected'
    elif version != VERSION:
        said = visible(str(version))[:20]
        text = f"is a D-TRO of version {said}; {VERSION} is read, have it published again as that"
    elif "consultation" in inner:
        text = "is a consultation: nothing of it is decided; import the order once it is made"
    elif not isinstance(inner.get("source"), dict):
        text = "has no source"
    elif inner["source"].get("actionType") == "fullRevoke":
        text = "revokes its whole order, so there is nothing to import; give its bays an end in the register"
    else:
        source: Object = inner["source"]
        return source
    raise RegistryError([Problem("", text)])


@dataclass(slots=True)
class _Closing:
    """A suspension that waits until all bays are read."""

    references: Sequence[str]
    bays: Sequence[str]
    validities: Sequence[Validity]
    reason: str

    def of(self, bay: str) -> list[Suspension]:
        """The suspensions of a bay."""
        return [
            Suspension(bay, _instant(validity.start), _instant(validity.end), self.reason)
            for validity in self.validities
            if validity.start is not None and validity.end is not None
        ]


@dataclass(slots=True)
class _Reader:
    """One document, provision by provision."""

    source: Object
    bays: list[Bay] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    elsewhere: list[tuple[str, Suspension]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _closings: list[_Closing] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _ids: dict[str, str] = field(default_factory=dict)
    #: Provisions by the text of their places: those that forbid, and those that are bays.
    _lines: dict[str, str] = field(default_factory=dict)
    _places: dict[str, str] = field(default_factory=dict)
    #: Provisions' bays.
    _of: dict[str, list[str]] = field(default_factory=dict)

    def forbidden(self, found: Object) -> None:
        """Note where a provision forbids to wait. What is wrong with it is told when it is read."""
        try:
            regulation = object_of(object_of(found, "regulation"), "generalRegulation").get("regulationType")
            if is_prohibition(regulation):
                places = [read_place(one) for one in objects(found, "regulatedPlace")]
                shapes = (shape for place in places if place is not None for shape in place.shapes)
                self._lines |= dict.fromkeys((shape.text for shape in shapes), text_of(found, "reference"))
        except Unreadable:
            pass  # such a provision is left out, and nothing is exempt from it

    def provision(self, found: Object) -> None:
        """Read one provision whole, or tell why it is left out, or what is wrong with it."""
        number = len(self._seen) + 1
        where = f"provision {number}"
        before = len(self.bays), len(self.left_out)
        try:
            reference = text_of(found, "reference")
            self._seen.add(reference if reference not in self._seen else f"{reference} {number}")
            where = f"provision {visible(reference)[:80]}"
            if f"{reference} {number}" in self._seen:
                raise Unreadable("stands there twice")
            self._provision(found, reference, where)
        except Unreadable as error:
            self._seen.add(where)
            self._take_back(before)
            self.problems.append(Problem(where, visible(str(error))))
        except NotHeld as error:
            self._take_back(before)
            self._tell(where, f"all of it: {error}")

    def _take_back(self, before: tuple[int, int]) -> None:
        del self.bays[before[0] :]
        del self.left_out[before[1] :]

    def _tell(self, where: str, text: str) -> None:
        self.left_out.append(f"{where}: left out: {visible(text)}")

    def _provision(self, found: Object, reference: str, where: str) -> None:
        regulation = object_of(found, "regulation")
        if "generalRegulation" not in regulation:
            other = next((name for name in ("offListRegulation", "speedLimitValueBased", "speedLimitProfileBased")
                          if name in regulation), None)  # fmt: skip
            if other is None:
                raise Unreadable("its regulation is of no type")
            raise NotHeld(f"{other}, not about bays")
        kind = text_of(object_of(regulation, "generalRegulation"), "regulationType")
        if kind not in KIND_OF and kind != SUSPENSION:
            raise NotHeld(f"{kind}, {what_else(kind)}")
        point, action = found.get("orderReportingPoint"), found.get("actionType")
        if isinstance(point, str) and point in NOT_IN_FORCE:
            raise NotHeld(f"{kind}, which {NOT_IN_FORCE[point]} ({point})")
        if action in _REVOKED:
            raise NotHeld(f"{kind}, which is revoked ({action}); give its bays an end in the register")
        conditions = read_conditions(regulation)
        places = [place for one in objects(found, "regulatedPlace") if (place := read_place(one)) is not None]
        if not places:
            raise Unreadable("has no regulatedPlace but ways of a diversion")
        if kind == SUSPENSION:
            self._closing(found, regulation, where, conditions, places)
        else:
            self._bays(found, reference, where, kind, conditions, places)
        for name in _UNREAD:
            if name in found:
                self._tell(where, name)
        if len(places) < len(objects(found, "regulatedPlace")):
            self._tell(where, "the way of a diversion")

    # ---------------------------------------------------------------------------------------------- bays

    def _bays(
        self, found: Object, reference: str, where: str, regulation: str, conditions: Conditions, places: list[Place]
    ) -> None:
        kind, rest = kind_of(regulation, conditions.facts)
        from_day, to_day, restrictions = together(conditions.validities)
        check_apart(restrictions)
        attributes: dict[str, str] = {}
        if regulation != TYPE_OF[kind]:
            attributes["dtro_regulation"] = regulation
        said = self._short(text_of(found, "provisionDescription"), 2 * ATTRIBUTE, where, "the description")
        if conditions.rates:
            attributes["tariff"] = self._short("; ".join(tariff(conditions.rates)), ATTRIBUTE, where, "rates")
        elif TARIFF in said and any(place.own is not None for place in places):
            attributes["tariff"] = said.partition(TARIFF)[2]
        zone = _scheme(conditions.facts)
        guessed = False
        numbers = iter(range(1, 100_000))
        for place in places:
            for shape in place.shapes:
                own = place.own if len(place.shapes) == 1 else None
                numbered = f"{reference}-{next(numbers)}"
                if own is None and (taken := self._taken(shape, reference)) is not None:
                    self._tell(where, f"{_id(numbered)}, {taken}")
                    continue
                bay = self._bay(place, shape, numbered, zone, where)
                guessed |= own is None
                bay_attributes = {**bay.attributes, **attributes}
                if bay.id != reference:
                    bay_attributes["dtro_provision"] = reference
                self._add(
                    replace(
                        bay,
                        kind=kind,
                        from_day=from_day,
                        to_day=to_day,
                        restrictions=ordered(restrictions),
                        attributes=bay_attributes,
                    ),
                    reference,
                )
        if not self._of.get(reference):
            return
        if conditions.rates:
            self._tell(where, "rates, of which the attribute tariff has the words")
        for text in dict.fromkeys(told for validity in conditions.validities for told in validity.told):
            self._tell(where, text)
        for fact in rest:
            self._tell(where, f"the condition {fact.words}")
        if guessed:
            self._tell(where, "how many spaces there are, which a D-TRO does not say: 1 is taken for each place")

    def _taken(self, shape: Shape, reference: str) -> str | None:
        """Why a place is no bay of its own, for another provision is about the same one."""
        if (line := self._lines.get(shape.text)) is not None:
            return f"an exemption from provision {line} at that very place, no marked bay"
        if (other := self._places.setdefault(shape.text, reference)) != reference:
            return f"at the very place of provision {other}: a bay has one kind here"
        return None

    def _bay(self, place: Place, shape: Shape, numbered: str, zone: str | None, where: str) -> Bay:
        attributes: dict[str, str] = {}
        if place.usrn is not None:
            attributes["usrn"] = str(place.usrn)
        if (text := kept_text(shape)) is not None and len(text) <= ATTRIBUTE:
            attributes["osgb"] = text
        own = place.own
        geometry = None if shape.kind == "POINT" else shape.geojson
        if own is not None and len(place.shapes) == 1:
            lon, lat = own.at or shape.middle
            if own.place is not None:
                attributes["place"] = self._short(own.place, ATTRIBUTE, where, "the description of a place")
            street = self._short(own.street, STREET, where, "the name of a street")
            zone = self._short(own.zone, ZONE, where, "the name of a zone")
            return Bay(
                own.id, street, zone, "", lon, lat, own.spaces, own.off_street, own.length, geometry,
                origin=own.origin, attributes=attributes,
            )  # fmt: skip
        street = self._short(place.street or place.description, STREET, where, "the name of a street")
        if place.description != street:
            attributes["place"] = self._short(place.description, ATTRIBUTE, where, "the description of a place")
        if zone is None:
            zone = text_of(self.source, "reference") if place.usrn is None else f"USRN {place.usrn}"
        zone = self._short(zone, ZONE, where, "the name of a zone")
        lon, lat = shape.middle
        return Bay(_id(numbered), street, zone, "", lon, lat, 1, False, shape.length, geometry, attributes=attributes)

    def _add(self, bay: Bay, reference: str) -> None:
        if (owner := self._ids.setdefault(bay.id, reference)) != reference or bay.id in self._of.get(reference, []):
            raise Unreadable(f"makes a bay {bay.id}, as provision {owner} does")
        self._of.setdefault(reference, []).append(bay.id)
        self.bays.append(bay)

    def _short(self, text: str, longest: int, where: str, what: str) -> str:
        """A text that may be taken, cut where it is too long. Raises Unreadable."""
        text = " ".join(text.split())
        if (wrong := flaw(text)) is not None:
            raise Unreadable(f"{what} {wrong}")
        if len(text) <= longest:
            return text
        self._tell(where, f"the end of {what}: no more than {longest:,} signs are taken")
        return text[: longest - 1] + "…"

    # ---------------------------------------------------------------------------------------------- suspensions

    def _closing(
        self, found: Object, regulation: Object, where: str, conditions: Conditions, places: Sequence[Place]
    ) -> None:
        overridden = [
            text_of(object_of(one, "temporaryOverriddenProvision"), "reference")
            for one in objects(regulation, "temporaryProvision")
        ]
        for validity in conditions.validities:
            if validity.start is None or validity.end is None:
                raise NotHeld("a suspension of bays without a beginning or an end")
            if validity.restrictions:
                raise NotHeld("a suspension of bays at recurring hours")
            if _instant(validity.end) <= _instant(validity.start):
                raise Unreadable(
                    f"timeValidity begins {validity.start} and ends {validity.end}, which is no later by the clock that"
                    " goes forward in between; say times that the clock shows"
                )
        own = [place.own.id for place in places if place.own is not None]
        if not overridden and not own:
            raise NotHeld("a suspension that does not say which provision's bays it closes (temporaryProvision)")
        for fact in conditions.facts:
            self._tell(where, f"the condition {fact.words}")
        reason = self._short(text_of(found, "provisionDescription"), REASON, where, "the reason")
        self._closings.append(_Closing(overridden, own, conditions.validities, reason))

    def suspend(self) -> None:
        """Give suspensions their bays, now that all are read."""
        for closing in self._closings:
            bays = list(closing.bays)
            for reference in () if closing.bays else closing.references:
                found = self._of.get(reference, [])
                bays += found
                if not found:
                    self.elsewhere += [(reference, one) for one in closing.of("")]
            self.suspensions += [one for bay in dict.fromkeys(bays) for one in closing.of(bay)]


def _instant(local: datetime) -> datetime:
    """A local time as an instant: of an hour that comes twice, the first."""
    return local.replace(tzinfo=LONDON).astimezone(UTC)


def _id(text: str) -> str:
    """A reference and a number as an id. Raises Unreadable."""
    found = _NO_ID.sub("-", text).lstrip("._:@-")
    if not BAY_ID.match(found):
        raise Unreadable("its reference gives no id of a bay; at most 120 letters, digits and . _ : @ - are taken")
    return found


def _scheme(facts: Sequence[Fact]) -> str | None:
    """What a permit's scheme is called."""
    names: Iterable[Mapping[str, object]] = (fact.says for fact in facts if fact.about == "permitCondition")
    given = chain.from_iterable((says.get("schemeIdentifier"), says.get("permitIdentifier")) for says in names)
    return next((name.strip() for name in given if isinstance(name, str) and name.strip()), None)


def together(validities: Sequence[Validity]) -> tuple[date | None, date | None, tuple[Restriction, ...]]:
    """A bay's first day, the day after its last, and its restrictions, of the validities of its regulation."""
    spans = {(validity.from_day, validity.to_day) for validity in validities}
    if len(spans) == 1:
        ((from_day, to_day),) = spans
        return from_day, to_day, tuple(row for validity in validities for row in validity.restrictions)
    rows = []
    for validity in validities:
        for row in validity.restrictions or (Restriction(127, 0, DAY_MINUTES),):
            begins = [day for day in (row.from_day, validity.from_day) if day is not None]
            ends = [day for day in (row.to_day, validity.to_day) if day is not None]
            rows.append(
                replace(row, from_day=max(begins) if begins else None, to_day=min(ends) if ends else None)
            )  # fmt: skip
    firsts, lasts = zip(*spans, strict=True)
    from_day = None if None in firsts else min(day for day in firsts if day is not None)
    to_day = None if None in lasts else max(day for day in lasts if day is not None)
    return (
        from_day,
        to_day,
        tuple(row for row in rows if row.from_day is None or row.to_day is None or row.from_day < row.to_day),
    )
