"""The outbox for engineers: how many messages are in which state, how old, and the relay. No contents, no addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

from fastapi import APIRouter, Request, Response

from analytics.air.index import LABELS
from dashboard.labels import age
from dashboard.web.csv import csv_file
from dashboard.web.site import Site
from devices.counts import counted
from store import air_alerts, outbox_list
from store.outbox import Kind, State
from store.outbox_list import Count, RelayState

#: What came to its end is counted for so long.
SPAN = timedelta(days=7)
#: What is due for longer than that is late.
LATE = timedelta(minutes=5)
COLUMNS = ("kind", "state", "messages", "oldest")
KIND_WORDS: dict[Kind, str] = {
    "care-alert": "Care: alerts",
    "code": "Codes that confirm an address",
    "air-confirm": "Air: confirmations",
    "air-alert": "Air: alerts",
    "care-note": "Care: notes",
    "complaint": "Complaints",
    "nudge": "Energy messages",
    "letter-notice": "Notices of letters",
}
STATE_WORDS: dict[State, str] = {
    "waiting": "Waiting",
    "sending": "Being sent",
    "sent": "Sent",
    "perhaps": "Perhaps sent",
    "failed": "Failed",
    "expired": "Too late",
    "withheld": "Withheld",
}


def router(site: Site) -> APIRouter:
    """The page and its table as CSV."""
    routes = APIRouter()

    @routes.get("/engineer/outbox")
    def page(request: Request) -> Response:
        """Counts by kind and state, what is late, how the relay is."""
        now = datetime.now(UTC)
        with site.connection() as connection:
            found = outbox_list.counts(connection, now, SPAN)
            relay = outbox_list.relay(connection)
            alerts = air_alerts.counts(connection, "simulated" if site.options.demo else "real")
        by = {(one.kind, one.state): one for one in found}
        kinds = [kind for kind in KIND_WORDS if any(one.kind == kind for one in found)]
        context = {
            "page": "outbox",
            "headline": headline(found, relay, now),
            "ill": relay is not None and relay.problem is not None,
            "relay": relay,
            "alerts": [(LABELS[one.band], one) for one in alerts],
            "relay_since": None if relay is None or relay.failing_since is None else _age(relay.failing_since, now),
            "states": [(state, STATE_WORDS[state]) for state in get_args(State)],
            "rows": [
                (
                    KIND_WORDS[kind],
                    [by[kind, state].messages if (kind, state) in by else 0 for state in get_args(State)],
                    _due_for(by.get((kind, "waiting")), now),
                )
                for kind in kinds
            ],
        }
        return site.page(request, "engineer/outbox.html", context)

    @routes.get("/engineer/outbox.csv")
    @site.lane.work
    def table() -> Response:
        """The same counts."""
        with site.lane.connection() as connection:
            found = outbox_list.counts(connection, datetime.now(UTC), SPAN)
        rows = [(one.kind, one.state, one.messages, one.oldest.isoformat()) for one in found]
        return csv_file(site, "outbox", COLUMNS, rows)

    return routes


def headline(found: list[Count], relay: RelayState | None, now: datetime) -> str:
    """The finding in a sentence."""
    late = [one for one in found if one.state == "waiting" and now - one.oldest > LATE]
    if relay is not None and relay.problem is not None:
        waiting = sum(one.messages for one in found if one.state == "waiting")
        return f"The relay takes no e-mails: {counted(waiting, 'message waits', 'messages wait')}"
    if late:
        oldest = min(one.oldest for one in late)
        return f"Messages are late: the oldest has been due for {_age(oldest, now)}"
    bad = {
        state: sum(one.messages for one in found if one.state == state) for state in ("failed", "perhaps", "expired")
    }
    if any(bad.values()):
        words = [f"{count} {STATE_WORDS[state].lower()}" for state, count in bad.items() if count]  # type: ignore[index]
        return f"Nothing is late; in seven days {', '.join(words)}"
    return "Nothing is late, and nothing failed in seven days" if found else "No message in seven days"


def _due_for(waiting: Count | None, now: datetime) -> str:
    return "" if waiting is None or waiting.oldest > now else _age(waiting.oldest, now)


def _age(since: datetime, now: datetime) -> str:
    return age(max(now - since, timedelta(0)) // timedelta(microseconds=1))
