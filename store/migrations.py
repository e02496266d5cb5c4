"""The schema's revisions: plain SQL files in ``store/alembic/sql``, run in order by Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from psycopg.sql import Identifier

from devices.families import FAMILIES
from store.connect import Connection, connect
from store.queries import queries

_SQL = queries("migrations")
_FOLDER = Path(__file__).parent / "alembic"
#: Advisory lock that one migrator of a database holds.
_LOCK = -5148271906531801


class NoText(Exception):
    """The database's encoding is SQL_ASCII, which says of no byte what it means: its texts come as bytes."""


@cache
def head() -> str:
    """The newest revision that this program knows."""
    return max(path.name[:4] for path in (_FOLDER / "sql").glob("[0-9][0-9][0-9][0-9]_*.sql"))


def current(url: str) -> str | None:
    """The revision that the database is at; None where nothing was migrated. Raises psycopg.Error."""
    with connect(url, "borough migrate") as connection:
        return _revision(connection)


def is_current(connection: Connection) -> bool:
    """Whether the database is at this program's revision. Two short queries; raises psycopg.Error."""
    return _revision(connection) == head()


def _revision(connection: Connection) -> str | None:
    found = connection.execute(_SQL["is_migrated"]).fetchone()
    if found is None or not found[0]:
        return None
    row = connection.execute(_SQL["revision"]).fetchone()
    return None if row is None else str(row[0])


def create_database(server_url: str, name: str) -> bool:
    """Make an empty database on a server unless it has it; whether it was made.

    ``server_url`` names another database of that server. Raises psycopg.Error.
    """
    with connect(server_url, "borough migrate", autocommit=True) as connection:
        if connection.execute(_SQL["has_database"], (name,)).fetchone() is not None:
            return False
        connection.execute(_SQL["create_database"].replace(b"{name}", Identifier(name).as_bytes(connection)))
        return True


def upgrade(url: str) -> list[str]:
    """Bring the database to the newest revision and say which were applied, oldest first.

    Two that run at once wait for each other; a database that is current stays as it is, apart from the table
    ``property`` and the roles, which always follow the program. All revisions are one transaction. Raises
    NoText, psycopg.Error or sqlalchemy.exc.SQLAlchemyError.
    """
    with connect(url, "borough migrate lock", autocommit=True) as lock:
        if lock.info.parameter_status("server_encoding") == "SQL_ASCII":
            raise NoText
        # not the migrating connection: the lock must outlive its transaction
        lock.execute(_SQL["lock"], (_LOCK,))
        applied = _run_revisions(url)
        with connect(url, "borough migrate") as connection:
            _follow_program(connection)
        return applied


def _run_revisions(url: str) -> list[str]:
    # Imported here: only migrations need them, a collector is smaller and quicker without.
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import NullPool, create_engine

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url, "borough migrate"), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            before = MigrationContext.configure(connection).get_current_revision()
            if before == script.get_current_head():
                return []
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            revisions = script.iterate_revisions("head", before or "base")
            return [revision.revision for revision in revisions][::-1]
    finally:
        engine.dispose()


def run_sql(name: str) -> None:
    """Run one file of ``store/alembic/sql`` within the running revision."""
    from alembic import op

    text = (_FOLDER / "sql" / name).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(text, execution_options={"no_parameters": True})


def _follow_program(connection: Connection) -> None:
    """What belongs to the program and not to a revision: the properties of the families, and the roles."""
    rows = [
        (family.name, item.name, item.unit, item.kind, item.personal)
        for family in FAMILIES.values()
        for item in family.properties.values()
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    connection.execute(_SQL["follow_properties"], columns)
    connection.execute((_FOLDER / "sql" / "after.sql").read_bytes())
