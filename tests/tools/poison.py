"""Hostile text in a database: what would stand there if a stranger's words had got past the imports."""

from __future__ import annotations

import re

import psycopg
from psycopg import sql

from store.connect import connect
from tests.tools.steering import HOSTILE


def poison(url: str, spared: re.Pattern[str] | None) -> set[str]:
    """Hostile text behind what stands in each text column that takes it; the columns."""
    done = set()
    with connect(url, autocommit=True) as connection:
        columns = connection.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns join pg_class c"
            " on c.oid = format('%I.%I', table_schema, table_name)::regclass and c.relkind in ('r', 'p')"
            " where table_schema in ('public', 'personal') and data_type in ('text', 'jsonb', 'ARRAY')"
        ).fetchall()
        for schema, table, column, kind in columns:
            if (spared is not None and spared.search(f".{column}")) or table.startswith("alembic"):
                continue
            value = {
                "text": sql.SQL("{0} || {1}"),
                "jsonb": sql.SQL(
                    "case jsonb_typeof({0}) when 'object' then {0} || jsonb_build_object({1}::text, {1}::text)"
                    " else {0} end"
                ),
                "ARRAY": sql.SQL("{0} || {1}::text"),
            }[kind].format(sql.Identifier(column), sql.Literal(HOSTILE))
            change = sql.SQL("update {} set {} = {}").format(
                sql.Identifier(schema, table), sql.Identifier(column), value
            )
            try:
                if connection.execute(change).rowcount:
                    done.add(f"{schema}.{table}.{column}")
            except psycopg.Error:
                continue  # a key, a check, a log that only grows, numbers: no stranger's text gets there
    return done
