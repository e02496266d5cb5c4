"""``borough bays return``: what the Local Government Transparency Code wants of parking, as files."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from borough.database import database, require_zone
from borough.errors import UsageError
from borough.output import Json, say, show_json
from borough.settings.parking import parking_accounts
from borough.settings.settings import Settings, read_settings, variable
from devices.csvw import metadata_name
from devices.parking_return import Table, account_table, spaces_table
from store import feeds


def return_(
    year: Annotated[int, typer.Option(help="The financial year that ends on 31 March of this year.", min=2000)],
    out: Annotated[Path, typer.Option(help="Folder that the files are written to; it is made.")],
    json_output: Json = False,
) -> None:
    """Write the yearly return: controlled spaces and the parking account as CSV, each with its CSVW metadata.

    Spaces are those of 31 March, or of today where that is still to come; bays of households and of the simulator are
    not counted. The account is the one of the settings' file.

    Example: borough bays return --year 2026 --out return-2026
    """
    if year > 2199:
        raise UsageError(f"--year {year} is no year such as 2026")
    settings = read_settings()
    last = min(date(year, 3, 31), datetime.now(settings.time_zone).date())
    with database() as connection:
        require_zone(connection, settings.time_zone)
        counted = feeds.spaces(connection, last)
    tables = [spaces_table(counted, last)]
    missing = None
    if (account := _account(settings, year)) is not None:
        tables.append(account)
    else:
        missing = f"no account of the year that ends in {year} is in the file of {variable('parking_account')}"
    try:
        written = [name for table in tables for name in _write(out, table, settings)]
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}") from None
    spaces = sum(int(str(row[-1])) for row in tables[0].rows)
    if json_output:
        show_json({"as_of": str(last), "spaces": spaces, "files": written, "missing": missing})
        return
    say(f"{spaces:,} controlled spaces on {last}; written to {out}: {', '.join(written)}")
    if missing is not None:
        say(f"The return is not whole: {missing}.")


def _account(settings: Settings, year: int) -> Table | None:
    accounts = [account for account in parking_accounts(settings) if account.last_day == date(year, 3, 31)]
    return account_table(accounts, accounts[-1].last_day) if accounts else None


def _write(folder: Path, table: Table, settings: Settings) -> list[str]:
    """Write a table and its metadata; their names. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [table.name, metadata_name(table.name)]
    metadata = table.metadata(settings.council_name, settings.open_data_licence)
    for name, content in zip(names, (table.csv, metadata), strict=True):
        (folder / name).write_bytes(content)
    return names
