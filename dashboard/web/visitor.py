"""Who is asking, as `dashboard.web.guard` found it once for the request.

Routes name what they want to know of the visitor in their arguments: ``visitor: Anybody``, or ``visitor: Resident``
where it has a tenancy for sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is asking. ``account_id`` None: nobody that we know; ``tenancy_id``: the one tenancy that is theirs.

    ``csrf`` goes into every form as ``<input type="hidden" name="csrf" value="...">``. ``acting``: the role in which
    this request is allowed, the word for the log of access.
    """

    account_id: int | None = None
    tenancy_id: int | None = None
    roles: frozenset[str] = frozenset()
    csrf: str = ""
    acting: str = ""

    @property
    def tenancy(self) -> int:
        """The tenancy of a resident. Raises LookupError for anybody else: the table of roles keeps them out."""
        if self.tenancy_id is None:
            raise LookupError("this visitor has no tenancy; the route's row in dashboard/roles.py must ask for one")
        return self.tenancy_id


async def _current(request: Request) -> Visitor:
    visitor: Visitor = request.state.visitor
    return visitor


async def _resident(request: Request) -> Visitor:
    visitor: Visitor = request.state.visitor
    assert visitor.tenancy  # the table lets nobody else this far
    return visitor


Anybody = Annotated[Visitor, Depends(_current)]
Resident = Annotated[Visitor, Depends(_resident)]
