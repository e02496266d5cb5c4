"""Digests of days, from which months and years are drawn."""

from store.migrations import run_sql

revision = "0018"
down_revision = "0014"


def upgrade() -> None:
    """Give digests their table, and have them forgotten where a day is written to."""
    run_sql("0018_digests.sql")
