"""Movement sensors of homes, carers, what is usual, alerts."""

from store.migrations import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Give the sensors of homes, carers and their alerts their tables."""
    run_sql("0023_care.sql")
