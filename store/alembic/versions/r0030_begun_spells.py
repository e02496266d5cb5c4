"""What is usual of quiet spells by when they begin."""

from store.migrations import run_sql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """A column more of what is learnt of a home."""
    run_sql("0030_begun_spells.sql")
