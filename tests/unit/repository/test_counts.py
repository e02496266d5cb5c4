"""A noun follows its number: there is no "1 homes" on a page, in a command's words or in a letter."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from devices.counts import counted

ROOT = Path(__file__).parents[3]
PACKAGES = ("analytics", "borough", "dashboard", "devices", "ingest", "simulators", "store")
#: Plurals of what is counted; perhaps another word stands before them.
_PLURAL = re.compile(
    r" (?:[a-z]+ )?(homes|tenancies|meters|devices|messages|readings|days|files|letters|pages|households|accounts"
    r"|comparisons|rejections|subscriptions|neighbours|numbers|minutes|hours|half-hours|periods|cells|headings|fields)\b"
)
#: What is never one: limits of ours, parts of a sum, and what the code before has made sure of.
_NEVER_ONE = {
    "half_hours / 2", "FINAL_AFTER.days", "PAGES", "DEVICES", "most", "round(self.minutes / 60)", "len(power)",
    "lengths.TARIFF", "sum(plan.planted.values())", "self.published", "len(item.days)", "name", "days", "what",
    "name[:40]", "tenancy", "count", "len(text)", "some",
}  # fmt: skip


def plurals(source: str) -> list[tuple[int, str, str]]:
    """Line, expression and noun of each number in an f-string whose noun is always a plural."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, text in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant):
                noun = _PLURAL.match(str(text.value))
                said = ast.unparse(value.value)
                if noun and said not in _NEVER_ONE:
                    found.append((value.lineno, said, noun[1]))
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_noun_is_a_plural_whatever_the_number(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {{{said}}} {noun}; say it with devices.counts.counted"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, said, noun in plurals(path.read_text())
    ]
    assert not found, "\n".join(found)


def test_no_noun_of_a_template_is_a_plural_whatever_the_number() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in (ROOT / "dashboard" / "templates").rglob("*.html")
        for text in re.findall(r"\|(?:words|length)[^}]*\}\} [a-z-]+s\b", path.read_text())
    ]
    assert not found, "\n".join(found)


def test_the_look_finds_what_it_looks_for() -> None:
    assert plurals('f"{homes:,} homes"') == [(1, "homes", "homes")]
    assert plurals('f"{count(n)} message numbers missing"') == [(1, "count(n)", "numbers")]
    assert plurals("f\"{counted(homes, 'home')}\"") == []


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 homes"), (1, "1 home"), (2, "2 homes"), (1_234, "1,234 homes"), (0.6, "1 home"), (1.4, "1 home")],
)
def test_a_count_with_its_noun(number: float, words: str) -> None:
    assert counted(number, "home") == words
    assert counted(1, "tenancy", "tenancies") == "1 tenancy"
