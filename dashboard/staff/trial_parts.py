"""Parts of a trial's report: sections with facts, pictures and tables, all of them words already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the row; ``words_in``: so many columns after it are words, not numbers."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words_in: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing under its finding. Its numbers stand in a table of the same section."""

    headline: str
    drawing: Markup
    key: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One point of the fixed list; ``key`` is its anchor."""

    key: str
    title: str
    paragraphs: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = field(default_factory=tuple)
    notes: Sequence[str] = ()
