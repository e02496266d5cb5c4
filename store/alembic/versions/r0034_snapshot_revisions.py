"""Revisions of snapshots that were made."""

from store.migrations import run_sql

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Add their table."""
    run_sql("0034_snapshot_revisions.sql")
