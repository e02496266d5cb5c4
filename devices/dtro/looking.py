"""Looking into JSON from outside: a value by its name and type, or a sentence that says what stands there instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from devices.json_object import json_type

Object = Mapping[str, Any]
#: Far from both ends of the calendar, so that a day can be added.
_YEARS = (1900, 2199)


class Unreadable(ValueError):
    """What stands there breaks the schema of D-TRO; the text says where and why."""


class NotHeld(ValueError):
    """What stands there is right, and our words cannot hold it; the text says what it is."""


def objects(value: Object, name: str) -> Sequence[Object]:
    """A list of objects, empty where there is none. Raises Unreadable."""
    found = value.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(f"{name} is no list of objects")
    return found


def object_of(value: Object, name: str) -> Object:
    """An object that must be there. Raises Unreadable."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise Unreadable(f"has no {name}" if found is None else f"{name} is a JSON {json_type(found)}, no object")
    return found


def text_of(value: Object, name: str) -> str:
    """A text that must be there and say something. Raises Unreadable."""
    found = value.get(name)
    if not isinstance(found, str) or not found.strip():
        raise Unreadable(f"has no {name}" if found in (None, "") else f"{name} is no text")
    return found.strip()


def word_of(value: Object, name: str, words: Sequence[str]) -> str | None:
    """One of ``words``, None where there is none. Raises Unreadable."""
    found = value.get(name)
    if found is None or found in words:
        return found
    raise Unreadable(f"{name} is none of {', '.join(words)}")


def words_of(value: Object, name: str, words: Sequence[str]) -> list[str]:
    """A list of ``words``, empty where there is none. Raises Unreadable."""
    found = value.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) and one in words for one in found):
        raise Unreadable(f"{name} is no list of {', '.join(words)}")
    return found


def moment_of(value: Object, name: str) -> datetime | None:
    """A local time without a zone, None where there is none; an offset is not D-TRO's. Raises Unreadable."""
    found = value.get(name)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found) if isinstance(found, str) and len(found) >= 16 else None
    except ValueError:
        moment = None
    if moment is None:
        raise Unreadable(f"{name} is no local time such as 2026-04-01T08:00:00")
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise Unreadable(f"{name} is not in the years {_YEARS[0]} to {_YEARS[1]}")
    if moment.tzinfo is not None:
        raise Unreadable(f"{name} has an offset from UTC; times of a D-TRO are local, such as 2026-04-01T08:00:00")
    return moment
