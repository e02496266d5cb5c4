"""What messages have and nobody reads is noted by its name."""

from store.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table."""
    run_sql("0011_unread_properties.sql")
