"""Whose data a request is about, and the log of access that goes with every look at them.

Nobody reads a household's data but through `Access`: it yields a connection and the household together, and as what
was looked at is known it is in the log before the answer goes out. A route names what it does in its arguments,
``access: Annotated[Access, looks("looked at the year")]``, and a route that says no more of it is logged all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import Depends, Request

from dashboard.web.exceptions import Elsewhere
from dashboard.web.lane import costly
from dashboard.web.site import Site
from dashboard.web.visitor import Resident, Visitor
from devices.homes import Home, Tenancy
from store import homes
from store.connect import Connection


@dataclass(frozen=True, slots=True)
class Household:
    """A tenancy, its home and the site's local day ``today``."""

    tenancy: Tenancy
    home: Home
    today: date

    @property
    def first(self) -> date:
        """The first day that is theirs."""
        return self.tenancy.from_day

    @property
    def end(self) -> date:
        """The day after the last that is theirs and over: nothing from it on is theirs to see."""
        end = self.tenancy.to_day
        return self.today if end is None else min(end, self.today)

    @property
    def lives(self) -> bool:
        """Whether they live in the home today. Who has left sees what was theirs and changes nothing of the home."""
        return self.tenancy.from_day <= self.today and (self.tenancy.to_day is None or self.tenancy.to_day > self.today)

    def has(self, day: date) -> bool:
        """Whether a day is theirs and over."""
        return self.first <= day < self.end

    def clip(self, start: date, end: date) -> tuple[date, date]:
        """What of ``start`` to ``end`` (not included) is theirs; an empty span where nothing is."""
        begin = max(start, self.first)
        return begin, max(begin, min(end, self.end))

    def months(self, count: int) -> list[date]:
        """The first days of the last ``count`` months that have a day of theirs, the earliest first."""
        found: list[date] = []
        month = (self.end - timedelta(days=1)).replace(day=1)
        while len(found) < count and month >= self.first.replace(day=1) and self.end > self.first:
            found.append(month)
            month = (month - timedelta(days=1)).replace(day=1)
        return found[::-1]


class Access:
    """One request's way to one household's data.

    ``action`` and ``detail`` are the words of the log, for its resident to read; a route may make them more exact as
    long as it holds the connection. ``action`` None: an answer that tells nothing of the household is not logged.
    """

    def __init__(
        self,
        request: Request,
        visitor: Visitor,
        find: Callable[[Site, Connection], Household],
        action: str | None,
        detail: str | None = None,
    ) -> None:
        self._site: Site = request.app.state.site
        # a costly answer lives of the lane's connections and never of the pages'
        self._connect = self._site.lane.connection if costly(request) else self._site.connection
        self._visitor = visitor
        self._find = find
        self.action = action
        self.detail = detail

    def tells_nothing(self) -> None:
        """The answer will hold nothing of the household, or nothing was changed: no row of the log."""
        self.action = None

    @contextmanager
    def open(self, *, transaction: bool = False) -> Iterator[tuple[Connection, Household]]:
        """A connection and whose data they are; the look is in the log when the block is left without an error.

        ``transaction``: what is changed and its row of the log become true together. Raises ErasedMeanwhile, then
        nothing goes out; what ``find`` raises; psycopg_pool.PoolTimeout, psycopg.Error.
        """
        with self._connect() as connection, connection.transaction() if transaction else nullcontext():
            household = self._find(self._site, connection)
            yield connection, household
            if self.action is not None:
                self._site.log_access(connection, self._visitor, household.tenancy.id, self.action, self.detail)


def looks(action: str | None, detail: str | None = None) -> Any:
    """The signed-in resident's own household, as an argument of a route; see `Access` for the words."""

    async def access(request: Request, visitor: Resident) -> Access:
        def find(site: Site, connection: Connection) -> Household:
            found = household_of(site, connection, visitor.tenancy)
            if found is None:  # just erased, and the sign-in with it
                raise Elsewhere("/sign-in")
            return found

        return Access(request, visitor, find, action, detail)

    return Depends(access)


def household_of(site: Site, connection: Connection, tenancy_id: int) -> Household | None:
    """The household of a tenancy; None where there is none. Raises psycopg.Error."""
    tenancy = homes.tenancy(connection, tenancy_id)
    home = None if tenancy is None else homes.home(connection, tenancy.home_id)
    return None if tenancy is None or home is None else Household(tenancy, home, site.today())
