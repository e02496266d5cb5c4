"""Jobs in every state in which a page can meet one, and their scores."""

from __future__ import annotations

from typing import Any

from store import jobs
from store.connect import Connection

WORKER = "worker-of-the-tests"
_ZERO = dict.fromkeys(
    (
        "published", "stored", "duplicates", "restated", "rejected", "rejected_unexpectedly", "lost", "wrong_value",
        "wrong_time", "thinned", "ignored", "unsent", "unexpected",
    ),
    0,
)  # fmt: skip
PROGRESS = {
    "sent": 31_200,
    "total": 50_000,
    "rate": 1234.5,
    "at": "2025-10-25T23:10:00+00:00",
    "remaining": 75.4,
    "phase": "sending",
    "version": "0.1.0",
}


def score(*, lost: int = 0, wrong: int = 0, so_far: bool = False, lag: float = 0.4) -> dict[str, Any]:
    """A score of two families, as `borough.scoring.result.Score.document` makes it."""
    meters = {**_ZERO, "published": 20_000, "stored": 19_000 - lost, "duplicates": 1_000, "lost": lost}
    bays = {**_ZERO, "published": 3_000, "stored": 2_900 - wrong, "rejected": 100, "wrong_value": wrong}
    lags = {"p50": lag / 2, "p95": lag * 0.9, "p99": lag, "max": lag * 2}
    if so_far:
        meters |= {"stored": meters["stored"] - 200, "open": 200}
    families = {"smart-meter": {**meters, "lag": lags}, "parking-bay": {**bays, "lag": None}}
    return {
        **{word: meters[word] + bays[word] for word in _ZERO},
        "families": families,
        "lag": lags,
        "faults": {"loss": {"missing": lost, "stored": 40}, "out_of_order": {"stored": 300}},
        "examples": [],
        "bays": {
            "stays": {"true": 120, "found": 110, "altered": 6, "missed": 4, "invented": 0},
            "overstays": {"true": 12, "found": 11, "missed": 1, "invented": 2},
            "causes": {},
            "swaps": {},
            "occupancy": {"quarters": 0, "mean_absolute_error": None},
        },
        "first": "2025-10-25T15:00:00+00:00",
        "last": "2025-10-26T08:00:00+00:00",
        **({"so_far": True, "open": 200} if so_far else {}),
    }


def every_state(connection: Connection, account_id: int | None = None) -> dict[str, int]:
    """One job of each state; the connection has autocommit."""
    ids: dict[str, int] = {}

    def ask(name: str) -> int:
        options = {"seed": 7, "speed": "60", "register": True, "faults": {"loss": 0.02, "duplicate": {"share": 0.05}}}
        ids[name] = jobs.ask(connection, "simulation", f"Fleet, {name}", options, account_id, ["shipped:demo.toml"])
        return ids[name]

    def taken(name: str) -> int:
        made = ask(name)
        found = jobs.take(connection, WORKER)
        assert found is not None
        assert found.id == made, f"job {found.id}, {found.name}, waits"
        return made

    for name, state, result, problem in (
        ("done", "done", score(), None),
        ("bad", "done", score(lost=17, wrong=3, lag=1.9), None),
        ("failed", "failed", None, "the broker at 127.0.0.1:1883 cannot be reached: Connection refused"),
        ("stopped", "stopped", score(so_far=True), None),
        ("paused", "paused", score(so_far=True), None),
    ):
        progress = PROGRESS | {"sent": 50_000} if state == "done" else PROGRESS
        progress = progress | {"version": "0.2.0"} if name == "bad" else progress
        made = taken(name)
        if state == "paused":
            jobs.wish(connection, made, "pause")
        jobs.finish(connection, made, WORKER, state, progress, result, problem)  # type: ignore[arg-type]
    for name in ("pausing", "running"):
        jobs.beat(connection, taken(name), WORKER, PROGRESS, score(so_far=True))
    jobs.wish(connection, ids["pausing"], "pause")
    jobs.beat(connection, taken("silent"), WORKER, PROGRESS, None)
    connection.execute("update public.job set beat_at = now() - interval '1 hour' where id = %s", (ids["silent"],))
    # they beat as long as anybody looks
    held = [ids["pausing"], ids["running"]]
    connection.execute("update public.job set beat_at = now() + interval '1 hour' where id = any(%s)", (held,))
    ask("waiting")
    return ids
