"""Registers that fall are read by another rule, so all days of use are computed once more."""

from store.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Note every home as one whose days must be computed again."""
    run_sql("0013_falls.sql")
