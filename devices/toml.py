"""TOML from outside: one error for whatever is wrong with it, and bounds where the parser has none."""

from __future__ import annotations

import re
import tomllib
from typing import Any

#: Longest line [characters].
_LINE = 10_000
#: Deepest nesting of what was read.
_DEEPEST = 32
#: More parts of a dotted key: the parser's time grows with the square of their number and more.
_DOTTED = re.compile(rf"(?:[\w\"'-]+[ \t]*\.[ \t]*){{{_DEEPEST + 1}}}")
_WHOLE = 2**63


class TomlError(ValueError):
    """A text is no TOML, or beyond the bounds. The text says where and why."""


def parse(text: str) -> dict[str, Any]:
    """The document. Raises TomlError; whole numbers have 64 bits, as TOML says."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LINE:
            raise TomlError(f"line {number}: has more than {_LINE} characters")
        if _DOTTED.search(line):
            raise TomlError(f"line {number}: has a key of more than {_DEEPEST} parts")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlError(str(error)) from None
    except RecursionError:
        raise TomlError(f"is nested more than {_DEEPEST} deep") from None
    except ValueError as error:
        # a number of thousands of digits, which int() refuses
        raise TomlError(str(error).partition(";")[0]) from None
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, int) and not -_WHOLE <= item < _WHOLE:
                raise TomlError("holds a whole number of more than 64 bits")
        level = below
    if level:
        raise TomlError(f"is nested more than {_DEEPEST} deep")
    return document


def lines_of_tables(text: str, name: str) -> list[int]:
    """The lines, from 1 on, at which tables ``[[name]]`` begin, as they look: text within a string counts too."""
    heading = re.compile(rf"[ \t]*\[\[[ \t]*([\"']?){re.escape(name)}\1[ \t]*\]\]")
    return [number for number, line in enumerate(text.split("\n"), 1) if heading.match(line)]
