"""One connection for a command, and the sentences for what can go wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import psycopg
from psycopg import errors

from borough.errors import DatabaseAway, Failure
from borough.settings.addresses import database_place
from borough.settings.settings import need_database_url, read_settings, variable
from store import daily, migrations
from store.connect import Connection, connect


@contextmanager
def database() -> Iterator[Connection]:
    """A connection to the database of the settings, one transaction, committed at the end of the block.

    Raises SettingsError for wrong settings and Failure where the database is away or not migrated.
    """
    url = need_database_url(read_settings())
    with reachable(url), connect(url, "borough") as connection:
        require_schema(connection, url)
        yield connection


def require_schema(connection: Connection, url: str) -> None:
    """Raise Failure where the database is not at this program's schema."""
    if not migrations.is_current(connection):
        raise Failure(f"the database at {database_place(url)} is not at this program's schema; run: borough migrate")


class WrongZone(Failure):
    """The settings' time zone is not that of the stored days. The text says what to do."""


def require_zone(connection: Connection, zone: ZoneInfo) -> None:
    """Raise WrongZone where the stored days of homes are of another time zone: days of two places are no days."""
    try:
        daily.check_zone(connection, zone)
    except daily.OtherZone as error:
        raise WrongZone(
            f"{variable('time_zone')} is {error.given}, but the stored days of homes are of {error.kept}: set"
            f" {variable('time_zone')}={error.kept}; or, if that one was wrong, have all days computed again by:"
            " borough analyse --change-zone"
        ) from None


@contextmanager
def reachable(url: str) -> Iterator[None]:
    """Turn errors of the database at ``url`` within the block into Failure, one sentence each, without a password."""
    place = database_place(url)
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise Failure(f"the database at {place} does not allow this: {one_line(error)}") from None
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        raise Failure(f"the database at {place} has no tables of ours; run: borough migrate") from None
    except psycopg.OperationalError as error:
        if error.sqlstate is None:
            raise DatabaseAway(f"the database at {place} cannot be reached: {connect_reason(error)}") from None
        raise DatabaseAway(f"the database at {place} gave up: {one_line(error)}") from None
    except psycopg.Error as error:
        raise Failure(f"the database at {place} refused: {one_line(error)}") from None


def one_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def connect_reason(error: psycopg.OperationalError) -> str:
    """Why a connection failed, without the address that libpq puts before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    reason = lines[0].rpartition("failed: ")[2]
    return reason or lines[0]
