"""The pages of faults and brokers say what the tests show: each test that they name exists, each answer is recorded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.tools.brokers import page
from tests.tools.brokers.rows import COLLECTOR, RAW

ROOT = Path(__file__).parents[3]
MATRIX = (ROOT / "docs/reference/fault-matrix.md").read_text()
VERDICTS = {"yes", "no", "partly", "-"}


def _tests() -> Iterator[tuple[str, bool]]:
    """Each test of processes or servers, and whether it is (or has a case that is) one of the long runs."""
    for path in [*(ROOT / "tests/acceptance").rglob("test_*.py"), *(ROOT / "tests/integration").glob("test_*.py")]:
        tree = ast.parse(path.read_text())
        whole = any("mark.soak" in ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                alone = any(ast.unparse(mark) == "pytest.mark.soak" for mark in node.decorator_list)
                yield node.name, whole or alone


def _rows() -> list[list[str]]:
    lines = [line for line in MATRIX.splitlines() if line.startswith("|") and line.count("|") == 5]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in {"fault", "---"}]


def test_each_row_names_a_test_that_exists_and_says_whether_it_is_a_long_run() -> None:
    tests = dict(_tests())
    rows = _rows()
    assert len(rows) > 30
    for fault, expected, shown, _ in rows:
        named = re.findall(r"`(test_\w+)`( \(soak\))?", shown)
        assert named, f"{fault}: no test"
        assert expected, f"{fault}: nothing is expected"
        for name, long in named:
            assert name in tests, f"{fault}: there is no {name}"
            assert bool(long) == tests[name], f"{fault}: {name} is {'a' if tests[name] else 'no'} long run"


def test_each_test_of_long_faults_has_its_row() -> None:
    folder = ROOT / "tests/acceptance/faults"
    named = set(re.findall(r"`(test_\w+)`", MATRIX))
    for path in [folder / "test_brokers.py", folder / "test_clock_and_load.py", folder / "test_live_soak.py"]:
        tree = ast.parse(path.read_text())
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for name in [node.name for node in functions if node.name.startswith("test_")]:
            assert name in named, f"{name} of {path.name} has no row"


def test_the_page_of_brokers_is_made_from_the_recorded_answers() -> None:
    told = page.read()
    text = page.PAGE.read_text()
    assert page.with_answers(text, told) == text, "run: .venv/bin/python -m tests.tools.brokers.page"


def test_each_question_was_asked_of_each_broker() -> None:
    told = page.read()
    asked = set(told["brokers"])
    assert asked >= {"mosquitto", "rabbitmq", "mochi"}
    keys = [*(row.key for row in RAW), *(row.key for row in COLLECTOR)]
    assert list(told["answers"]) == keys
    for key, answers in told["answers"].items():
        assert set(answers) == asked, f"{key} was not asked of {asked - set(answers)}"
        for name, answer in answers.items():
            assert answer["holds"] in VERDICTS, f"{key}, {name}"
            assert answer["seen"], f"{key}, {name}"


def test_each_question_says_what_holds() -> None:
    meanings = {**{row.key: row.meaning for row in RAW}, **{row.key: row.meaning for row in COLLECTOR}}
    for key, meaning in meanings.items():
        assert meaning.endswith("."), key
