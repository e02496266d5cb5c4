"""The filters of a session are remembered."""

from store.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Remember what a session is subscribed to."""
    run_sql("0010_session_filters.sql")
