"""The outbox: contacts, messages, what became of them."""

from store.migrations import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the tables."""
    run_sql("0021_outbox.sql")
