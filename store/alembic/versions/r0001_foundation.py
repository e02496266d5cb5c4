"""Devices, series, readings, rejections, accounting."""

from store.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first schema."""
    run_sql("0001_foundation.sql")
