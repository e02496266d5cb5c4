"""Whom and when a regulation concerns: its conditions, alone or in nested sets, told apart.

A regulation can be held where its conditions come to: these times, for these people. Sets that give other people other
times cannot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devices.dtro.hours import Validity, read_validity
from devices.dtro.looking import NotHeld, Object, Unreadable, object_of, objects, word_of

#: What a condition can be about, beside times and further conditions.
ABOUT = (
    "vehicleCharacteristics", "roadCondition", "otherCondition", "occupantCondition", "driverCondition",
    "accessCondition", "nonVehicularRoadUserCondition", "permitCondition",
)  # fmt: skip
_OPERATORS = ("and", "or", "xOr")


@dataclass(frozen=True, slots=True)
class Fact:
    """One condition beside times: about what, what it says, whether it is turned round.

    ``alone``: it must hold, rather than one of several.
    """

    about: str
    says: Object
    negated: bool = False
    alone: bool = True

    @property
    def words(self) -> str:
        """What it says, shortly."""
        text = json.dumps(self.says, ensure_ascii=False, sort_keys=True)[:200]
        return f"{'not ' if self.negated else ''}{self.about} {text}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Times, each alone; facts; tables of rates."""

    validities: tuple[Validity, ...]
    facts: tuple[Fact, ...]
    rates: tuple[Object, ...]


def read_conditions(regulation: Object) -> Conditions:
    """The conditions of a regulation. Raises Unreadable, NotHeld."""
    if ("condition" in regulation) == ("conditionSet" in regulation):
        raise Unreadable("its regulation has neither or both of condition and conditionSet")
    rates: list[Object] = []
    if "condition" in regulation:
        found = _condition(object_of(regulation, "condition"), rates)
    else:
        found = _set(object_of(regulation, "conditionSet"), rates)
    if not found.validities:
        raise NotHeld("a regulation without times")
    return Conditions(found.validities, found.facts, tuple(rates))


def _condition(found: Object, rates: list[Object]) -> Conditions:
    if "rateTable" in found:
        rates.append(object_of(found, "rateTable"))
    negated = found.get("negate", False)
    if not isinstance(negated, bool):
        raise Unreadable("negate is neither true nor false")
    parts: list[Conditions] = []
    if "conditionSet" in found:
        parts.append(_set(object_of(found, "conditionSet"), rates))
    if "timeValidity" in found:
        parts.append(Conditions((read_validity(object_of(found, "timeValidity")),), (), ()))
    facts = tuple(Fact(about, object_of(found, about), negated) for about in ABOUT if about in found)
    if facts:
        parts.append(Conditions((), facts, ()))
    if not parts:
        raise Unreadable("a condition says nothing")
    if negated and any(part.validities for part in parts):
        raise NotHeld("times that are turned round (negate)")
    if negated and "conditionSet" in found:
        raise NotHeld("a set of conditions that is turned round (negate)")
    return _all(parts)


def _set(found: Object, rates: list[Object]) -> Conditions:
    operator = word_of(found, "operator", _OPERATORS)
    if operator is None:
        raise Unreadable("conditionSet has no operator")
    if "rateTable" in found:
        rates.append(object_of(found, "rateTable"))
    parts = [_condition(one, rates) for one in objects(found, "conditions")]
    if not parts:
        raise Unreadable("conditionSet has no conditions")
    if len(parts) == 1 or operator == "and":
        return _all(parts)
    return _any(parts, operator)


def _all(parts: Sequence[Conditions]) -> Conditions:
    timed = [part for part in parts if part.validities]
    if len(timed) > 1:
        raise NotHeld("times that must hold together with other times")
    validities = timed[0].validities if timed else ()
    return Conditions(validities, tuple(fact for part in parts for fact in part.facts), ())


def _any(parts: Sequence[Conditions], operator: str) -> Conditions:
    if not any(part.validities for part in parts):
        return Conditions((), tuple(_loose(fact) for part in parts for fact in part.facts), ())
    if operator == "xOr" or not all(part.validities for part in parts):
        raise NotHeld("times for some and not for others (nested sets of conditions)")
    facts = parts[0].facts
    if any(part.facts != facts for part in parts):
        raise NotHeld("other times for other people or vehicles (nested sets of conditions)")
    return Conditions(tuple(validity for part in parts for validity in part.validities), facts, ())


def _loose(fact: Fact) -> Fact:
    return Fact(fact.about, fact.says, fact.negated, alone=False)


def tariff(rates: Sequence[Object]) -> Iterator[str]:
    """Tables of rates in words, a line for each of their lines. Raises Unreadable."""
    for table in rates:
        kind = table.get("type")
        for collection in objects(table, "rateLineCollection"):
            currency = collection.get("applicableCurrency")
            for line in objects(collection, "rateLine"):
                value = line.get("value")
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise Unreadable("a rateLine has no value")
                between = "-".join(str(line[name]) for name in ("durationStart", "durationEnd") if name in line)
                words = (kind, line.get("type"), f"{currency} {value:.2f}", between)
                yield " ".join(str(word) for word in words if word)
