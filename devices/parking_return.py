"""What the Local Government Transparency Code 2015 wants of parking, as CSV with CSVW metadata.

Controlled spaces, on and off the street, marked out or estimated where they are not marked singly; and the parking
account. `Table` has both files: the rows, and what they mean (CSV on the Web, Open Government Licence 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from devices.csv_table import csv_text
from devices.csvw import OPEN_GOVERNMENT_LICENCE, Column, described, words
from devices.parking_account import SIDES, Account

#: Where a kind is no control of who parks or how long.
UNCONTROLLED = "unrestricted"


class Spaces(NamedTuple):
    """How many spaces of one sort there are. ``marked``: each of them is marked out, else the number is an estimate."""

    zone: str
    kind: str
    off_street: bool
    marked: bool
    spaces: int


@dataclass(frozen=True, slots=True)
class Table:
    """A published table: ``name`` of its CSV file, ``title``, ``modified``."""

    name: str
    title: str
    about: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[object]]
    modified: date

    @property
    def csv(self) -> bytes:
        """The file itself (UTF-8, RFC 4180)."""
        return csv_text([column.name for column in self.columns], self.rows).encode()

    def metadata(self, publisher: str, licence: str = OPEN_GOVERNMENT_LICENCE) -> bytes:
        """What CSV on the Web expects beside it, at the same address with ``-metadata.json`` behind it."""
        return described(
            self.name,
            self.title,
            self.about,
            self.columns,
            publisher=publisher,
            licence=licence,
            modified=self.modified.isoformat(),
        )


def spaces_table(spaces: Iterable[Spaces], as_of: date) -> Table:
    """Controlled spaces on a day, by zone, kind and place."""
    rows = sorted(
        (one.zone, one.kind, "off-street" if one.off_street else "on-street", "yes" if one.marked else "no", one.spaces)
        for one in spaces
        if one.kind != UNCONTROLLED
    )
    return Table(
        "spaces.csv",
        "Controlled parking spaces",
        "Controlled parking spaces on and off the street, as the Local Government Transparency Code 2015 asks. Bays"
        " that are of one household are not counted.",
        (
            Column("as_of", "date", "The day on which there were so many.", key=True),
            Column("zone", "string", "Parking zone.", key=True),
            Column("kind", "string", "Who may park there.", key=True),
            Column("place", words("on-street", "off-street"), "On the street or off it.", key=True),
            Column("marked", words("yes", "no"), "Whether each space is marked out; no: an estimate.", key=True),
            Column("spaces", {"base": "integer", "minimum": 1}, "How many spaces there are."),
        ),
        [(as_of.isoformat(), *row) for row in rows],
        as_of,
    )


def account_table(accounts: Sequence[Account], modified: date) -> Table:
    """The parking account, a line for each heading of each year."""
    return Table(
        "account.csv",
        "Parking account",
        "Income and expenditure of the parking account and what a surplus was spent on, as the Local Government"
        " Transparency Code 2015 asks.",
        (
            Column("from", "date", "First day of the financial year.", key=True),
            Column("to", "date", "Last day of the financial year."),
            Column("side", words(*SIDES.values()), "Which part of the account.", key=True),
            Column("heading", "string", "What it was for.", key=True),
            Column("pounds", {"base": "decimal", "format": "0.00"}, "Amount in pounds sterling."),
        ),
        [
            (account.first_day.isoformat(), account.last_day.isoformat(), SIDES[line.side], line.heading, line.pounds)
            for account in accounts
            for line in account.lines
        ],
        modified,
    )
