"""The functions of ``$filter`` and ``$orderby`` as SQL, each checked for the number and the kinds of its arguments.

Positions in texts count characters from 0, as OData has it. A null among the arguments makes null. Instants are read in
UTC, or in the time zone of a second argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from zoneinfo import available_timezones

from devices.counts import counted
from store.queries import queries
from store.sta_query import QueryRefused
from store.sta_values import CALLED, Kind, Parameters, Value, any_null, as_kind, fill, refuse

#: White space by Unicode, which ``trim`` takes away.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

_MANY = 1_000_000_000

_SQL = queries("sta_functions")


class Arguments:
    """The arguments of one call, asked for by number and kind."""

    def __init__(self, option: str, at: int, name: str, values: Sequence[Value], parameters: Parameters) -> None:
        self.option, self.at, self.name, self.values, self.parameters = option, at, name, values, parameters

    def count(self, low: int, high: int | None = None) -> int:
        """How many there are. Raises QueryRefused where the function takes another number."""
        high = low if high is None else high
        if not low <= len(self.values) <= high:
            words = counted(low, "argument") if low == high else f"{low} to {counted(high, 'argument')}"
            raise self.refuse(f"{self.name} takes {words}, {len(self.values)} are given")
        return len(self.values)

    def get(self, number: int, kind: Kind) -> str:
        """SQL of one of them. Raises QueryRefused where it is of another kind."""
        value = self.values[number]
        found = as_kind(value, kind)
        if found is None:
            place = f"argument {number + 1} of {self.name} is {value.called}, {CALLED[kind]} is needed"
            raise refuse(self.option, value.at, place)
        return found.sql

    def whole(self, number: int) -> str:
        """SQL of a whole number that is no less than 0 and within PostgreSQL's counting."""
        value = self.values[number]
        if value.kind != "int":
            raise refuse(self.option, value.at, f"argument {number + 1} of {self.name} is a whole number, 0 or more")
        return f"least(greatest({value.sql}, 0), {_MANY})::int"

    def make(self, kind: Kind, sql: str, *, nullable: bool | None = None) -> Value:
        """What the call gives: null where an argument is."""
        open_ones = any(value.kind == "json" for value in self.values)
        known = any_null(self.values) or open_ones if nullable is None else nullable
        return Value(kind, f"({sql})", known, self.at)

    def refuse(self, words: str) -> QueryRefused:
        """A refusal at the call."""
        return refuse(self.option, self.at, words)


Function = Callable[[Arguments], Value]


# --------------------------------------------------------------------------------------------------------- texts


def _contains(a: Arguments) -> Value:
    a.count(2)
    return a.make("bool", f"strpos({a.get(0, 'text')}, {a.get(1, 'text')}) > 0")


def _substring_of(a: Arguments) -> Value:
    a.count(2)
    return a.make("bool", f"strpos({a.get(1, 'text')}, {a.get(0, 'text')}) > 0")


def _starts_with(a: Arguments) -> Value:
    a.count(2)
    return a.make("bool", f"starts_with({a.get(0, 'text')}, {a.get(1, 'text')})")


def _ends_with(a: Arguments) -> Value:
    a.count(2)
    return a.make("bool", f"starts_with(reverse({a.get(0, 'text')}), reverse({a.get(1, 'text')}))")


def _length(a: Arguments) -> Value:
    a.count(1)
    return a.make("int", f"char_length({a.get(0, 'text')})::int8")


def _index_of(a: Arguments) -> Value:
    a.count(2)
    return a.make("int", f"strpos({a.get(0, 'text')}, {a.get(1, 'text')})::int8 - 1")


def _substring(a: Arguments) -> Value:
    if a.count(2, 3) == 2:
        return a.make("text", f"substr({a.get(0, 'text')}, {a.whole(1)} + 1)")
    return a.make("text", f"substr({a.get(0, 'text')}, {a.whole(1)} + 1, {a.whole(2)})")


def _lower(a: Arguments) -> Value:
    a.count(1)
    return a.make("text", f'lower({a.get(0, "text")} collate pg_c_utf8) collate "C"')


def _upper(a: Arguments) -> Value:
    a.count(1)
    return a.make("text", f'upper({a.get(0, "text")} collate pg_c_utf8) collate "C"')


def _trim(a: Arguments) -> Value:
    a.count(1)
    return a.make("text", f"btrim({a.get(0, 'text')}, {a.parameters.add(SPACE, 'text')})")


def _concat(a: Arguments) -> Value:
    a.count(2)
    return a.make("text", f"{a.get(0, 'text')} || {a.get(1, 'text')}")


# ------------------------------------------------------------------------------------------------------ instants


def _local(a: Arguments) -> str:
    """The first argument as local time: in UTC, or in the zone of the second."""
    moment = a.get(0, "instant")
    return f"({moment} at time zone {_zone(a) if a.count(1, 2) == 2 else _UTC})"


_UTC = "interval '0'"
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII)


def _zone(a: Arguments) -> str:
    value = a.values[1]
    name = value.literal
    if not isinstance(name, str):
        raise refuse(a.option, value.at, "a time zone is given as a text, 'Europe/London' or '+01:00'")
    if name in {"UTC", "Z"}:
        return _UTC
    if (match := _OFFSET.fullmatch(name)) and int(match[2]) <= 14:
        minutes = (int(match[2]) * 60 + int(match[3] or 0)) * (-1 if match[1] == "-" else 1)
        return f"make_interval(mins => {a.parameters.add(minutes, 'int')})"
    # an abbreviation is two things to PostgreSQL within one session, an area with a city is one
    if "/" in name and name in available_timezones():
        return a.parameters.add(name, "text")
    raise refuse(
        a.option,
        value.at,
        f"{name[:40]!r} is no time zone here; there are 'UTC', offsets as '+01:00' and names as 'Europe/London'",
    )


def _part(part: str) -> Function:
    def found(a: Arguments) -> Value:
        a.count(1, 2)
        return a.make("int", f"floor(extract({part} from {_local(a)}))::int8")

    return found


def _fraction(a: Arguments) -> Value:
    a.count(1, 2)
    return a.make("number", f"(extract(microseconds from {_local(a)})::int8 %% 1000000) / 1000000::float8")


def _date(a: Arguments) -> Value:
    a.count(1, 2)
    return a.make("date", f"{_local(a)}::date")


def _time(a: Arguments) -> Value:
    a.count(1, 2)
    return a.make("time", f"{_local(a)}::time")


def _offset(a: Arguments) -> Value:
    a.count(1, 2)
    difference = f"{_local(a)} - ({a.get(0, 'instant')} at time zone {_UTC})"
    return a.make("int", f"(extract(epoch from {difference}) / 60)::int8")


def _constant(kind: Kind, sql: str) -> Function:
    def found(a: Arguments) -> Value:
        a.count(0)
        return a.make(kind, sql)

    return found


_MADE = object()


def _interval(a: Arguments) -> Value:
    a.count(2)
    if any(value.literal is _MADE for value in a.values):
        raise a.refuse("interval takes instants, and no interval of interval")
    start = a.get(0, "instant")
    end = moved(start, "+", a.values[1].sql) if a.values[1].kind == "duration" else a.get(1, "instant")
    # an end before its begin is no period: null
    begin, end = (f"(case when {end} > {start} then {side} end)" for side in (start, end))
    return Value("interval", begin, True, a.at, end=end, literal=_MADE)


def moved(moment: str, sign: str, duration: str) -> str:
    """SQL of an instant moved by a duration [us]; hours and not days, which a session's time zone would stretch."""
    return f"({moment} {sign} (({duration})::text || ' microseconds')::interval)"


# ------------------------------------------------------------------------------------------------------- numbers


def _round(a: Arguments) -> Value:
    a.count(1)
    return a.make("number", fill(_SQL["round"], number=a.get(0, "number")))


def _by_name(name: str) -> Function:
    def found(a: Arguments) -> Value:
        a.count(1)
        return a.make("number", f"{name}({a.get(0, 'number')}::float8)")

    return found


# --------------------------------------------------------------------------------------------------------- types


def _cast(a: Arguments) -> Value:
    a.count(2)
    value, named = a.values[0], a.values[1].literal
    if not isinstance(named, str):
        raise a.refuse("cast takes a value and the name of a type, as in cast(properties/height, Edm.Double)")
    if named == "Edm.String":
        return a.make("text", _as_text(a, value))
    if named in {"Edm.Double", "Edm.Decimal", "Edm.Single"}:
        return a.make("number", _as_number(a, value), nullable=value.nullable or value.kind in {"text", "json"})
    if named == "Edm.Boolean" and (found := as_kind(value, "bool")):
        return a.make("bool", found.sql)
    words = f"cast to {named[:40]} is not served; there are Edm.String, Edm.Double, Edm.Decimal"
    raise QueryRefused(f"{a.option}, character {a.at + 1}: {words}, and Edm.Boolean of open properties", status=501)


def _as_text(a: Arguments, value: Value) -> str:
    if value.kind == "json":
        return f"case when jsonb_typeof({value.sql}) in ('string', 'number', 'boolean') then {value.sql} #>> '{{}}' end"
    if value.kind in {"int", "number", "bool", "any"}:
        return f"({value.sql})::text"
    return a.get(0, "text")


def _as_number(a: Arguments, value: Value) -> str:
    if (found := as_kind(value, "number")) and value.kind != "json":
        return f"({found.sql})::float8"
    text = _as_text(a, value)
    if value.kind not in {"text", "json"}:
        return a.get(0, "number")
    return fill(_SQL["number_of_text"], text=text)


#: The functions of 18-088 and 23-019 by name.
FUNCTIONS: dict[str, Function] = {
    "contains": _contains,
    "substringof": _substring_of,
    "startswith": _starts_with,
    "endswith": _ends_with,
    "length": _length,
    "indexof": _index_of,
    "substring": _substring,
    "tolower": _lower,
    "toupper": _upper,
    "trim": _trim,
    "concat": _concat,
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "hour": _part("hour"),
    "minute": _part("minute"),
    "second": _part("second"),
    "fractionalseconds": _fraction,
    "date": _date,
    "time": _time,
    "totaloffsetminutes": _offset,
    "now": _constant("instant", "now()"),
    "mindatetime": _constant("instant", "'0001-01-01T00:00:00Z'::timestamptz"),
    "maxdatetime": _constant("instant", "'9999-12-31T23:59:59.999999Z'::timestamptz"),
    "interval": _interval,
    "round": _round,
    "floor": _by_name("floor"),
    "ceiling": _by_name("ceil"),
    "cast": _cast,
}
