"""Months of open data that were written to after their end."""

from store.migrations import run_sql

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Add their notes."""
    run_sql("0033_late_months.sql")
