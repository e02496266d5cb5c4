"""The values of a random SensorThings query as a client writes them, and what holds them together."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.references.sensorthings_functions import Tree
from tests.worlds.sensorthings_query import BEGIN, TEXTS, VALUES

#: How close each operator binds (OData 4.01, 5.1.1.17).
LEVELS = {
    "or": 1, "and": 2, "not": 3, "eq": 4, "ne": 4, "gt": 5, "ge": 5, "lt": 5, "le": 5, "add": 6, "sub": 6, "mul": 7,
    "div": 7, "mod": 7, "neg": 8, "in": 9,
}  # fmt: skip
ZONES = ["UTC", "+01:00", "-09:30", "Europe/London", "America/Santiago"]
SHAPES = [
    ("POINT", [[("-0.12", "51.5")]]), ("POINT", [[("0", "0.0")]]), ("POINT", [[("0.1", "0.3")]]),
    ("LINESTRING", [[("0", "0"), ("2", "2")]]), ("LINESTRING", [[("0", "0"), ("1", "3.0"), ("1", "1")]]),
    ("LINESTRING", [[("0", "0"), ("1", "0"), ("1", "1"), ("0", "0")]]),
    ("POLYGON", [[("0", "0"), ("2", "0"), ("2", "2"), ("0", "2"), ("0", "0")]]),
    ("POLYGON", [[("-1", "-1"), ("-1", "2"), ("2", "2"), ("2", "-1"), ("-1", "-1")],
                 [("0", "0"), ("1", "0"), ("1", "1"), ("0", "1"), ("0", "0")]]),
    ("POLYGON", [[("-0.5", "51"), ("0.25", "51"), ("0", "52"), ("-0.5", "51")]]),
    ("POLYGON", [[("0", "0"), ("0.3", "0.9"), ("0.5", "0.2"), ("0", "0")]]),
]  # fmt: skip


@dataclass
class Written:
    """An expression: its text, how close its operator binds (10: nothing can tear it), its tree."""

    text: str
    level: int
    tree: Tree


@dataclass
class Option:
    """One collection's random options; ``expand`` by way."""

    filter: Written | None = None
    orderby: list[tuple[Written, bool]] = field(default_factory=list)
    top: int | None = None
    skip: int = 0
    expand: dict[str, Option] = field(default_factory=dict)

    def items(self) -> list[tuple[str, str]]:
        """The options as an address has them, decoded."""
        found = []
        if self.filter is not None:
            found.append(("$filter", self.filter.text))
        if self.orderby:
            found.append(("$orderby", ",".join(f"{one.text}{' desc' if down else ''}" for one, down in self.orderby)))
        if self.top is not None:
            found.append(("$top", str(self.top)))
        if self.skip:
            found.append(("$skip", str(self.skip)))
        if self.expand:
            found.append(("$expand", ",".join(f"{way}{option.inside()}" for way, option in self.expand.items())))
        return found

    def inside(self) -> str:
        """The options in brackets behind an expanded way."""
        items = [f"{name}={text}" for name, text in self.items()]
        return f"({';'.join(items)})" if items else ""


class Values:
    """Draws literals and writes expressions of their parts."""

    def __init__(self, seed: int, version: str) -> None:
        self.random = random.Random(seed)
        self.version = version

    def binary(self, operator: str, left: Written, right: Written) -> Written:
        """Two operands, in brackets where they must be and now and then where they need not."""
        level = LEVELS[operator]
        one = self.bracketed(left, level)
        other = self.bracketed(right, level + 1)
        space = self.random.choice([" ", " ", "  "])
        return Written(f"{one}{space}{operator} {other}", level, ("bin", operator, left.tree, right.tree))

    def bracketed(self, part: Written, level: int) -> str:
        """A part that stands beside an operator of a level."""
        if part.level < level or self.random.random() < 0.1:
            return f"({part.text})"
        return part.text

    def call(self, name: str, *parts: Written) -> Written:
        """A function."""
        comma = self.random.choice([",", ", "])
        return Written(
            f"{name}({comma.join(part.text for part in parts)})", 10, ("call", name, [part.tree for part in parts])
        )

    def shape(self, kind: str | None = None) -> Written:
        """A geometry as it is written."""
        name, rings = self.random.choice([item for item in SHAPES if kind is None or item[0] == kind])
        parts = [", ".join(f"{x} {y}" for x, y in ring) for ring in rings]
        body = ", ".join(f"({part})" for part in parts) if name == "POLYGON" else parts[0]
        word = self.random.choice(["geometry", "geography"] if self.version == "1.1" else ["geometry"])
        space = self.random.choice(["", " "])
        return Written(f"{word}'{name}{space}({body})'", 10, ("lit", "shape", (name, rings)))

    def zone(self) -> list[Written]:
        """A time zone, or none."""
        if self.random.random() < 0.5:
            return []
        name = self.random.choice(ZONES)
        return [Written(f"'{name}'", 10, ("lit", "text", name))]

    def literal(self, kind: str) -> Written:
        """A value as it is written."""
        pick = self.random.choice
        if kind == "text":
            text = pick(TEXTS)
            quoted = text.replace("'", "''")
            return Written(f"'{quoted}'", 10, ("lit", "text", text))
        if kind == "small":
            number = pick([0, 1, 2, 3, 5, 100, -1])
            return Written(str(number), 10, ("lit", "int", number))
        if kind == "int":
            number = pick([0, 1, -1, 2, 3, 7, 10, 60, 1000])
            return Written(str(number), 10, ("lit", "int", number))
        if kind in {"number", "any"}:
            value = pick(VALUES)
            # twenty decimals say a number no worse than seventeen digits, but for one that is near to a half
            long = f"{value:.20f}" if abs(value) < 100 and value != 0.49999999999999994 else repr(value)
            return Written(pick([repr(value), long]), 10, ("lit", "number", value))
        if kind == "bool":
            truth = pick([True, False])
            return Written(str(truth).lower(), 10, ("lit", "bool", truth))
        if kind == "date":
            day = (BEGIN + timedelta(days=pick([-1, 0, 1]))).date()
            return Written(day.isoformat(), 10, ("lit", "date", day))
        if kind == "time":
            moment = (BEGIN + timedelta(minutes=30 * self.random.randrange(48))).time()
            return Written(moment.isoformat(), 10, ("lit", "time", moment))
        if kind == "duration":
            known = {"PT30M": 1800.0, "P1D": 86400.0, "-PT1H": -3600.0, "P1DT2H3M4.5S": 93784.5, "PT0.000001S": 1e-6}
            text = pick([*known])
            return Written(f"duration'{text}'", 10, ("lit", "duration", round(known[text] * 1_000_000)))
        begin = BEGIN + timedelta(minutes=30 * self.random.randrange(0, 12))
        if kind == "interval":
            end = begin + timedelta(minutes=pick([30, 60, 180]))
            return Written(f"{self.written(begin)}/{self.written(end)}", 10, ("lit", "interval", (begin, end)))
        assert kind == "instant", kind
        return Written(self.written(begin), 10, ("lit", "instant", begin))

    def written(self, moment: Any) -> str:
        """An instant in one of its spellings."""
        text = moment.strftime("%Y-%m-%dT%H:%M:%S")
        return str(
            self.random.choice([f"{text}Z", f"{text}.000Z", f"{text}+00:00", moment.strftime("%Y-%m-%dT%H:%MZ")])
        )
