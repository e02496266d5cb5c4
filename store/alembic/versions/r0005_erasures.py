"""How far erasures are."""

from store.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables of erasures."""
    run_sql("0005_erasures.sql")
