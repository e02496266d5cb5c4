"""The parking account of a council, from a TOML file: income, expenditure, and what a surplus was spent on.

No sensor knows it, and the Local Government Transparency Code 2015 wants it published each year. A file has a table
``[[account]]`` a financial year; amounts are pounds with pence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from devices.counts import counted
from devices.lengths import refusal
from devices.toml import TomlError, lines_of_tables, parse

#: Parts of an account, in their order, with the words of the published table.
SIDES: Mapping[str, str] = {
    "income": "income",
    "expenditure": "expenditure",
    "surplus": "surplus spent",
}
#: Income that the Code wants told apart.
REQUIRED_INCOME = ("on-street parking", "off-street parking", "penalty charge notices")
_HEADING = 120
#: Pounds beyond it are a slip of the hand.
_MOST = 10_000_000_000
_YEARS = 50


class AccountError(ValueError):
    """A file that cannot be taken; ``problems`` are all that is wrong with it, each with its account."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an account: a side of `SIDES`, what it is, and whole pence."""

    side: str
    heading: str
    pence: int

    @property
    def pounds(self) -> str:
        """The amount as it is published."""
        return f"{'-' if self.pence < 0 else ''}{abs(self.pence) // 100}.{abs(self.pence) % 100:02}"


@dataclass(frozen=True, slots=True)
class Account:
    """One financial year, both days included."""

    first_day: date
    last_day: date
    lines: tuple[Line, ...]


def read_accounts(text: str) -> list[Account]:
    """The accounts of a file, the oldest first. Raises AccountError."""
    try:
        document = parse(text)
    except TomlError as error:
        raise AccountError([f"is no TOML: {error}"]) from None
    tables = document.get("account")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise AccountError(["has no table [[account]]"])
    problems = [f"has {name!r}, which an account file does not have" for name in document if name != "account"]
    if len(tables) > _YEARS:
        raise AccountError([f"has {counted(len(tables), 'account')}; {_YEARS} are taken at most"])
    lines = lines_of_tables(text, "account")
    accounts = []
    for number, table in enumerate(tables):
        where = f"line {lines[number]}" if len(lines) == len(tables) else f"account {number + 1}"
        account, wrong = _account(table)
        problems += [f"{where}: {text}" for text in wrong]
        if account is not None:
            accounts.append(account)
    accounts.sort(key=lambda account: account.first_day)
    problems += [
        f"the accounts from {before.first_day} and {after.first_day} overlap"
        for before, after in pairwise(accounts)
        if after.first_day <= before.last_day
    ]
    if problems:
        raise AccountError(problems)
    return accounts


def _account(table: Mapping[str, Any]) -> tuple[Account | None, list[str]]:
    wrong = [f"has {name!r}, which an account does not have" for name in table if name not in ("from", "to", *SIDES)]
    days: list[date] = []
    for name in ("from", "to"):
        day = table.get(name)
        if type(day) is date:
            days.append(day)
        else:
            wrong.append(f"{name} is no day such as 2025-04-01")
    if len(days) == 2 and days[1] < days[0]:
        wrong.append(f"to {days[1]} is before from {days[0]}")
    lines = []
    for side in SIDES:
        part = table.get(side, {} if side == "surplus" else None)
        if not isinstance(part, dict):
            wrong.append(f"has no table account.{side}")
            continue
        for line in _lines(side, part):
            if isinstance(line, Line):
                lines.append(line)
            else:
                wrong.append(line)
    income = table.get("income")
    if isinstance(income, dict):
        wrong += [f"income has no {name!r}" for name in REQUIRED_INCOME if name not in income]
    if wrong:
        return None, wrong
    return Account(days[0], days[1], tuple(lines)), []


def _lines(side: str, part: Mapping[str, Any]) -> Iterator[Line | str]:
    for heading, amount in part.items():
        text = refusal(heading, _HEADING)
        if text is not None or not heading.strip():
            yield f"a heading of {side} {text or 'is empty'}"
        elif isinstance(amount, bool) or not isinstance(amount, int | float):
            yield f"{side} {heading!r} is no amount such as 1234.50"
        elif not abs(amount) <= _MOST:
            yield f"{side} {heading!r} is not within {_MOST:,} pounds"
        elif abs(amount * 100 - round(amount * 100)) > 1e-3:
            yield f"{side} {heading!r} has more than two digits of pence"
        else:
            yield Line(side, heading.strip(), round(amount * 100))
