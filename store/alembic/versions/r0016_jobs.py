"""Jobs: replays and simulations that somebody asked for, and who runs them."""

from store.migrations import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Give jobs their table."""
    run_sql("0016_jobs.sql")
