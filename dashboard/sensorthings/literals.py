"""Literals of a query: the texts of instants, durations, numbers and places as values of the tree."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time

from dashboard.sensorthings.lexer import Token
from store import sta_query as tree
from store.sta_query import QueryRefused

#: Longer lengths of time are refused [us]: the calendar of the database ends.
LONGEST_DURATION = 100_000 * 86_400_000_000
#: Places of one geometry.
MOST_PLACES = 1_000

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?([Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?", re.ASCII)
_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,12}))?S)?)?", re.ASCII
)
_WKT = re.compile(r"\s*(?:SRID=(\d+);)?\s*([A-Z]+)\s*(\(.*\))\s*", re.IGNORECASE | re.DOTALL | re.ASCII)
_PLACE = re.compile(r"\s*(-?\d{1,3}(?:\.\d{1,20})?)\s+(-?\d{1,3}(?:\.\d{1,20})?)\s*", re.ASCII)


def number(token: Token, sign: str, place: str) -> tree.Int | tree.Float:
    """A number; whole ones within 64 bits are Int, all others Float. Raises QueryRefused beyond 1.7e308."""
    text = sign + token.text
    if re.fullmatch(r"-?\d{1,19}", text, re.ASCII) and -(2**63) <= int(text) < 2**63:
        return tree.Int(token.at, int(text))
    value = float(text)
    if not math.isfinite(value):
        raise QueryRefused(f"{place}: {_short(text)} is beyond what a number can hold")
    return tree.Float(token.at, value)


def text(token: Token) -> tree.Text:
    """A text in single quotes, in which a quote is written twice."""
    return tree.Text(token.at, token.text[1:-1].replace("''", "'"))


def instant(token: Token, place: str) -> datetime:
    """An instant in UTC; digits finer than a microsecond are cut. Raises QueryRefused for one that is none."""
    match = _INSTANT.fullmatch(token.text)
    if match is None:
        raise QueryRefused(f"{place}: {_short(token.text)} is no instant; one is written 2026-03-01T00:00:00Z")
    *parts, second, fraction, zone = match.groups()
    if zone is None:
        raise QueryRefused(
            f"{place}: {token.text} has no time zone; write Z for UTC, or an offset, whose + is %2B in an address"
        )
    offset = zone.replace(":", "").upper().replace("Z", "+0000").ljust(5, "0")
    try:
        local = datetime.strptime(offset, "%z").tzinfo
        year, month, day, hour, minute = map(int, parts)
        return datetime(
            year, month, day, hour, minute, int(second or 0), _microseconds(fraction), tzinfo=local
        ).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise QueryRefused(f"{place}: {token.text} is no instant ({error})") from None


def day(token: Token, place: str) -> tree.Date:
    """A day. Raises QueryRefused for one that the calendar has not."""
    try:
        return tree.Date(token.at, date.fromisoformat(token.text))
    except ValueError as error:
        raise QueryRefused(f"{place}: {token.text} is no day ({error})") from None


def clock(token: Token, place: str) -> tree.Time:
    """A time of day. Raises QueryRefused for one that a day has not."""
    match = _TIME.fullmatch(token.text)
    try:
        if match is None:
            raise ValueError("ASCII digits are needed")
        hour, minute, second, fraction = match.groups()
        return tree.Time(token.at, time(int(hour), int(minute), int(second or 0), _microseconds(fraction)))
    except ValueError as error:
        raise QueryRefused(f"{place}: {token.text} is no time of day ({error})") from None


def prefixed(token: Token, place: str) -> tree.Duration | tree.Geometry:
    """``duration'…'``, ``geometry'…'`` and ``geography'…'``. Raises QueryRefused for others and for bad ones."""
    prefix, body = token.text.split("'", 1)
    body = body[:-1].replace("''", "'")
    if prefix.lower() == "duration":
        return tree.Duration(token.at, _duration(body, place))
    if prefix.lower() in {"geometry", "geography"}:
        return _geometry(token.at, body, prefix.lower() == "geography", place)
    raise QueryRefused(f"{place}: {prefix}'…' is not known; there are duration'…', geometry'…' and geography'…'")


def _microseconds(fraction: str | None) -> int:
    return int((fraction or "").ljust(6, "0")[:6])


def _duration(body: str, place: str) -> int:
    match = _DURATION.fullmatch(body)
    if match is None or not re.search(r"\d", body):
        raise QueryRefused(
            f"{place}: duration'{_short(body)}' is not read: write days, hours, minutes, seconds, duration'P1DT2H30M'"
        )
    sign, days, hours, minutes, seconds, fraction = match.groups()
    whole = int(days or 0) * 86_400 + int(hours or 0) * 3_600 + int(minutes or 0) * 60 + int(seconds or 0)
    value = whole * 1_000_000 + _microseconds(fraction)
    if value > LONGEST_DURATION:
        raise QueryRefused(f"{place}: durations of up to 100,000 days are served")
    return -value if sign == "-" else value


def _geometry(at: int, body: str, geography: bool, place: str) -> tree.Geometry:
    match = _WKT.fullmatch(body)
    kind = "" if match is None else match[2].upper()
    if match is None or kind not in {"POINT", "LINESTRING", "POLYGON"}:
        raise QueryRefused(
            f"{place}: a place is written as POINT, LINESTRING or POLYGON in WKT, such as "
            f"geometry'POINT (-0.12 51.5)', longitude first",
            status=501 if kind.startswith("MULTI") else 400,
        )
    if match[1] not in {None, "4326"}:
        raise QueryRefused(f"{place}: coordinates are WGS 84 (SRID 4326), longitude first; others are not served")
    inner = match[3].strip()[1:-1]
    if kind == "POLYGON":
        parts = re.findall(r"\(([^()]*)\)", inner)
        if re.sub(r"\([^()]*\)", "", inner).replace(",", "").strip() or len(parts) != inner.count("("):
            parts = []
        # rings are apart by one comma each
        if len(re.findall(r"\)\s*,\s*\(", inner)) != len(parts) - 1:
            parts = []
    else:
        parts = [inner]
    rings = tuple(_places(part, place) for part in parts)
    if sum(map(len, rings)) > MOST_PLACES:
        raise QueryRefused(f"{place}: geometries of up to {MOST_PLACES:,} places are served")
    _check_shape(kind, rings, place)
    return tree.Geometry(at, kind, rings, geography)  # type: ignore[arg-type]  # one of the three


def _places(part: str, place: str) -> tuple[tuple[str, str], ...]:
    found = []
    for item in part.split(","):
        match = _PLACE.fullmatch(item)
        if match is None or abs(float(match[1])) > 180 or abs(float(match[2])) > 90:
            raise QueryRefused(f"{place}: {_short(item.strip())!r} is no place: write longitude and latitude")
        found.append((match[1], match[2]))
    return tuple(found)


def _check_shape(kind: str, rings: tuple[tuple[tuple[str, str], ...], ...], place: str) -> None:
    if not rings:
        raise QueryRefused(f"{place}: a polygon is written POLYGON ((0 0, 1 0, 1 1, 0 0)), each ring in brackets")
    if kind == "POINT" and len(rings[0]) != 1:
        raise QueryRefused(f"{place}: a point has one place")
    numbers = [[(float(x), float(y)) for x, y in ring] for ring in rings]
    if kind == "LINESTRING" and len(set(numbers[0])) < 2:
        raise QueryRefused(f"{place}: a line has two or more places")
    if kind == "POLYGON" and any(len(ring) < 4 or ring[0] != ring[-1] for ring in numbers):
        raise QueryRefused(f"{place}: a ring has four or more places and ends where it began")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
