"""docs/reference/database.md names every table and view that the migrations make, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from store.connect import connect

PAGE = (Path(__file__).parents[2] / "docs/reference/database.md").read_text()
#: Alembic's own.
_NOT_OURS = {"alembic_version"}
_RELATIONS = """
select case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'personal') and c.relkind in ('r', 'v', 'p', 'm')
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
"""


def test_every_relation_is_described(database: str) -> None:
    with connect(database) as connection:
        relations = {str(name) for (name,) in connection.execute(_RELATIONS)} - _NOT_OURS
    assert len(relations) > 60
    missing = {name for name in relations if not re.search(rf"`(?:{name}|{name.rpartition('.')[2]})[`,( ]", PAGE)}
    assert not missing, "not in docs/reference/database.md"
    named = set(re.findall(r"^\*\*`((?:personal\.)?[a-z_]+)`", PAGE, re.MULTILINE))
    assert len(named) > 40
    assert named <= relations, "described, and no migration makes them"
