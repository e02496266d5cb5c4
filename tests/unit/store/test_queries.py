"""SQL in files: every query is explained and used, every revision has its file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import store
from scripts.lengths import FOLDERS
from store import migrations
from store.queries import queries

FOLDER = Path(store.__file__).parent
FILES = sorted((FOLDER / "sql").glob("*.sql"))
ROOT = FOLDER.parent
CODE = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_is_used(path: Path) -> None:
    found = queries(path.stem)
    assert found
    # the erasure names most of its queries by their tables
    listed = {name for names in re.findall(r'_(?:personal|public)\("([^"]*)"\)', CODE) for name in names.split()}
    relations = {*re.findall(r'_relation\("([^"]*)"\)', CODE)}
    by_name = {"erasure": listed, "sta_entities": relations}
    for name, text in found.items():
        used = f'_SQL["{name}"]' in CODE or name in by_name.get(path.stem, ())
        assert used, f"{path.name}: nobody uses {name}"
        assert text
        assert not text.endswith(b";")
        assert b";" not in re.sub(rb"--[^\n]*", b"", text), f"{path.name}: {name} is more than one statement"


def test_every_revision_has_its_file() -> None:
    revisions = sorted(path.name[1:5] for path in (FOLDER / "alembic" / "versions").glob("r*.py"))
    assert revisions == sorted(path.name[:4] for path in (FOLDER / "alembic" / "sql").glob("0*.sql"))
    assert revisions[-1] == migrations.head()


#: What reads, writes or makes something. Commands of the session alone (set, savepoint, vacuum) are no queries.
STATEMENT = re.compile(
    r"\s*(select\b|insert into\b|delete from\b|update [\w.]+ (as \w+ )?set\b|with (recursive )?\w+ (\([\w, ]+\) )?as\b"
    r"|copy [\w.]+ \(|truncate\b|merge into\b|lock table\b"
    r"|(create|alter|drop) (temporary )?(database|schema|table|role|index|view|function)\b)"
)
#: The only other SQL: of a SQLite file of its own, of a tool that also asks databases of other versions, of dashboards,
#: of what an administrator does before the documents' commands are run.
ELSEWHERE = {"borough/replay/ledger.py", "scripts/outputs_site.py", "scripts/grafana.py", "scripts/documented.py"}


def statements(path: Path) -> Iterator[str]:
    """The strings in a module that begin like a statement: any string, as some go to the database by a name."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if STATEMENT.match(text):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {text[:60]}"


def test_sql_stands_in_files_of_the_store() -> None:
    modules = [path for folder in FOLDERS if folder != "tests" for path in sorted((ROOT / folder).rglob("*.py"))]
    assert [*statements(ROOT / "borough/replay/ledger.py")], "it finds them"
    assert not [one for path in modules if str(path.relative_to(ROOT)) not in ELSEWHERE for one in statements(path)]
