"""The record of air: hours of monitors by day, and their daily index."""

from store.migrations import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Give the record its tables, and have monitors noted of which something changed."""
    run_sql("0020_air.sql")
