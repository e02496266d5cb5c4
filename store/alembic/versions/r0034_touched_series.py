"""Whose readings were written to a day, where these are few; periods that could not be published."""

from store.migrations import run_sql

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Add the series of a note, and what is known of periods that wait."""
    run_sql("0034_touched_series.sql")
