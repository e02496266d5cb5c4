"""Who may see what a household's message says, and where each look is noted.

An engineer works with reasons, families and times; the bytes, topics and texts of a household's or an unknown device's
message are for who is also a data protection officer, one message at a time. A look stands in the log of access of the
households that lived where the meter was, and where none is known in the site's own log, by account and number alone.
"""

from __future__ import annotations

import logging
from datetime import date

from fastapi import HTTPException

from dashboard.engineer.rejected_filter import Chosen
from dashboard.web.site import Site
from dashboard.web.visitor import Visitor
from store import rejected_list
from store.connect import Connection
from store.rejected import RejectedRow
from store.times import local_day

log = logging.getLogger(__name__)

OFFICER = "data-protection"


def may_see(visitor: Visitor) -> bool:
    """Whether a visitor may see what households' messages say."""
    return OFFICER in visitor.roles


def note_look(site: Site, connection: Connection, visitor: Visitor, row: RejectedRow, action: str) -> None:
    """Note a look at one message, before the page goes out. Raises ErasedMeanwhile; psycopg.Error."""
    day = local_day(row.arrival, site.zone)
    noted = _note(site, connection, visitor, row.device, day, day, action, day.isoformat())
    if not noted:
        log.info("account %s %s: rejection %s, of no household that is known", visitor.account_id, action, row.id)


def admit(site: Site, connection: Connection, visitor: Visitor, chosen: Chosen) -> bool:
    """Whether a visitor may choose by this device: one that is no household's, or who may see them; that is noted.

    Raises ErasedMeanwhile; psycopg.Error.
    """
    if not chosen.device or rejected_list.is_open(connection, chosen.device):
        return True
    if not may_see(visitor):
        return False
    first = date.min if chosen.since is None else local_day(chosen.since, site.zone)
    last = site.today() if chosen.until is None else local_day(chosen.until, site.zone)
    action = "searched rejected messages of a meter"
    if not _note(site, connection, visitor, chosen.device, first, max(first, last), action, None):
        log.info("account %s %s: of no household that is known", visitor.account_id, action)
    return True


def need_admission(site: Site, connection: Connection, visitor: Visitor, chosen: Chosen) -> None:
    """The same where there is nothing to show without it. Raises HTTPException 403."""
    if not admit(site, connection, visitor, chosen):
        raise HTTPException(403)


def _note(
    site: Site, connection: Connection, visitor: Visitor, device: str | None,
    first: date, last: date, action: str, detail: str | None,
) -> bool:  # fmt: skip
    found = [] if device is None else rejected_list.households(connection, device, first, last)
    for tenancy in found:
        site.log_access(connection, visitor, tenancy, action, detail)
    return bool(found)
