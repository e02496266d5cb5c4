"""A task carried out in every borough: sent to workers, asked again while that may help, and what became of each."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from borough.fleet import errand
from borough.fleet.boroughs_file import Place
from borough.fleet.cluster import library, workers_of
from borough.fleet.errand import Outcome

#: Between two questions whether a borough is still busy, and between two looks at scheduler and tasks [s].
_PAUSE, _LOOK = 1.0, 0.5
#: So many runs that were at work longer than the wait begin it anew: a borough whose runs are all killed must end.
_WORKED = 3


@dataclass(slots=True)
class _Open:
    """A borough whose task is not done."""

    place: Place
    #: `distributed.Future` of the task; None: not sent.
    future: Any = None
    #: Not to be sent before, by `time.monotonic`.
    due: float = 0.0
    tries: int = 0
    #: Since when asking again has not helped, and since when no worker was there that could take it.
    stuck: float | None = None
    #: How many runs were at work longer than the wait and did not end.
    worked: int = 0
    alone: float | None = None


def carry_out(
    client: Any,
    places: Sequence[Place],
    words: Sequence[str],
    *,
    wait: float,
    told: Callable[[str], None] = lambda _what: None,
) -> list[Outcome]:
    """Have the task of every borough done; the outcomes in the order of ``places``. What a borough lacks is in its own.

    ``client``: a `distributed.Client`. ``wait`` [s]: a borough that is busy or away, or for which no worker is there,
    is asked again for so long, without the time in which a run was at work; 0: it is asked once. A task whose worker
    went away is done again by another; after three workers Dask gives it up. ``told`` hears how many are done.
    """
    program, run = version("borough-telemetry"), uuid.uuid4().hex[:12]
    still = [_Open(place) for place in places]
    done: dict[str, Outcome] = {}
    while still:
        workers = _workers(client)
        for one in still:
            now = time.monotonic()
            if one.future is None and one.due <= now and workers:
                _send(client, one, words, program, run)
            outcome = _look(one, workers, now, wait)
            if outcome is not None:
                done[one.place.name] = outcome
                told(f"{len(done)} of {len(places)} boroughs")
        still = [one for one in still if one.place.name not in done]
        _pause(still)
    return [done[place.name] for place in places]


def _workers(client: Any) -> list[Mapping[str, float]]:
    """The resources of each worker; none where the scheduler is away."""
    if client.status != "running":
        return []
    try:
        return list(workers_of(client).values())
    except OSError:
        return []


def _send(client: Any, one: _Open, words: Sequence[str], program: str, run: str) -> None:
    """Send a task. Its key, which the scheduler shows, has the borough's name, the command and a number of this run."""
    one.tries += 1
    needs = {} if one.place.resource is None else {one.place.resource: 1}
    key = f"{words[0]}-{one.place.name}-{run}-{one.tries}"
    one.future = client.submit(errand.run, one.place, tuple(words), program, key=key, resources=needs, pure=False)


def _look(one: _Open, workers: Sequence[Mapping[str, float]], now: float, wait: float) -> Outcome | None:
    """What became of a borough's task; None while it goes on or is to be sent again."""
    outcome = None if one.future is None else _outcome(one)
    if outcome is not None and outcome.passing:
        if outcome.seconds > wait and one.worked < _WORKED:
            one.stuck, one.worked = None, one.worked + 1
        one.stuck = now if one.stuck is None else one.stuck
        if now - one.stuck < wait:
            one.future, one.due = None, now + _PAUSE
            return None
    if outcome is not None:
        return outcome
    resource = one.place.resource
    if any(resource is None or resource in has for has in workers):
        one.alone = None
        return None
    one.alone = now if one.alone is None else one.alone
    if now - one.alone < wait:
        return None
    if one.future is not None:
        one.future.cancel()
    lacking = "" if resource is None else f" that was started with --resources {resource}=1"
    return Outcome(one.place.name, None, why=f"the scheduler is away or has no worker{lacking}")


def _outcome(one: _Open) -> Outcome | None:
    """What a worker, or the scheduler in its place, says of a task; None: nothing yet."""
    state = one.future.status
    if state == "finished":
        try:
            # else the scheduler fetches the answer and hands it on; so it does where we have no way to the worker
            found: Outcome = one.future.client.gather(one.future, direct=True)
        except (OSError, library().CancelledError):
            return Outcome(one.place.name, errand.TEMPORARY, why="the scheduler went away")
        return found
    if state == "error":
        error = one.future.exception()
        if type(error).__name__ == "KilledWorker":
            return Outcome(one.place.name, None, why="each worker that began it was killed; see what their logs say")
        return Outcome(one.place.name, None, why=f"its worker could not begin: {type(error).__name__}: {error}")
    if state in ("cancelled", "lost"):
        return Outcome(one.place.name, errand.TEMPORARY, why="the scheduler went away")
    return None


def _pause(still: Sequence[_Open]) -> None:
    """Wait until something may have changed."""
    distributed = library()
    running = [one.future for one in still if one.future is not None]
    if not running:
        time.sleep(_LOOK if still else 0)
        return
    try:
        distributed.wait(running, timeout=_LOOK, return_when="FIRST_COMPLETED")
    except (TimeoutError, distributed.CancelledError):
        pass
