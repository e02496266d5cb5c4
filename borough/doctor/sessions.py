"""Sessions at the broker and their queues: who serves them, since when nobody does, and which nobody ever will."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from borough.doctor.finding import Finding, ill, well
from devices.counts import counted
from ingest.options import BrokerOptions
from store import doctor as asked
from store.connect import Connection
from store.doctor import Session

#: How long a queue that was left in the middle is told of [days].
_REMEMBERED = 7
#: Messages at the broker, and a time without a commit, in which a collector that is well would have taken some.
_WAITING, _STUCK = 1_000, timedelta(minutes=5)


def sessions(connection: Connection, broker: BrokerOptions, now: datetime, waiting: int | None) -> Iterator[Finding]:
    """Findings about the queue and the sessions; ``waiting``: messages at the broker, if it tells."""
    known = asked.sessions(connection)
    yield from served(known, broker, now, waiting)
    undrained = asked.undrained_since(connection, now - timedelta(days=_REMEMBERED))
    if undrained is not None:
        yield ill("queue-undrained", f"nobody has seen the end of the queue that waits since {_said(undrained)}")
    yield from unused(known, asked.subscribed(connection), broker, now)


def served(
    known: Collection[Session], broker: BrokerOptions, now: datetime, waiting: int | None = None
) -> Iterator[Finding]:
    """Whether somebody reads the sessions of these settings, and since when nobody does."""
    ours = [session for session in known if _is_ours(session.name, broker)]
    if not ours:
        yield ill("queue-none", f"nobody has ever collected as {broker.client_id}")
        return
    serving = [session for session in ours if session.served]
    last = max(session.at for session in ours)
    if not serving:
        yield ill(
            "queue-nobody",
            f"nobody collects as {broker.client_id}; the queue at the broker grows since {_said(last)}"
            f" ({_long(now - last)})",
        )
        return
    if (waiting or 0) > _WAITING and now - last > _STUCK:
        yield ill(
            "queue-stuck",
            f"{counted(waiting or 0, 'message')} wait at the broker, and nothing was committed since {_said(last)}"
            f" ({_long(now - last)})",
        )
        return
    yield well(
        "queue",
        f"{counted(len(serving), 'collector serves', 'collectors serve')} it, the last commit was at {_said(last)}",
    )


def unused(
    known: Collection[Session], subscribed: Collection[tuple[str, str]], broker: BrokerOptions, now: datetime
) -> Iterator[Finding]:
    """Sessions with subscriptions that nobody serves, beside those of these settings; the broker may still fill them.

    One that was last served longer ago than the broker keeps sessions is gone there by itself.
    """
    states = {session.name: session for session in known}
    found = False
    for name, place in sorted(subscribed):
        session = states.get(name)
        if session is not None and (session.served or now - session.at > timedelta(seconds=broker.session_expiry)):
            continue
        here = place == f"{broker.host}:{broker.port}"
        if _is_ours(name, broker) and here:
            continue
        found = True
        since = "" if session is None else f", last served at {_said(session.at)}"
        yield ill("session-unused", f"session {name} at {place} is subscribed and nobody serves it{since}", client=name)
    if not found:
        yield well("sessions", "none is left at a broker that nobody serves")


def _is_ours(name: str, broker: BrokerOptions) -> bool:
    """Whether a collector with these settings serves, or drains, a session of this name."""
    if broker.shared_group is None:
        return name == broker.client_id
    return name.startswith(f"{broker.client_id}-") and name[len(broker.client_id) + 1 :].isdigit()


def _said(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") + "Z"


def _long(span: timedelta) -> str:
    minutes = max(0, round(span.total_seconds() / 60))
    return counted(minutes, "minute") if minutes < 120 else counted(minutes // 60, "hour")
