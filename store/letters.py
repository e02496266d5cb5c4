"""Letters: who gets one about a period, what stands in it, and which files it is in, so that erasure finds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from devices.homes import Home, Tariff, Tenancy
from store import accounts, homes
from store.comparisons import Comparison, Neighbourhood
from store.connect import Connection
from store.queries import queries

_SQL = queries("letters")


class Matter(NamedTuple):
    """What a letter to one tenancy is about; ``comparisons`` of one period by fuel."""

    tenancy: Tenancy
    home: Home
    comparisons: Mapping[str, Comparison]
    neighbourhood: Neighbourhood | None
    tariffs: Sequence[Tariff]


class Written(NamedTuple):
    """A file that a letter is in, alone or (``merged``) in a print run too."""

    tenancy_id: int
    path: str
    merged: str | None


def recipients(
    connection: Connection,
    kind: str,
    from_day: date,
    fuels: Sequence[str],
    today: date,
    now: datetime,
    tenancy_id: int | None = None,
) -> list[int]:
    """Tenancies that get a letter about a period, by postcode.

    They live there today, agreed to messages, did not turn letters down and have a use of their own to be told of.
    Raises psycopg.Error.
    """
    values = {"kind": kind, "from_day": from_day, "fuels": list(fuels), "today": today, "now": now}
    return [row[0] for row in connection.execute(_SQL["recipients"], {**values, "tenancy": tenancy_id}).fetchall()]


def matters(
    connection: Connection, tenancies: Sequence[int], kind: str, from_day: date, quarter: date, fuels: Sequence[str]
) -> list[Matter]:
    """What the letters to these tenancies are about, in their order; who is gone meanwhile is left out.

    Raises psycopg.Error.
    """
    values = {
        "tenancies": list(tenancies),
        "kind": kind,
        "from_day": from_day,
        "quarter": quarter,
        "fuels": list(fuels),
    }
    published: dict[int, dict[str, Comparison]] = {}
    for row in connection.execute(_SQL["comparisons"], values).fetchall():
        one = Comparison(*row)
        published.setdefault(one.tenancy_id, {})[one.fuel] = one
    near = {row[0]: Neighbourhood(*row[1:]) for row in connection.execute(_SQL["neighbourhoods"], values).fetchall()}
    paid: dict[int, list[Tariff]] = {}
    for row in connection.execute(_SQL["tariffs"], values).fetchall():
        paid.setdefault(row[0], []).append(homes.tariff_of(row[1:]))
    found = {}
    for row in connection.execute(_SQL["addressed"], values).fetchall():
        tenancy = Tenancy(*row[:10])
        home = Home(row[10], row[11], tuple(row[12]), row[13], row[14], homes.details_of(row[15:23]))
        if tenancy.id in published:
            found[tenancy.id] = Matter(
                tenancy, home, published[tenancy.id], near.get(home.id), tuple(paid.get(tenancy.id, ()))
            )
    return [found[tenancy] for tenancy in tenancies if tenancy in found]


def note(connection: Connection, kind: str, from_day: date, written: Sequence[Written], now: datetime) -> None:
    """Note files before they are written, in place of what was noted of the same files; ``now``: see ``later_than``.

    A letter that is made once more alone stays noted as part of its print run. Raises psycopg.Error.
    """
    tenancies = [one.tenancy_id for one in written]
    paths = [one.path for one in written]
    before = connection.execute(_SQL["forget"], {"paths": paths, "tenancies": tenancies}).fetchall()
    known = {(tenancy, path): merged for tenancy, path, merged in before}
    values = {
        "kind": kind, "from_day": from_day, "now": now, "tenancies": tenancies, "paths": paths,
        "merged": [one.merged or known.get((one.tenancy_id, one.path)) for one in written],
    }  # fmt: skip
    connection.execute(_SQL["note"], values)


def later_than(connection: Connection, folder: str, now: datetime) -> datetime:
    """``now``, or the instant after the newest note of a file in ``folder`` if that is later: one for each run.

    Raises psycopg.Error.
    """
    row = connection.execute(_SQL["later_than"], {"folder": folder, "now": now}).fetchone()
    assert row is not None
    instant: datetime = row[0]
    return instant


def staged(connection: Connection, folder: str, staging: str) -> tuple[set[str], bool]:
    """Files noted in ``staging``, a folder in ``folder`` (both end with ``/``), and whether their run was accepted.

    Accepted: the same run noted them in ``folder`` too, and made their codes valid. Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["staged"], {"folder": folder, "staging": staging}).fetchall()
    noted = {path for row in rows for path in row[:2] if path is not None}
    return noted, any(accepted for _, _, accepted in rows)


def unstage(connection: Connection, staging: str) -> None:
    """Forget the notes of files in a staging folder, which are there no more. Raises psycopg.Error."""
    connection.execute(_SQL["unstage"], {"staging": staging})


def put_codes(connection: Connection, purpose: str, codes: Mapping[int, str], now: datetime, until: datetime) -> None:
    """Make printed codes valid, inside the running transaction, by tenancy. Raises psycopg.Error."""
    with connection.pipeline():
        for tenancy, code in codes.items():
            accounts.put_code(connection, code, purpose, tenancy, now, until)


def log_letters(connection: Connection, tenancies: Sequence[int], what: str, now: datetime) -> None:
    """Note in each household's log that a letter was made. Raises psycopg.Error."""
    with connection.pipeline():
        for tenancy in tenancies:
            accounts.log_access(connection, tenancy, None, "letters", "made a letter", now, what)


def remaining(connection: Connection, tenancies: Sequence[int]) -> set[int]:
    """Which of these tenancies are still there and still agree to letters.

    Until the running transaction ends none of them is erased. Raises psycopg.Error.
    """
    return {row[0] for row in connection.execute(_SQL["remaining"], {"tenancies": list(tenancies)}).fetchall()}
