"""Observations that subscribers at the broker are to be told of: whether they are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from borough.doctor.finding import Finding, ill, well
from devices.counts import counted
from store import observation_queue
from store.connect import Connection

#: What waits for so long, while nothing can be told, is told of; a broker's restart takes less.
_PATIENCE = timedelta(minutes=10)
#: So many are a queue that is not kept up with, though it is told; more than these are not counted.
_MANY, _MOST = 100_000, 1_000_000


def observations(connection: Connection, now: datetime) -> Iterator[Finding]:
    """What waits, and since when. Nothing where nobody is told anything. Raises psycopg.Error."""
    found = observation_queue.publisher(connection, _MOST)
    if found is None:
        return
    more = "over " if found.waiting > _MOST else ""
    wait = f"{more}{counted(min(found.waiting, _MOST), 'observation')} {'waits' if found.waiting == 1 else 'wait'}"
    last = f"{found.told_at:%Y-%m-%d %H:%M} UTC"
    # nothing here says that somebody tried: between two runs from cron nobody does
    if found.ended:
        yield ill("observations-ended", f"nothing was told since {last}, so nothing more is queued; {wait}")
    elif found.waiting and now - found.told_at > _PATIENCE:
        yield ill("observations-waiting", f"{wait} to be told, and none was since {last}")
    elif found.waiting > _MANY:
        yield ill("observations-many", f"{wait} to be told: they come faster than the broker takes them")
    elif found.waiting:
        yield well("observations", f"{wait} to be told to subscribers")
    else:  # whether the broker could be reached is not known: it is asked only when there is something to tell
        yield well("observations", "nothing waits to be told to subscribers")
