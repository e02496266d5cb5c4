"""A form that is sent twice asks for one job."""

from store.migrations import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column."""
    run_sql("0025_asked_once.sql")
