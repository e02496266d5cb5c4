"""The table of SensorThings' requirements and the tests that show them say the same."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_TABLE = _ROOT / "docs/reference/sensorthings-conformance.md"
_ROW = re.compile(r"^\| `([^`]+)` \| (yes|in part|no) \|(.*)\|$", re.MULTILINE)
#: How many requirements the standards have, batches, MQTT and what is not served included.
_ALL = {"1.1": 48, "2.0": 48}


def table(version: str) -> dict[str, tuple[str, str]]:
    """By requirement whether it is served, and what is said of it."""
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", _TABLE.read_text(), re.MULTILINE | re.DOTALL))
    rows = _ROW.findall(sections[version])
    assert len(rows) == sections[version].count("\n| `"), "a row cannot be read"
    assert not [name for name, count in Counter(row[0] for row in rows).items() if count > 1]
    return {name: (served, said.strip()) for name, served, said in rows}


def shown(version: str) -> set[str]:
    """The requirements of a version that integration tests name."""
    found: set[str] = set()
    for path in (_ROOT / "tests/integration").glob("test_*.py"):
        if "requirement" not in (text := path.read_text()):
            continue
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "requirement":
                given = [ast.literal_eval(argument) for argument in call.args]
                if given[0] == version:
                    found.update(given[1:])
    return found


@pytest.mark.parametrize("version", _ALL)
def test_each_requirement_is_there(version: str) -> None:
    assert len(table(version)) == _ALL[version]


@pytest.mark.parametrize("version", _ALL)
def test_what_is_served_is_shown_by_a_test(version: str) -> None:
    """And a test shows nothing that the table does not say."""
    rows = table(version)
    assert shown(version) == {name for name, (served, _) in rows.items() if served != "no"}


@pytest.mark.parametrize("version", _ALL)
def test_what_is_not_served_has_its_reason(version: str) -> None:
    assert not [name for name, (served, said) in table(version).items() if served != "yes" and not said]
