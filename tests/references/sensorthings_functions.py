"""The functions of a SensorThings query in plain Python, and what a value is where another kind is asked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.references.sensorthings_places import geo

Tree = tuple[Any, ...]
Valued = tuple[str, Any]

MICROSECOND = timedelta(microseconds=1)


def written(value: float) -> str:
    """A number as JSON has it here: 6 and not 6.0."""
    return repr(value).removesuffix(".0")


def as_kind(valued: Valued, kind: str) -> Valued:
    """What an open property, a result, a whole number or a period is where a value of this kind is asked."""
    known, value = valued
    if known == kind:
        return valued
    if known == "json":
        fits = {
            "text": isinstance(value, str),
            "number": isinstance(value, int | float) and not isinstance(value, bool),
            "bool": isinstance(value, bool),
        }[kind]
        return kind, (float(value) if kind == "number" else value) if fits else None
    if known == "interval" and kind == "instant":
        return kind, None if value is None else value[0]
    if known in {"int", "any"} and kind == "number":
        return kind, value
    if known == "any" and kind == "text":
        return kind, None if value is None else written(value)
    raise AssertionError(f"{known} is no {kind}")


_WHITE = {
    *map(chr, [*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])
}


def _trim(text: str) -> str:
    while text and text[0] in _WHITE:
        text = text[1:]
    while text and text[-1] in _WHITE:
        text = text[:-1]
    return text


def _by_letter(text: str, change: Callable[[str], str]) -> str:
    """Case letter by letter, as Unicode's simple mappings have it: one letter stays one."""
    return "".join(new if len(new := change(letter)) == 1 else letter for letter in text)


def _substring(text: str, begin: int, length: int | None = None) -> str:
    begin = max(begin, 0)
    return text[begin:] if length is None else text[begin : begin + max(length, 0)]


_OF_TEXTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "contains": ("bool", lambda whole, part: part in whole),
    "substringof": ("bool", lambda part, whole: part in whole),
    "startswith": ("bool", lambda whole, part: whole[: len(part)] == part),
    "endswith": ("bool", lambda whole, part: part == "" or whole[-len(part) :] == part),
    "length": ("int", len),
    "indexof": ("int", lambda whole, part: whole.find(part)),
    "tolower": ("text", lambda text: _by_letter(text, str.lower)),
    "toupper": ("text", lambda text: _by_letter(text, str.upper)),
    "trim": ("text", _trim),
    "concat": ("text", lambda one, other: one + other),
}


def _zone(name: str | None) -> Any:
    if name is None or name == "UTC":
        return UTC
    if match := re.fullmatch(r"([+-])(\d\d):(\d\d)", name):
        minutes = int(match[2]) * 60 + int(match[3])
        return datetime.strptime(f"{match[1]}{minutes // 60:02}{minutes % 60:02}", "%z").tzinfo
    return ZoneInfo(name)


_OF_INSTANTS: dict[str, tuple[str, Callable[[datetime], Any]]] = {
    "year": ("int", lambda t: t.year),
    "month": ("int", lambda t: t.month),
    "day": ("int", lambda t: t.day),
    "hour": ("int", lambda t: t.hour),
    "minute": ("int", lambda t: t.minute),
    "second": ("int", lambda t: t.second),
    "fractionalseconds": ("number", lambda t: t.microsecond / 1_000_000),
    "date": ("date", lambda t: t.date()),
    "time": ("time", lambda t: clock(t.hour, t.minute, t.second, t.microsecond)),
    "totaloffsetminutes": ("int", lambda t: (t.utcoffset() or timedelta()) // timedelta(minutes=1)),
}


def _round(value: float) -> float:
    whole = math.trunc(value)
    return float(whole) if abs(Fraction(value) - whole) < Fraction(1, 2) else float(whole + (1 if value > 0 else -1))


def call(name: str, values: list[Valued], nodes: Sequence[Tree]) -> Valued:
    if name in _OF_TEXTS:
        kind, function = _OF_TEXTS[name]
        texts = [as_kind(value, "text")[1] for value in values]
        return kind, None if None in texts else function(*texts)
    if name == "substring":
        given = [as_kind(values[0], "text")[1], *(value for _, value in values[1:])]
        return "text", None if None in given else _substring(*given)
    if name in _OF_INSTANTS:
        kind, of_instant = _OF_INSTANTS[name]
        moment = as_kind(values[0], "instant")[1]
        zone = _zone(values[1][1] if len(values) > 1 else None)
        return kind, None if moment is None else of_instant(moment.astimezone(zone))
    if name in {"round", "floor", "ceiling"}:
        number = as_kind(values[0], "number")[1]
        known: dict[str, Callable[[float], float]] = {"round": _round, "floor": math.floor, "ceiling": math.ceil}
        return "number", None if number is None else float(known[name](number))
    if name == "mindatetime":
        return "instant", datetime(1, 1, 1, tzinfo=UTC)
    if name == "maxdatetime":
        return "instant", datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
    if name == "interval":
        start, end = as_kind(values[0], "instant")[1], values[1][1]
        if values[1][0] == "duration" and start is not None and end is not None:
            end = start + end * MICROSECOND
        elif values[1][0] != "duration":
            end = as_kind(values[1], "instant")[1]
        return "interval", None if start is None or end is None or end <= start else (start, end)
    if name == "cast":
        return _cast(values[0], values[1][1])
    return geo(name, values, nodes)


def _cast(valued: Valued, to: str) -> Valued:
    kind, value = valued
    if to == "Edm.Boolean":
        return as_kind(valued, "bool")
    if to == "Edm.String":
        if isinstance(value, bool):
            return "text", str(value).lower()
        if isinstance(value, int | float):
            return "text", written(value)
        return "text", value if isinstance(value, str) else None
    if kind in {"text", "json"} and isinstance(value, str):
        fits = re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", value)
        return "number", float(value) if fits else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "number", None
    return "number", float(value)
