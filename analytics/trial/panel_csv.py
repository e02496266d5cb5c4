"""A panel as a CSV file for programs, so that an analysis can be made again elsewhere, and read back to the digit.

One row a home. Headings carry the words that numbers stand for, in their order, so that nothing else is needed:

    home | arm (nothing / zone) | stratum | block | prior year | filled year | … | tenure (owned / social) |
    use 2026-10 | days 2026-10 | …

Cells of an arm or label hold its word, of a label that is not known nothing, of a use that is not known nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import date
from math import isfinite, isnan
from typing import Final, TypeVar

import numpy as np

from analytics.trial.panel import PRIOR, UNKNOWN, Float64, Int64, Panel
from devices.counts import counted
from devices.csv_table import csv_text
from devices.trials import Arm

_FIRST: Final = 1970
_BETWEEN: Final = " / "
_COLUMNS: Final = ("home", "arm", "stratum", "block")
#: Columns before the labels.
_FIXED: Final = len(_COLUMNS) + 2 * len(PRIOR)

_Value = TypeVar("_Value")


def write(panel: Panel) -> str:
    """The panel as text, lines ended by CR LF. Raises ValueError on a word that headings cannot carry."""
    labels = list(panel.labels)
    words = {name: [str(word) for word in panel.names[name]] for name in labels}
    months = [_month_text(int(month)) for month in panel.month]
    head = ["home", _heading("arm", panel.arms), "stratum", "block"]
    head += [f"{kind} {name}" for name in PRIOR for kind in ("prior", "filled")]
    head += [_heading(name, words[name]) for name in labels]
    head += [f"{kind} {month}" for month in months for kind in ("use", "days")]
    columns: list[Sequence[object]] = [
        panel.home.tolist(), [str(panel.arms[arm]) for arm in panel.arm], panel.stratum.tolist(), panel.block.tolist(),
    ]  # fmt: skip
    for column in range(len(PRIOR)):
        columns += [panel.prior[:, column].tolist(), panel.filled[:, column].astype(int).tolist()]
    for name in labels:
        columns.append(["" if number == UNKNOWN else words[name][number] for number in panel.labels[name]])
    for column in range(panel.months):
        use = panel.use[:, column].tolist()
        columns += [["" if isnan(value) else value for value in use], panel.days[:, column].tolist()]
    return csv_text(head, zip(*columns, strict=True), machine=True)


def read(text: str) -> Panel:
    """The panel of such a file. Raises ValueError that says the line and what is wrong there."""
    rows = list(csv.reader(text.splitlines()))
    head = rows[0] if rows else []
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(head):
            raise ValueError(f"line {line}: {counted(len(row), 'cell')} where the headings have {len(head)}")
    columns = _Columns(head, [list(column) for column in zip(*rows[1:], strict=True)] or [[] for _ in head])
    arms, labels, months = _headings(head)
    prior = [columns.numbers(place) for place in range(_FIXED - 2 * len(PRIOR), _FIXED)]
    first_use = _FIXED + len(labels)
    uses = [columns.numbers(place, gaps=True) for place in range(first_use, len(head), 2)]
    days = [columns.numbers(place) for place in range(first_use + 1, len(head), 2)]
    homes = len(rows) - 1
    return Panel(
        arms=tuple(Arm(word) for word in arms),
        home=columns.whole(0),
        arm=columns.words(1, arms).astype(np.int8),
        stratum=columns.whole(2).astype(np.int32),
        block=columns.whole(3).astype(np.int32),
        month=np.array(months, np.int32),
        use=np.array(uses).reshape(len(months), homes).T,
        days=np.array(days).reshape(len(months), homes).T,
        prior=np.array(prior[::2]).T,
        filled=np.array(prior[1::2]).T != 0,
        labels={
            name: columns.words(_FIXED + number, words, gaps=True).astype(np.int16)
            for number, (name, words) in enumerate(labels)
        },
        names={name: list(words) for name, words in labels},
    )


class _Columns:
    """Cells by column; what cannot be read is told with its line and heading."""

    def __init__(self, head: list[str], cells: list[list[str]]) -> None:
        self._head = head
        self._cells = cells

    def numbers(self, place: int, *, gaps: bool = False) -> Float64:
        """Numbers; with ``gaps`` an empty cell is NaN."""

        def read_cell(cell: str) -> float:
            if not cell and gaps:
                return float("nan")
            number = float(cell)
            if not isfinite(number):
                raise ValueError(cell)
            return number

        return np.array(self._each(place, read_cell, "a number"), np.float64)

    def whole(self, place: int) -> Int64:
        return np.array(self._each(place, int, "a whole number"), np.int64)

    def words(self, place: int, words: Sequence[str], *, gaps: bool = False) -> Int64:
        """Places in ``words``; with ``gaps`` an empty cell is `UNKNOWN`."""
        places = {word: number for number, word in enumerate(words)} | ({"": UNKNOWN} if gaps else {})
        return np.array(self._each(place, places.__getitem__, f"one of {', '.join(words)}"), np.int64)

    def _each(self, place: int, of: Callable[[str], _Value], what: str) -> list[_Value]:
        found = []
        for line, cell in enumerate(self._cells[place], start=2):
            try:
                found.append(of(cell))
            except (ValueError, KeyError):
                raise ValueError(f"line {line}, {self._head[place]}: {cell[:40]!r} is not {what}") from None
        return found


def _headings(head: list[str]) -> tuple[tuple[str, ...], list[tuple[str, tuple[str, ...]]], list[int]]:
    """Words of the arms, labels with their words, and months. Raises ValueError where these are not the headings."""
    begins = [*_COLUMNS, *(f"{kind} {name}" for name in PRIOR for kind in ("prior", "filled"))]
    split = [_split(name) for name in head]
    if [name for name, _ in split[:_FIXED]] != begins:
        raise ValueError(f"line 1: these are not the headings of a panel, which begin with {', '.join(begins)}")
    if unknown := [word for word in split[1][1] if word not in set(Arm)]:
        raise ValueError(f"line 1: {unknown[0]!r} is no arm; arms are {', '.join(Arm)}")
    uses = next((place for place in range(_FIXED, len(head)) if head[place].startswith("use ")), len(head))
    labels = split[_FIXED:uses]
    if len(dict(labels)) < len(labels):
        raise ValueError("line 1: a label stands there twice")
    months = [_month(name.removeprefix("use ")) for name in head[uses::2]]
    if head[uses:] != [f"{kind} {_month_text(month)}" for month in months for kind in ("use", "days")]:
        raise ValueError("line 1: each month has two headings, use and days, like: use 2026-10, days 2026-10")
    return split[1][1], labels, months


def _heading(name: str, words: Sequence[str]) -> str:
    """``name (word / word)``. Raises ValueError on a name or word that could not be read back."""
    if any(sign in name for sign in "()\r\n") or name.startswith("use "):
        raise ValueError(f"a label's name {name!r} cannot stand in a heading: it has a bracket or begins with use")
    for word in words:
        if not word or _BETWEEN.strip() in word or "\n" in word or "\r" in word:
            raise ValueError(
                f"the word {word!r} of {name} cannot stand in a heading: it is empty or has a {_BETWEEN.strip()}"
            )
    if len(set(words)) < len(words):
        raise ValueError(f"two words of {name} are the same")
    return f"{name} ({_BETWEEN.join(words)})"


def _split(heading: str) -> tuple[str, tuple[str, ...]]:
    name, found, words = heading.partition(" (")
    if not found:
        return heading, ()
    return name, tuple(words.removesuffix(")").split(_BETWEEN)) if words != ")" else ()


def _month_text(month: int) -> str:
    return f"{_FIRST + month // 12}-{month % 12 + 1:02}"


def _month(text: str) -> int:
    try:
        day = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise ValueError(f"line 1: {text[:40]!r} is not a month like 2026-10") from None
    return (day.year - _FIRST) * 12 + day.month - 1
