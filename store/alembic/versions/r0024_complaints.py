"""Complaints about how somebody's data were used."""

from store.migrations import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Give complaints, what was sent about them and who looked their tables."""
    run_sql("0024_complaints.sql")
