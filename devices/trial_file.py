"""A trial's design as people write it: TOML in, a design out (docs/reference/trial-file.md). Pure.

A file is taken whole or not at all, so every problem in it is collected and told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from devices.homes import COMPARED
from devices.lengths import refusal
from devices.registry import Problem, RegistryError
from devices.text import visible
from devices.toml import TomlError, parse
from devices.trials import ARMS, Arm

#: The longest answer to a question of evaluators.
TEXT = 4_000
#: Homes of one arm in a block; with more, blocks hold too many homes to keep the arms alike.
MOST_SHARE = 20
MOST_MONTHS = 120
#: Dearest trial, and dearest arm for a home and year [pounds].
_DEAREST, _DEAREST_HOME = 10_000_000, 1_000

#: [percent] no trial finds less, and how many homes one would need has no number.
_TARGET = (0.01, 99)
_YEARS = (2000, 2100)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z", re.ASCII)
_KEYS = ("name", "fuel", "begins", "months", "target", "fixed_cost", "arms", "costs", "texts")


@dataclass(frozen=True, slots=True)
class TrialFile:
    """A design as a file says it. ``arms`` in the order of `ARMS`, the control first, with the homes of each in a
    block (``shares``) and what each costs (``costs``) [pence a home and year]; ``fixed_cost`` [pence]; ``target``
    [percent]; ``texts``: answers by key."""

    name: str
    fuel: str
    begins: date
    months: int
    target: float
    arms: tuple[Arm, ...]
    shares: tuple[int, ...]
    fixed_cost: int = 0
    costs: tuple[int, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


def read_trial(text: str, questions: Collection[str]) -> TrialFile:
    """Read a design; ``questions``: the keys that ``[texts]`` may have. Raises RegistryError with all its problems."""
    try:
        document = parse(text)
    except TomlError as error:
        raise RegistryError([Problem("", str(error))]) from None
    return design_of(document, questions)


def design_of(document: Mapping[str, Any], questions: Collection[str]) -> TrialFile:
    """A design of a document's tables. Raises RegistryError with all its problems."""
    problems = _Problems()
    for key in document:
        if key not in _KEYS:
            problems.add(visible(key), f"is not known; known are {', '.join(_KEYS)}")
    name = document.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        problems.add("name", "must be up to 40 small letters, digits and hyphens, such as winter-2026")
    fuel = document.get("fuel")
    if fuel not in COMPARED:
        problems.add("fuel", f"must be one of {', '.join(COMPARED)}")
    begins = document.get("begins")
    if (
        not isinstance(begins, date)
        or isinstance(begins, datetime)
        or begins.day != 1
        or not _YEARS[0] <= begins.year <= _YEARS[1]
    ):
        problems.add("begins", "must be the first day of a month from 2000 to 2100, such as 2026-12-01, without quotes")
    months = document.get("months", 12)
    if not _whole(months, 1, MOST_MONTHS):
        problems.add("months", f"must be a whole number from 1 to {MOST_MONTHS}")
    target = document.get("target")
    if not _number(target, *_TARGET):
        least, most = _TARGET
        must = f"must be the least saving that it shall find, in percent of use from {least} to {most}, such as 2.0"
        problems.add("target", must)
    fixed = document.get("fixed_cost", 0)
    if not _number(fixed, 0, _DEAREST):
        problems.add("fixed_cost", f"must be pounds, from 0 to {_DEAREST:,}")
    shares = _by_arm(document.get("arms"), "arms", problems, lambda value: _whole(value, 1, MOST_SHARE),
                     f"must be homes in a block, a whole number from 1 to {MOST_SHARE}")  # fmt: skip
    if shares is not None and (Arm.NOTHING not in shares or len(shares) < 2):
        problems.add("arms", f"must have {Arm.NOTHING}, the control, and at least one other arm")
    costs = _by_arm(document.get("costs", {}), "costs", problems, lambda value: _number(value, 0, _DEAREST_HOME),
                    f"must be pounds a home and year, from 0 to {_DEAREST_HOME:,}")  # fmt: skip
    if costs and shares:
        for arm in costs:
            if arm not in shares:
                problems.add("costs", f"{arm} is no arm of this trial")
    texts = _texts(document.get("texts", {}), questions, problems)
    if problems.found:
        raise RegistryError(problems.found)
    assert isinstance(name, str)
    assert isinstance(fuel, str)
    assert isinstance(begins, date)
    assert shares is not None
    assert costs is not None
    arms = tuple(arm for arm in ARMS if arm in shares)
    return TrialFile(
        name, fuel, begins, months, float(target or 0), arms, tuple(shares[arm] for arm in arms), round(100 * fixed),
        tuple(round(100 * costs.get(arm, 0)) for arm in arms), texts,
    )  # fmt: skip


class _Problems:
    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, where: str, text: str) -> None:
        self.found.append(Problem(where, text))


def _by_arm(table: Any, key: str, problems: _Problems, fits: Callable[[Any], bool], must: str) -> dict[Arm, Any] | None:
    if not isinstance(table, dict):
        problems.add(key, f"must be a table of arms: {', '.join(ARMS)}")
        return None
    found: dict[Arm, Any] = {}
    for word, value in table.items():
        if word not in tuple(ARMS):
            problems.add(f"{key}.{visible(word)}", f"is no arm; arms are {', '.join(ARMS)}")
        elif not fits(value):
            problems.add(f"{key}.{word}", must)
        else:
            found[Arm(word)] = value
    return found


def _texts(table: Any, questions: Collection[str], problems: _Problems) -> dict[str, str]:
    if not isinstance(table, dict):
        problems.add("texts", "must be a table of answers")
        return {}
    found: dict[str, str] = {}
    for key, answer in table.items():
        if key not in questions:
            problems.add(f"texts.{visible(key)}", f"is not known; known are {', '.join(questions)}")
        elif not isinstance(answer, str):
            problems.add(f"texts.{key}", "must be text")
        elif (wrong := refusal(answer, TEXT, lines=True)) is not None:
            problems.add(f"texts.{key}", wrong)
        elif answer.strip():
            found[key] = answer.strip()
    return found


def _whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
