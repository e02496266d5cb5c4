"""Who asked to be told of the air, and what they were told."""

from store.migrations import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Give subscriptions and their episodes their tables."""
    run_sql("0022_air_alerts.sql")
