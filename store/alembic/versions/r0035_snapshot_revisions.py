"""Revisions of snapshots that were made."""

from store.migrations import run_sql

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Add their table."""
    run_sql("0035_snapshot_revisions.sql")
