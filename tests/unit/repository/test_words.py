"""`docs/reference/words.md`: each word that it defines is one of the program, and is defined once."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/words.md").read_text()
PACKAGES = ("analytics", "borough", "dashboard", "devices", "ingest", "simulators", "store")
WORDS = [
    tuple(row.split(" | ")[0].removeprefix("| ").split(", "))
    for row in PAGE.splitlines()
    if row.startswith("| ") and row != "| word | means |"
]


@cache
def program() -> str:
    """All of it, in small letters, one blank between words however a name or a line joins them."""
    files = (path for name in PACKAGES for end in ("py", "sql", "html") for path in (ROOT / name).rglob(f"*.{end}"))
    return re.sub(r"[\W_]+", " ", " ".join(path.read_text() for path in files).lower())


@pytest.mark.parametrize("forms", WORDS, ids=", ".join)
def test_a_word_that_is_defined_is_used(forms: tuple[str, ...]) -> None:
    """One of its forms at least: a word may have an old and a new one."""
    assert any(re.search(rf"\b{re.escape(form.replace('-', ' '))}s?\b", program()) for form in forms)


def test_each_word_is_defined_once() -> None:
    every = [form for forms in WORDS for form in forms]
    assert len(every) > 40
    assert len(every) == len(set(every))
