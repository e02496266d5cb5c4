"""A carer's way to one home that named them: through a link that counts at this moment, and into its log of access.

No page of a carer reads a home's data but through `LinkAccess`. A link of somebody else, one that was withdrawn and one
that never was look the same: there is no such page.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Depends, HTTPException, Request

from dashboard.web.household import Access, Household, household_of
from dashboard.web.site import Site
from dashboard.web.values import Whole
from dashboard.web.visitor import Anybody, Visitor
from store import care
from store.care import Link
from store.connect import Connection


class LinkAccess(Access):
    """One request's way to one home by a link; see `dashboard.web.household.Access`."""

    def __init__(self, request: Request, visitor: Visitor, link_id: int, action: str | None) -> None:
        super().__init__(request, visitor, self._of_link, action)
        self._account = visitor.account_id
        self._link_id = link_id
        self._found: Link | None = None

    @property
    def link(self) -> Link:
        """The link, once it is open."""
        assert self._found is not None
        return self._found

    @contextmanager
    def open(self, *, transaction: bool = False) -> Iterator[tuple[Connection, Household]]:
        """A connection and the household of the link. Raises HTTPException 404 where the link does not count."""
        with super().open(transaction=transaction) as (connection, household):
            # its resident reads which carer it was
            self.detail = self.link.carer if self.detail is None else self.detail
            yield connection, household

    def _of_link(self, site: Site, connection: Connection) -> Household:
        if self._account is not None:
            self._found = care.link(connection, self._account, self._link_id, site.today())
        household = None if self._found is None else household_of(site, connection, self._found.tenancy_id)
        if household is None:
            raise HTTPException(404)
        return household


def looks(action: str | None) -> Any:
    """The home of the link in a route's path, as an argument; ``action``: the words of its log of access."""

    async def access(request: Request, visitor: Anybody, link: Whole) -> LinkAccess:
        return LinkAccess(request, visitor, link, action)

    return Depends(access)
