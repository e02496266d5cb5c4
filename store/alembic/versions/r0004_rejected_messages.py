"""Rejected messages: bytes once a message, bounded rows, personal texts."""

from store.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Let the rejections of one message share its bytes."""
    run_sql("0004_rejected_messages.sql")
