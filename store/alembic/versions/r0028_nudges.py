"""What households were told of a month, and by which ways."""

from store.migrations import run_sql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Add the tables."""
    run_sql("0028_nudges.sql")
