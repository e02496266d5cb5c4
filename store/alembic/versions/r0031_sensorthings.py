"""Counts of readings, for SensorThings."""

from store.migrations import run_sql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Give counts their tables, and have them forgotten where a day is written to."""
    run_sql("0031_sensorthings.sql")
