"""Alarms of the system: raised, ended, told."""

from store.migrations import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables."""
    run_sql("0017_alarms.sql")
