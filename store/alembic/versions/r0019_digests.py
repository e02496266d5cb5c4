"""Digests of days, from which months and years are drawn."""

from store.migrations import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Give digests their table, and have them forgotten where a day is written to."""
    run_sql("0019_digests.sql")
