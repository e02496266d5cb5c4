"""Floods of rejections are counted by reason, and what they left out is kept."""

from store.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Tell the reasons of a device's rejections apart."""
    run_sql("0008_rejections_by_reason.sql")
