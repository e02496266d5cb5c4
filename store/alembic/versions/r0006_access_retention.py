"""Rows of the log of access end after years."""

from store.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Let the daily maintenance delete rows that are older than a year, and nobody a younger one."""
    run_sql("0006_access_retention.sql")
