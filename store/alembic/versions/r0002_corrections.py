"""Corrections, the values that they superseded, publications."""

from store.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables of corrections."""
    run_sql("0002_corrections.sql")
