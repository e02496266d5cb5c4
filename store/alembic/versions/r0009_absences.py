"""Readings whose time is an arrival after an absence of the collector."""

from store.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Keep by absence and family how many came."""
    run_sql("0009_absences.sql")
