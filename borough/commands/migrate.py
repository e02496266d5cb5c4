"""``borough migrate``: bring the database to this program's schema."""

from __future__ import annotations

import typer

from borough.database import reachable
from borough.errors import Failure
from borough.output import Json, say, show_json
from borough.settings.addresses import database_place
from borough.settings.settings import need_database_url, read_settings
from store import migrations
from store.connect import connect
from store.tier import tier

_TIERS = {
    "community": "TimescaleDB Community: hypertable, compressed past the late-data window",
    "apache": "TimescaleDB Apache: hypertable, not compressed",
    "plain": "PostgreSQL without TimescaleDB: a plain table",
}


def migrate(json_output: Json = False) -> None:
    """Create or update the tables. Can be run at any time, also by several at once: those wait for each other.

    Example: BOROUGH_DATABASE_URL=postgresql://borough@127.0.0.1/borough borough migrate
    """
    # Imported here: nothing else needs it, and it would slow every other command's start.
    from sqlalchemy.exc import DBAPIError

    url = need_database_url(read_settings())
    with reachable(url):
        try:
            applied = migrations.upgrade(url)
        except migrations.NoText:
            raise Failure(
                f"the database at {database_place(url)} has the encoding SQL_ASCII, which keeps no names: make one with"
                " createdb --encoding UTF8 --template template0, and restore into it what this one holds"
            ) from None
        except DBAPIError as error:
            # Alembic works through SQLAlchemy, whose errors wrap the driver's
            raise (error.orig or error) from None
        with connect(url, "borough migrate") as connection:
            kind = tier(connection)
    if json_output:
        show_json({"revision": migrations.head(), "applied": applied, "tier": kind})
        return
    place = database_place(url)
    if applied:
        say(f"{place} is now at revision {migrations.head()} (applied {', '.join(applied)}).")
    else:
        say(f"{place} was already at revision {migrations.head()}.")
    say(f"Readings are kept in {_TIERS[kind]}.")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("migrate")(migrate)
