"""Which boroughs there are, as people write it: TOML in, places out (docs/reference/boroughs-file.md). Pure.

No secret stands in such a file: it names where a worker finds a borough's settings. It is taken whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devices.registry import Problem, RegistryError
from devices.text import flaw, visible
from devices.toml import TomlError, parse

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z", re.ASCII)
_RESOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z", re.ASCII)
_KEYS = ("name", "settings", "resource")
#: Longest name of a settings file.
_PATH = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker finds one borough, never what is found there."""

    name: str
    #: A file of ``BOROUGH_…`` lines on the worker's machine: all settings of that borough, so that two share none.
    settings: str
    #: Only workers that were started with this resource take it; None: any.
    resource: str | None = None


def read_boroughs(text: str) -> list[Place]:
    """The boroughs of a file, in its order. Raises RegistryError with all its problems."""
    try:
        document = parse(text)
    except TomlError as error:
        raise RegistryError([Problem("", str(error))]) from None
    problems = [Problem(visible(key), "is not known; a file holds [[borough]]") for key in document if key != "borough"]
    tables = document.get("borough")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise RegistryError([*problems, Problem("", "has no [[borough]] with a name and settings")])
    places = [_place(table, f"borough {number}", problems) for number, table in enumerate(tables, 1)]
    for word in ("name", "settings"):
        _once(places, word, problems)
    if problems:
        raise RegistryError(problems)
    return places


def _place(table: dict[str, Any], where: str, problems: list[Problem]) -> Place:
    """One table; what is wrong with it goes to ``problems``, never with a value that may be a password."""

    def text(key: str, fits: Callable[[str], object], must: str) -> str | None:
        value = table.get(key)
        if value is None and key == "resource":
            return None
        if not isinstance(value, str) or not fits(value):
            problems.append(Problem(f"{where}: {key}", must))
            return None
        return value

    problems += [
        Problem(where, f"{visible(key)} is not known; known are {', '.join(_KEYS)}")
        for key in table if key not in _KEYS
    ]  # fmt: skip
    name = text("name", _NAME.match, "must be up to 40 small letters, digits and hyphens, such as ashdown")
    settings = text("settings", _is_path, "must be the whole name of a file, such as /etc/borough/ashdown.env")
    resource = text("resource", _RESOURCE.match, "must be a word that workers are started with (--resources ashdown=1)")
    return Place(name or "", settings or "", resource)


def _is_path(value: str) -> bool:
    return value.startswith("/") and len(value) <= _PATH and flaw(value) is None


def _once(places: list[Place], word: str, problems: list[Problem]) -> None:
    """Two names for one installation, or one for two, would tell of one what is the other's."""
    seen: dict[str, int] = {}
    for number, place in enumerate(places, 1):
        value = getattr(place, word)
        if value and value in seen:
            problems.append(Problem(f"borough {number}", f"has the {word} of borough {seen[value]}"))
        seen.setdefault(value, number)
