"""Clocks: this machine's beside the database's, and beside itself.

A reading without a time of its own takes this machine's; an acknowledgement and a heartbeat the database's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from borough.doctor.finding import Finding, ill, well
from store import doctor as asked
from store.connect import Connection
from store.doctor import Session

#: Seconds between two clocks from which on arrivals and minutes of the account are told wrongly, and what is odd.
FAR, NEAR = 30.0, 2.0
#: How far a clock may move beside the one that cannot be set, within a look [s].
_JUMP = 0.5


def clock(connection: Connection) -> Iterator[Finding]:
    """The database's clock beside ours: of three looks the shortest counts. Raises psycopg.Error."""
    looks = []
    for _ in range(3):
        began, before = time.monotonic(), time.time()
        theirs = asked.clock(connection).timestamp()
        took, passed = time.monotonic() - began, time.time() - before
        looks.append((took, theirs - before, passed))
    yield from judge(looks)
    yield from future(asked.sessions(connection), datetime.now(UTC))


def judge(looks: list[tuple[float, float, float]]) -> Iterator[Finding]:
    """What looks at a clock say: each how long it took, how far ahead the other clock was of ours when we asked, and
    how much time passed by our own clock meanwhile [s]."""
    if any(abs(passed - took) > _JUMP for took, _, passed in looks):
        worst = max((passed - took for took, _, passed in looks), key=abs)
        yield ill("clock-jumps", f"this machine's clock was set by {worst:+.1f} s while we looked")
        return
    took, ahead, _ = min(looks)
    # the answer was made at some moment of the look
    off = ahead - took if ahead > took else min(ahead, 0.0)
    said = f"the database's clock is {abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} this machine's"
    if abs(off) > FAR:
        yield ill("clock-database", said)
    elif abs(off) > NEAR:
        yield ill("clock-database-near", said)
    else:
        yield well("clock", f"within {max(abs(off), took, 0.1):.1f} s of the database's")


def future(sessions: list[Session], now: datetime) -> Iterator[Finding]:
    """A commit of the future: the database's clock was ahead, and was set back."""
    ahead = [session for session in sessions if session.at > now + timedelta(seconds=FAR)]
    if ahead:
        last = max(session.at for session in ahead)
        yield ill("clock-future", f"the last commit is of {last:%Y-%m-%d %H:%M:%S}Z, which is still to come")
