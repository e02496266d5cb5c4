"""SQL in files: every query is explained and used, every revision has its file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import store
from store import migrations
from store.queries import queries

FOLDER = Path(store.__file__).parent
FILES = sorted((FOLDER / "sql").glob("*.sql"))
CODE = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_is_used(path: Path) -> None:
    found = queries(path.stem)
    assert found
    for name, text in found.items():
        assert f'_SQL["{name}"]' in CODE, f"{path.name}: nobody uses {name}"
        assert text
        assert not text.endswith(b";")
        assert b";" not in re.sub(rb"--[^\n]*", b"", text), f"{path.name}: {name} is more than one statement"


def test_every_revision_has_its_file() -> None:
    revisions = sorted(path.name[1:5] for path in (FOLDER / "alembic" / "versions").glob("r*.py"))
    assert revisions == sorted(path.name[:4] for path in (FOLDER / "alembic" / "sql").glob("0*.sql"))
    assert revisions[-1] == migrations.head()
