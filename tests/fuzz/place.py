"""Where an import is tried, and what is wrong with what the command answers."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.fuzz import hostile
from tests.fuzz.command import Answer
from tests.tools import load


class Place(NamedTuple):
    """Where an import is tried: a folder of its own and a database."""

    folder: Path
    database: str

    @property
    def settings(self) -> dict[str, str]:
        return {"BOROUGH_DATABASE_URL": self.database}

    def held(self) -> list[tuple[object, ...]]:
        """How much every table of the registry holds, and a digest of it."""
        tables = (
            "device", "home", "tenancy", "home_meter", "consent", "tariff", "bay", "bay_restriction", "bay_suspension",
        )  # fmt: skip
        parts = [f"select '{name}', count(*), md5(string_agg(t::text, '|' order by t::text)) from personal.{name} t"
                 for name in tables]  # fmt: skip
        return load.ask(self.database, " union all ".join(parts) + " order by 1")


Import = Callable[[random.Random, int, Place], list[str]]


def checked(answer: Answer, name: str, place: Place, before: list[tuple[object, ...]] | None = None) -> list[str]:
    """What is wrong with an answer; ``before``: what the database held, which a refusal leaves as it was."""
    if answer.fault:
        return [answer.fault]
    if answer.status == 2 and name not in answer.err:
        return [f"a refusal that does not name {name}: {answer.err[:200]!r}"]
    if answer.status and before is not None and place.held() != before:
        return [f"half imported: {answer.err[:200]!r}"]
    return []


def table_of_csv(rows: Sequence[Mapping[str, Any]], chance: random.Random) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(rows)
    data = out.getvalue().encode("utf-8", "surrogatepass")
    return hostile.spoiled(data, chance) if chance.random() < 0.1 else data
