"""Homes, tenancies, daily use, neighbours, comparisons, sign-in, erasure."""

from store.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables of homes."""
    run_sql("0003_homes.sql")
