"""A source that may restate gives stored readings other values, and the old ones stay on record."""

from store.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Let superseded values belong to no correction, and count what was restated."""
    run_sql("0012_restatements.sql")
