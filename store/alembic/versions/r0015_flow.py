"""What a minute of the collectors was like."""

from store.migrations import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Give the pipeline's figures their tables."""
    run_sql("0015_flow.sql")
