"""Temperatures by place and local day."""

from store.migrations import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Make the tables."""
    run_sql("0026_weather.sql")
