"""The time zone of the stored days."""

from store.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table that says which place's days are stored."""
    run_sql("0007_day_zone.sql")
