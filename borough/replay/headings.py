"""The headings of a table as names of its columns, each one unmistakable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Repeated(NamedTuple):
    """A column whose heading others have too: the heading, and which of them it is, from 1."""

    heading: str
    number: int


@dataclass(frozen=True, slots=True)
class Headings:
    """``names`` of the columns, in their order. ``repeated``: those whose heading stands there more than once."""

    names: Sequence[str]
    repeated: Mapping[str, Repeated]


def headings_of(cells: Sequence[str]) -> Headings:
    """Names without blanks at their ends; an empty one is ``column 1`` by its place, a repeated one gets a number."""
    given = [cell.strip() or f"column {place}" for place, cell in enumerate(cells, 1)]
    often = Counter(given)
    taken = {name for name, times in often.items() if times == 1}
    count: Counter[str] = Counter()
    names: list[str] = []
    repeated: dict[str, Repeated] = {}
    for heading in given:
        if often[heading] == 1:
            names.append(heading)
            continue
        count[heading] += 1
        mark = ""
        while (name := f"{heading} {count[heading]}{mark}") in taken:
            mark += "'"
        taken.add(name)
        repeated[name] = Repeated(heading, count[heading])
        names.append(name)
    return Headings(names, repeated)
