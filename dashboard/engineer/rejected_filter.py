"""Which rejections a page is about, as its address says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError

from dashboard.web.site import Site
from dashboard.web.values import Flag, Moment, Text, Word
from devices.decoding import Reason
from devices.families import FAMILIES, UNKNOWN
from store.rejected import Filter

#: What may be chosen of.
FAMILY_NAMES = (*FAMILIES, UNKNOWN)
REASONS = tuple(str(reason) for reason in Reason)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice of rejections; ``since`` and ``until`` are aware, in the site's zone. Empty is any."""

    family: str = ""
    reason: str = ""
    device: str = ""
    since: datetime | None = None
    until: datetime | None = None
    waiting: bool = False

    @property
    def filter(self) -> Filter:
        """The same for the store."""
        return Filter(
            self.family or None, self.device or None, self.reason or None, self.since, self.waiting, self.until
        )

    @property
    def empty(self) -> bool:
        """Whether it is all that are kept."""
        return self == Chosen()

    def query(self, **more: str) -> str:
        """The address's query; ``more`` overrides and adds, empty values are left out."""
        fields = {
            "family": self.family,
            "reason": self.reason,
            "device": self.device,
            "from": field_of(self.since),
            "to": field_of(self.until),
            "waiting": "true" if self.waiting else "",
            **more,
        }
        return urlencode({name: value for name, value in fields.items() if value})

    def address(self, path: str = "/engineer/rejected", **more: str) -> str:
        """A page's address with this choice."""
        query = self.query(**more)
        return f"{path}?{query}" if query else path

    @property
    def words(self) -> str:
        """What is chosen, as a sentence goes on: `` of parking-bay, unreadable, from 3 Jan 10:00``."""
        parts = [
            f"of {self.family}" if self.family else "",
            f"for {self.reason}" if self.reason else "",
            f"of device {self.device}" if self.device else "",
            f"from {self.since:%-d %b %Y %H:%M}" if self.since else "",
            f"before {self.until:%-d %b %Y %H:%M}" if self.until else "",
            "that were not tried again" if self.waiting else "",
        ]
        return ", ".join(part for part in parts if part)


def field_of(moment: datetime | None) -> str:
    """A local time as the browser's field has it."""
    return "" if moment is None else moment.replace(tzinfo=None).isoformat(timespec="seconds").removesuffix(":00")


async def _chosen(
    request: Request,
    family: Word = "",
    reason: Word = "",
    device: Text = "",
    since: Annotated[Moment, Query(alias="from")] = None,
    until: Annotated[Moment, Query(alias="to")] = None,
    waiting: Flag = False,
) -> Chosen:
    site: Site = request.app.state.site
    flaws = {"family": family not in ("", *FAMILY_NAMES), "reason": reason not in ("", *REASONS)}
    if any(flaws.values()):
        raise RequestValidationError([{"loc": ("query", name)} for name, wrong in flaws.items() if wrong])
    start, end = (None if moment is None else moment.replace(tzinfo=site.zone) for moment in (since, until))
    return Chosen(family, reason, device.strip(), start, end, waiting)


#: A choice of rejections out of a request's query.
Asked = Annotated[Chosen, Depends(_chosen)]
