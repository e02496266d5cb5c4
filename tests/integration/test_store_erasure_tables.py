"""Erasure fails closed: a column that nobody thought of is one that a household may be left in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from store import erasure
from store.connect import Connection, connect
from store.erasure_tables import COVERED, KEPT, TAKEN_ALONG, Kept

#: Columns of all that stores rows, in every schema but those of the server and of extensions (TimescaleDB's chunks).
_COLUMNS = (
    "select n.nspname || '.' || c.relname, a.attname"
    " from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid"
    " where c.relkind in ('r', 'p', 'm', 'f') and not c.relispartition and a.attnum > 0 and not a.attisdropped"
    " and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    " and not exists (select from pg_depend d where d.deptype = 'e' and ("
    "     (d.classid, d.objid) = ('pg_class'::regclass, c.oid)"
    "     or (d.classid, d.objid) = ('pg_namespace'::regclass, n.oid)))"
)


def problems(
    connection: Connection, covered: Mapping[str, frozenset[str]] = COVERED, kept: Mapping[str, Kept] = KEPT
) -> list[str]:
    """A line for each column that an erasure does not know, or knows and is not there."""
    there = set(connection.execute(_COLUMNS).fetchall())
    gone = {(table, column) for table, columns in covered.items() for column in columns}
    stays = {(table, column) for table, (columns, _) in kept.items() for column in columns}
    return sorted(
        [
            *(f"{table}.{column}: neither covered nor kept for a reason" for table, column in there - gone - stays),
            *(f"{table}.{column}: covered, but not there" for table, column in gone - there),
            *(f"{table}.{column}: kept, but not there" for table, column in stays - there),
            *(f"{table}.{column}: both covered and kept" for table, column in gone & stays),
            *(f"{table}: kept without a reason" for table, (_, reason) in kept.items() if not reason.strip()),
        ]
    )


def test_every_column_is_covered_or_kept_for_a_reason(each_database: str) -> None:
    with connect(each_database) as connection:
        assert problems(connection) == [], "enter them in store/erasure_tables.py"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("create table public.odd (zork text, blub int)", ["public.odd.blub", "public.odd.zork"]),
        ("create table personal.odd (zork text)", ["personal.odd.zork"]),
        ("create table public.odd (zork int) partition by range (zork)", ["public.odd.zork"]),
        ("create materialized view public.odd as select 'x' as zork", ["public.odd.zork"]),
        ("create schema elsewhere create table odd (zork text)", ["elsewhere.odd.zork"]),
        ("alter table personal.tenancy add column zork text", ["personal.tenancy.zork"]),
        ("alter table public.reading add column zork text", ["public.reading.zork"]),
        ("alter table public.correction add column zork text", ["public.correction.zork"]),
        ("alter table public.touched_day add column zork text", ["public.touched_day.zork"]),
    ],
)
def test_what_nobody_knows_is_named(each_database: str, change: str, named: list[str]) -> None:
    with connect(each_database) as connection:
        connection.execute(change.encode())
        assert problems(connection) == [f"{one}: neither covered nor kept for a reason" for one in named]


def test_what_is_no_longer_there_is_named(each_database: str) -> None:
    with connect(each_database) as connection:
        connection.execute("drop table public.touched_day")
        connection.execute("alter table personal.tenancy drop column occupants")
        assert problems(connection) == [
            "personal.tenancy.occupants: covered, but not there",
            "public.touched_day.day: kept, but not there",
            "public.touched_day.family: kept, but not there",
            "public.touched_day.id: kept, but not there",
            "public.touched_day.series: covered, but not there",
        ]


def test_an_exception_has_a_reason_and_is_not_covered_too(each_database: str) -> None:
    kept = {
        **KEPT,
        "public.erased": Kept(KEPT["public.erased"].columns, " "),
        "personal.home": Kept(frozenset({"uprn"}), "because"),
    }
    with connect(each_database) as connection:
        assert problems(connection, kept=kept) == [
            "personal.home.uprn: both covered and kept",
            "public.erased: kept without a reason",
        ]


def test_the_erasure_changes_every_table_that_is_called_covered(each_database: str) -> None:
    text = (Path(erasure.__file__).parent / "sql" / "erasure.sql").read_text(encoding="utf-8")
    changed = set(re.findall(r"^(?:delete from|update) (\w+\.\w+)", text, re.MULTILINE))
    assert COVERED.keys() - changed == TAKEN_ALONG.keys()
    with connect(each_database) as connection:
        cascading = connection.execute(
            "select distinct c.conrelid::regclass::text from pg_constraint c where c.contype = 'f'"
            " and c.confdeltype = 'c' and c.confrelid = any(%s::regclass[])",
            (["public.rejected", "personal.complaint", "personal.contact", "personal.message"],),
        ).fetchall()
        (trigger,) = connection.execute(
            "select count(*) from pg_trigger where tgname = 'forget_rejected_bytes' and tgenabled = 'O'"
            " and tgrelid = 'public.rejected'::regclass"
        ).fetchall()
    named = {f"public.{one}" if "." not in one else one for (one,) in cascading}
    assert named >= {table for table, how in TAKEN_ALONG.items() if how.startswith("foreign key")}
    assert trigger == (1,)
