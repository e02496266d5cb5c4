"""Observations for subscribers at the broker."""

from store.migrations import run_sql

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Give what is to be told its queue."""
    run_sql("0032_observations.sql")
