"""What a household was told of its months, for programs: the same words and figures as on its page."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from analytics.periods import month_of
from dashboard.web import values
from dashboard.web.api import PROBLEMS, After, Limit, answer
from dashboard.web.errors import problem
from dashboard.web.household import Access, looks
from dashboard.web.site import Site
from dashboard.web.values import cursor_of
from store import nudge_ways, nudges
from store.nudges import Told

_PAGE = 50


class NudgeAction(BaseModel):
    """One thing to do: what it may spare a week, why this home, and what the estimate rests on."""

    title: str
    text: str
    estimate: str
    reason: str
    source: str
    kwh_a_week: float
    pence_a_week: float | None


class Nudge(BaseModel):
    """What was told of one month, as told."""

    id: int
    kind: Literal["compare", "zone", "own", "help"]
    period: Annotated[str, Field(description="The month", examples=["2026-02"])]
    fuel: Literal["electricity", "gas", "heat"]
    made_at: dt.datetime
    subject: str
    text: str
    actions: list[NudgeAction]


class Nudges(BaseModel):
    """What was told, the newest first. ``stopped_at`` null: it goes on; ``next`` is the cursor of the next page."""

    stopped_at: dt.datetime | None
    items: list[Nudge]
    next: str | None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "stopped_at": None,
                "items": [
                    {
                        "id": 17, "kind": "compare", "period": "2026-02", "fuel": "gas",
                        "made_at": "2026-03-09T10:02:00Z", "subject": "Your gas in February 2026",
                        "text": "Homes like yours used about £1.10 a week less gas, at a guide price.",
                        "actions": [
                            {
                                "title": "One degree less", "text": "Turn the thermostat down by one.",
                                "estimate": "This saves about 45p a week, or 6.2 kWh.",
                                "reason": "Why you: you used 14.7 kWh of gas a day in February, when it is cold.",
                                "source": "Our sum: one of the 12 degrees between in and out.",
                                "kwh_a_week": 6.18, "pence_a_week": 45.3,
                            }
                        ],
                    }
                ],
                "next": None,
            }
        }
    )  # fmt: skip


def router(site: Site) -> APIRouter:
    """The route /api/v1/home/nudges."""
    _ = site
    routes = APIRouter(prefix="/api/v1/home", tags=["home"], responses=PROBLEMS)

    @routes.get("/nudges", operation_id="listNudges", response_model=Nudges, summary="Notes about the energy use")
    def list_nudges(
        request: Request,
        access: Annotated[Access, looks("read notes about energy use", "By a program")],
        after: After = None,
        limit: Limit = _PAGE,
    ) -> Response:
        """The monthly notes that were made for the household, the newest first."""
        below = None if after is None else values.number(after)
        if after is not None and below is None:
            return problem(400, "Something in this request is not right", "Not right: cursor.")
        with access.open() as (connection, household):
            tenancy = household.tenancy.id
            kinds = nudges.shown(connection, tenancy, household.today)
            found = nudges.of_tenancy(connection, tenancy, kinds=kinds, below=below, limit=limit + 1)
            stopped = nudge_ways.stopped(connection, tenancy)
        following = cursor_of(str(found[limit - 1].id)) if len(found) > limit else None
        items = [_model(one) for one in found[:limit]]
        return answer(request, Nudges(stopped_at=stopped, items=items, next=following), following)

    return routes


def _model(one: Told) -> Nudge:
    return Nudge(
        id=one.id,
        kind=one.kind,  # type: ignore[arg-type]  # the table holds no other words
        period=month_of(one.from_day).key,
        fuel=one.fuel,  # type: ignore[arg-type]
        made_at=one.made_at,
        subject=one.subject,
        text=one.text,
        actions=[NudgeAction(**action) for action in one.actions],
    )
