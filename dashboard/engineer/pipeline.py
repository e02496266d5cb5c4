"""The pipeline: where every message is, now and in any minute of the last days."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup

from dashboard.engineer import flow_words
from dashboard.engineer.flow_charts import charts
from dashboard.engineer.flow_picture import Branch, Stop, Words, way
from dashboard.engineer.flow_words import SPANS, Texts, Window
from dashboard.engineer.silence import Silence
from dashboard.engineer.traffic import family_words
from dashboard.web.csv import Row, csv_file
from dashboard.web.guard import may_still
from dashboard.web.site import Site
from dashboard.web.values import Moment, Word
from devices.families import FAMILIES, UNKNOWN
from store import flow
from store.batch import COUNT_NAMES
from store.connect import Connection
from store.flow import FIGURES, Flow
from store.silence import FamilySilence

Span = Literal["1h", "6h", "24h", "7d", "30d"]
To = Annotated[Moment, Query()]
#: Steps of the account on the page; the file has all.
ROWS = 60
#: How often the live numbers are read at most [s]: batches are committed ten times as often.
_PAUSE = 0.5
#: How long a page that was made serves whoever asks for the same [s].
_GOOD = 1.0


class LiveTexts:
    """A `dashboard.web.events.Topic`: the numbers of the last hour and of now, as texts by id.

    A change is ``{"id": "all.messages_received", "text": "1,204"}``, one that is no more ``{"id": …, "gone": 1}``, the
    snapshot ``{"columns": ["id", "text"], "rows": [[…], …]}``.
    """

    def __init__(self, silence: Silence) -> None:
        self._silence = silence
        self._texts: Texts | None = None
        self._read_at = 0.0

    def changes(self, connection: Connection) -> list[bytes]:
        """The texts that are different. Raises psycopg.Error."""
        before = self._texts
        if before is not None and time.monotonic() - self._read_at < _PAUSE:
            return []
        _, _, self._texts = newest(connection, self._silence, flow_words.now_utc())
        self._read_at = time.monotonic()
        if before is None:
            return []
        gone = [orjson.dumps({"id": name, "gone": 1}) for name in before.keys() - self._texts.keys()]
        return gone + [
            orjson.dumps({"id": name, "text": text}) for name, text in self._texts.items() if before.get(name) != text
        ]

    def snapshot(self) -> bytes:
        """All texts."""
        assert self._texts is not None, "nothing has been read yet"
        return orjson.dumps({"columns": ["id", "text"], "rows": list(self._texts.items())})


def newest(connection: Connection, silence: Silence, now: datetime) -> tuple[Flow, Sequence[FamilySilence], Texts]:
    """The last hour by minute, the silent devices, and the texts of both. Raises psycopg.Error."""
    hour = flow_words.window("1h", None, now)
    found = flow.minutes(connection, hour.since, hour.until, hour.step)
    silent = silence.families(connection)
    return found, silent, {**flow_words.account_texts(found), **flow_words.now_texts(found, silent, now)}


def router(site: Site) -> APIRouter:
    """The page, its stream and its files."""
    routes = APIRouter()
    silence = Silence(site)
    live = site.events.add(LiveTexts(silence))
    kept = _Kept()

    @routes.get("/engineer")
    async def page(request: Request, span: Span = "1h", to: To = None, family: Word | None = None) -> Response:
        """All numbers of a time, no older than a second."""
        now = flow_words.now_utc()
        shown = _window(span, to, now)

        def make() -> Response:
            body = kept.get((span, to, family))
            if body is None:
                body = kept.put((span, to, family), draw())
            return site.page(request, "engineer/pipeline.html", {"page": "pipeline", "body": body})

        def draw() -> Markup:
            with site.lane.connection() if costly else site.connection() as connection:
                last, silent, texts = newest(connection, silence, now)
                whole = shown.span == "1h" and shown.now
                found = last if whole else flow.minutes(connection, shown.since, shown.until, shown.step)
            if not whole:
                texts = {**texts, **_cleared(texts), **flow_words.account_texts(found)}
            context = _context(site, found, shown, texts, family, now)
            here = {one.family: one for one in silent}
            known = [name for name in (*FAMILIES, UNKNOWN) if name in here or name in last.families]
            template = site.templates.get_template("engineer/pipeline_body.html")
            return Markup(template.render({**context, "silent": here, "known": known}))  # noqa: S704  # a template's

        # days are made of thousands of rows, weeks of a quarter of a million: not beside the pages
        costly = shown.span not in ("1h", "6h")
        return await (site.lane.run(make) if costly else run_in_threadpool(make))

    @routes.get("/engineer/pipeline/events")
    async def events(request: Request) -> Response:
        """The numbers of the last hour and of now: until the session ends."""
        return site.events.stream(live, request, may_still)

    @routes.get("/engineer/pipeline/account.csv")
    @site.lane.work
    def account(span: Span = "1h", to: To = None, family: Word | None = None) -> Response:
        """The account by step and family."""
        found = read(span, to)
        return csv_file(site, "account", ("from", "family", *flow_words.WORDS, "adds_up"), _account_rows(found, family))

    @routes.get("/engineer/pipeline/figures.csv")
    @site.lane.work
    def figures(span: Span = "1h", to: To = None, family: Word | None = None) -> Response:
        """Lags of a family, or all, and what the collectors noted, by step."""
        return csv_file(
            site, "pipeline", ("from", "lag_p50", "lag_p99", *FIGURES), _figure_rows(read(span, to), family)
        )

    @routes.get("/engineer/pipeline/rejections.csv")
    @site.lane.work
    def rejections(span: Span = "1h", to: To = None, family: Word | None = None) -> Response:
        """What was rejected why, by step."""
        shown = _window(span, to, flow_words.now_utc())
        with site.lane.connection() as connection:
            found = list(flow.rejections_by_step(connection, shown.since, shown.until, shown.step))
        rows = (
            (at.astimezone(UTC).isoformat(timespec="minutes"), of, reason, count)
            for at, of, reason, count in found if family in (None, of)
        )  # fmt: skip
        return csv_file(site, "rejections", ("from", "family", "reason", "count"), rows)

    def read(span: Span, to: datetime | None) -> Flow:
        shown = _window(span, to, flow_words.now_utc())
        with site.lane.connection() as connection:
            return flow.minutes(connection, shown.since, shown.until, shown.step)

    return routes


class _Kept:
    """Bodies of the page, each for a second: it is the same for every engineer. For many threads."""

    def __init__(self) -> None:
        self._bodies: dict[Hashable, tuple[float, Markup]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Markup | None:
        """The body that was made within the last second."""
        with self._lock:
            made, body = self._bodies.get(key, (0.0, None))
        return body if time.monotonic() - made < _GOOD else None

    def put(self, key: Hashable, body: Markup) -> Markup:
        """Keep one; others that are old go."""
        now = time.monotonic()
        with self._lock:
            self._bodies = {one: (made, text) for one, (made, text) in self._bodies.items() if now - made < _GOOD}
            self._bodies[key] = now, body
        return body


def _window(span: Span, to: datetime | None, now: datetime) -> Window:
    return flow_words.window(span, None if to is None else to.replace(tzinfo=UTC), now)


def _cleared(texts: Texts) -> Texts:
    """The last hour's account does not stand in for that of another time."""
    return {name: "0" for name in texts if not name.startswith("now.")}


def _context(
    site: Site, found: Flow, shown: Window, texts: Texts, family: str | None, now: datetime
) -> Mapping[str, Any]:
    who = family or "all"
    totals = flow_words.totals(found)
    none = np.zeros(len(COUNT_NAMES), np.int64)
    numbers = {
        f"{who}.{name}": int(count)
        for name, count in zip(COUNT_NAMES, totals.get(who, none), strict=True)
    }  # fmt: skip
    whole = shown.span == "1h" and shown.now

    def address(path: str = "/engineer", **changes: str | datetime | None) -> str:
        return flow_words.address(path, shown, family, **changes)

    def rejected(of: str | None, reason: str | None = None) -> str | None:
        given = "&".join(f"{name}={value}" for name, value in (("family", of), ("reason", reason)) if value)
        return f"/engineer/rejected?{given}".rstrip("?") if "/engineer/rejected" in site.paths else None

    before, after = flow_words.earlier_and_later(shown, now)
    reasons = sorted(
        ((of, reason, count) for (of, reason), count in found.rejections.items() if family in (None, of)),
        key=lambda one: -one[2],
    )
    return {
        "now": now,
        "shown": shown,
        "texts": texts,
        "whole": whole,
        "family": family,
        "family_words": family_words,
        "who": who,
        "address": address,
        "rejected": rejected,
        "spans": [(key, words, key == shown.span) for key, (words, _, _) in SPANS.items()],
        "before": before,
        "after": after,
        "headline": flow_words.headline(found, shown, family),
        "picture": way(_stops(who, family, rejected), Words(texts, numbers, whole), "A message's way"),
        "families": [one for one in found.families if totals[one].any()],
        "numbers_of": {one: dict(zip(COUNT_NAMES, counts.tolist(), strict=True)) for one, counts in totals.items()},
        "words_of": flow_words.WORDS,
        "wrong": flow_words.wrong_steps(found),
        "reasons": reasons,
        "uncounted": any(numbers[f"{who}.{word}_rejected"] for word in ("messages", "readings")),
        "figures": charts(found, shown, family, address),
        "rows": flow_words.rows(found, family, ROWS),
        "step_words": lambda at: flow_words.step_words(at, shown),
        "hour_of": lambda at: flow_words.address("/engineer", shown, family, span="1h", to=at + shown.step),
    }


def _stops(who: str, family: str | None, rejected: Any) -> list[Stop]:
    """The places on a message's way."""
    silent = "/engineer/silent" + (f"?family={family}" if family else "")
    return [
        Stop("Devices", notes=(Branch("silent", f"now.{family}.silent" if family else "now.silent", silent),)),
        Stop(
            "Broker",
            notes=(Branch("waiting", "now.queued"), Branch("thrown away in an hour", "now.dropped")),
        ),
        Stop(
            "Collector",
            comes=((("messages", f"{who}.messages_received")),),
            notes=(Branch("in flight at most", "now.flying"),),
            branches=(
                Branch("ignored", f"{who}.messages_ignored"),
                Branch("rejected", f"{who}.messages_rejected", rejected(family)),
            ),
        ),
        Stop(
            "Checks and keep rules",
            comes=(("decoded", f"{who}.messages_decoded"), ("readings", f"{who}.readings_decoded")),
            branches=(
                Branch("duplicates", f"{who}.readings_duplicates"),
                Branch("thinned", f"{who}.readings_thinned"),
                Branch("rejected", f"{who}.readings_rejected", rejected(family)),
                Branch("refused", f"{who}.readings_refused"),
            ),
        ),
        Stop(
            "Database",
            comes=(("stored", f"{who}.readings_stored"), ("restated", f"{who}.readings_restated")),
            notes=(Branch("a batch", "now.database"),),
        ),
    ]


def _account_rows(found: Flow, family: str | None) -> Iterator[Row]:
    order = [COUNT_NAMES.index(word) for word in flow_words.WORDS]
    holds = flow_words.adds_up(found.counts)
    for step, place in np.argwhere(found.counts.any(axis=2)).tolist():
        if family in (None, found.families[place]):
            at = (found.since + step * found.step).isoformat(timespec="minutes")
            numbers = found.counts[step, place, order].tolist()
            yield at, found.families[place], *numbers, "yes" if holds[step, place] else "no"


def _figure_rows(found: Flow, family: str | None) -> Iterator[Row]:
    p50, p99 = flow_words.lags(flow_words.of_family(found.lags, found, family))
    for step in range(len(found.counts)):
        values = [found.figures[name][step] for name in FIGURES]
        if not np.isnan([p50[step], *values]).all():
            said = ["" if np.isnan(value) else f"{value:.6g}" for value in (p50[step], p99[step])]
            whole = ["" if np.isnan(value) else f"{value:.12g}" for value in values]
            yield (found.since + step * found.step).isoformat(timespec="minutes"), *said, *whole
