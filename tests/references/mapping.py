"""What a mapping's paths with any key, sums, additions and topics mean, said in the plainest way: no generated code."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

NOTHING = "nothing"
AMBIGUOUS = "ambiguous"
WRONG = "wrong"


def values_at(record: Any, path: list[str], besides: set[str]) -> dict[str, Any]:
    """What stands at a path, by the key that ``*`` stood for (empty text without one)."""
    found: dict[str, Any] = {}

    def walk(at: Any, left: list[str], key: str) -> None:
        if not left:
            found[key] = at
        elif isinstance(at, dict):
            if left[0] == "*":
                for name, inner in at.items():
                    # the last key of a path leads to a value, not to an object
                    if name not in besides and not (len(left) == 1 and isinstance(inner, dict)):
                        walk(inner, left[1:], name)
            elif left[0] in at:
                walk(at[left[0]], left[1:], key)

    walk(record, path, "")
    return found


def named(paths: list[list[str]], attribute: str | None) -> list[list[str]]:
    """The paths of a device whose attribute names keys, those of the first name first."""
    stars = [path.index("*") for path in paths if "*" in path]
    if attribute is None or not stars:
        return paths
    result = []
    for name in (part.strip() for part in attribute.split(",")):
        for path in paths:
            if "*" in path:
                result.append([name if key == "*" else key for key in path])
            elif any(path[star : star + 1] == [name] for star in stars):
                result.append(path)
    return result


def value(record: Any, paths: list[list[str]], besides: set[str], attribute: str | None) -> Any:
    """The first value that is there and not null; AMBIGUOUS where several keys have it, be it under several names;
    NOTHING."""
    wanted = named(paths, attribute)
    keys = {
        key
        for path in wanted
        if "*" in path
        for key, one in values_at(record, path, besides).items()
        if one is not None
    }
    for path in wanted:
        there = {key: one for key, one in values_at(record, path, besides).items() if one is not None}
        if there and "*" in path and len(keys) > 1:
            return AMBIGUOUS
        for one in there.values():
            return one
    return NOTHING


def total(parts: list[tuple[Any, int]]) -> Any:
    """The sum of numbers and of lists of numbers, each with its sign; nulls and what is not there count nothing; WRONG
    where anything is no number."""
    result = Fraction(0)
    for part, sign in parts:
        if part is NOTHING or part is None:
            continue
        for number in part if isinstance(part, list) and part else [part]:
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                return WRONG
            result += sign * Fraction(number)
    return result
