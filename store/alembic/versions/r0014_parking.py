"""Bays, their restrictions and sensors, and what their readings come to."""

from store.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Give parking its tables."""
    run_sql("0014_parking.sql")
