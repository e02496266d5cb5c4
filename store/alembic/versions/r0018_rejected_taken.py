"""What became of rejections that were tried again, and what collectors read formats with."""

from store.migrations import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Count what is taken of rejections, and note what collectors read formats with."""
    run_sql("0018_rejected_taken.sql")
