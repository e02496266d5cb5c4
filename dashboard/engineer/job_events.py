"""Jobs as a live topic: which of them has changed. The page that shows one asks the server for itself again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson

from dashboard.engineer import job_words
from store import jobs
from store.connect import Connection
from store.jobs import Job

#: So many of the newest are looked at.
MOST = 50
#: How often the page of a job that waits says anew for how long.
_WAITED = timedelta(seconds=job_words.LONG)


class JobEvents:
    """A `dashboard.web.events.Topic`: ``{"id": 7, "state": "running", "mark": "…"}`` for each job that has changed.

    ``mark`` differs whenever something of the job does. One that is no more is ``{"id": 7, "gone": 1}``.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, str]] | None = None

    def changes(self, connection: Connection) -> list[bytes]:
        """Those that have changed since it was asked last. Raises psycopg.Error."""
        before = self._known
        now: dict[int, tuple[str, str]] = {job.id: (job.state, mark(job)) for job in jobs.find(connection, limit=MOST)}
        self._known = now
        if before is None:
            return []
        said = [orjson.dumps(_event(one, *of)) for one, of in now.items() if before.get(one) != of]
        # the oldest may only have made room for newer ones
        least = min(now, default=0)
        return said + [orjson.dumps({"id": one, "gone": 1}) for one in before if one not in now and one >= least]

    def snapshot(self) -> bytes:
        """All of them."""
        assert self._known is not None, "nothing has been read yet"
        return orjson.dumps({"jobs": [_event(one, *of) for one, of in self._known.items()]})


def _event(job_id: int, state: str, how: str) -> dict[str, object]:
    return {"id": job_id, "state": state, "mark": how}


def mark(job: Job) -> str:
    """Differs whenever something of a job does that its page shows; one that nobody takes shows for how long."""
    if job.state == "waiting" and job.started_at is None:
        return f"waits {(datetime.now(UTC) - job.asked_at) // _WAITED}"
    beat = "" if job.beat_at is None else job.beat_at.isoformat()
    return f"{beat} {job.wish or ''} {job.silent:d} {job.progress.get('sent', 0)}"
