"""What a household in a trial may see of its comparison."""

from store.migrations import run_sql

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Let rows say it, and hold nothing else."""
    run_sql("0029_sight.sql")
