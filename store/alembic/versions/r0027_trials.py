"""Trials of nudges: designs, members, events."""

from store.migrations import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Give trials their tables, and what members may see a view."""
    run_sql("0027_trials.sql")
