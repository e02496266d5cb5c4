"""The pipeline in words and numbers: which time is shown, what each number of the page says, how it stands just now."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import numpy as np
from markupsafe import Markup

from analytics.pipeline.lags import quantile
from dashboard.engineer.traffic import family_words
from devices.counts import counted
from store.batch import COUNT_NAMES, Float64, Int64
from store.flow import HOUR, KEPT, LAG_BOUNDS, MINUTE, Flow
from store.silence import FamilySilence

#: What a number is called in the page's texts: ``all.messages_received``, ``now.smart-meter.p99``.
Texts = dict[str, str]
#: What can be shown: for how long, and in which steps.
SPANS: Mapping[str, tuple[str, timedelta, timedelta]] = {
    "1h": ("1 hour", timedelta(hours=1), MINUTE),
    "6h": ("6 hours", timedelta(hours=6), MINUTE),
    "24h": ("24 hours", timedelta(hours=24), MINUTE),
    "7d": ("7 days", timedelta(days=7), HOUR),
    "30d": ("30 days", timedelta(days=30), HOUR),
}
NOT_KNOWN = "\N{EN DASH}"
_MESSAGES = [COUNT_NAMES.index(f"messages_{word}") for word in ("received", "decoded", "ignored", "rejected")]
_READINGS = [
    COUNT_NAMES.index(f"readings_{word}")
    for word in ("decoded", "stored", "restated", "duplicates", "thinned", "rejected", "refused")
]
#: The words of the account in the order in which they are read.
WORDS: tuple[str, ...] = tuple(COUNT_NAMES[place] for place in (*_MESSAGES, *_READINGS))


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is shown. ``now``: it ends with the step that is running."""

    span: str
    since: datetime
    until: datetime
    step: timedelta
    now: bool

    @property
    def words(self) -> str:
        """``1 hour``."""
        return SPANS[self.span][0]

    @property
    def unit(self) -> str:
        """What a step is called."""
        return "minute" if self.step < HOUR else "hour"


@dataclass(frozen=True, slots=True)
class Row:
    """One step of the account: ``at``, its numbers by ``WORDS``, whether they add up."""

    at: datetime
    numbers: Sequence[int]
    adds_up: bool

    @property
    def cells(self) -> Markup:
        """The numbers as a table's cells: twelve in each of many rows are quicker made at once."""
        return Markup("".join(f'<td class="number">{number:,}</td>' for number in self.numbers))  # noqa: S704 - numbers


def window(span: str, to: datetime | None, now: datetime) -> Window:
    """The time of a span that ends at ``to`` (UTC, rounded up to a step), or with the step that is running."""
    _, length, step = SPANS[span]
    running = _floor(now, step) + step
    until = running if to is None else min(_floor(to + step - timedelta(microseconds=1), step), running)
    return Window(span, until - length, until, step, until == running)


def address(path: str, shown: Window, family: str | None, /, **changes: str | datetime | None) -> str:
    """An address of the same time and family, with ``changes`` to ``span``, ``to`` and ``family``."""
    given: dict[str, object] = {
        "span": shown.span,
        "to": None if shown.now else shown.until,
        "family": family,
        **changes,
    }
    said = {
        name: f"{value:%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else str(value)
        for name, value in given.items() if value is not None
    }  # fmt: skip
    return f"{path}?{urlencode(said)}"


def earlier_and_later(shown: Window, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Where the times before and after end; None where there is none: minutes are kept for some days."""
    length = shown.until - shown.since
    before = shown.since if shown.since - length >= now - KEPT - length and shown.since > now - KEPT else None
    return before, None if shown.now else shown.until + length


def adds_up(counts: Int64) -> Int64:
    """Whether both sums of the account hold: ``(..., 11)`` counts, ``(...)`` 0 or 1."""
    messages, readings = counts[..., _MESSAGES], counts[..., _READINGS]
    whole: Int64 = (
        (messages[..., 0] == messages[..., 1:].sum(axis=-1)) & (readings[..., 0] == readings[..., 1:].sum(axis=-1))
    ).astype(np.int64)
    return whole


def totals(flow: Flow) -> dict[str, Int64]:
    """The account of the whole time by family, ``(11,)`` each, and of all together (``all``)."""
    found = flow.counts.sum(axis=0)
    return {**dict(zip(flow.families, found, strict=True)), "all": found.sum(axis=0)}


def rows(flow: Flow, family: str | None, most: int) -> list[Row]:
    """The newest steps of the account in which anything came, of one family or all; the newest first."""
    counts = of_family(flow.counts, flow, family)
    holds = adds_up(counts)
    places = np.flatnonzero(counts.any(axis=1))[::-1][:most].tolist()
    ordered = counts[:, [COUNT_NAMES.index(word) for word in WORDS]]
    return [Row(flow.since + place * flow.step, ordered[place].tolist(), bool(holds[place])) for place in places]


def of_family(values: Int64, flow: Flow, family: str | None) -> Int64:
    """``(steps, families, n)`` of one family or the sum of all: ``(steps, n)``."""
    if family is None:
        total: Int64 = values.sum(axis=1)
        return total
    if family not in flow.families:
        return np.zeros((len(values), values.shape[2]), np.int64)
    return values[:, flow.families.index(family)]


def wrong_steps(flow: Flow) -> int:
    """In how many steps the account of some family does not add up."""
    return int(np.sum(~adds_up(flow.counts).astype(bool).all(axis=1)))


def lags(counts: Int64) -> tuple[Float64, Float64]:
    """p50 and p99 [s] of lags, ``(..., LAGS)`` -> ``(...)`` each."""
    return quantile(counts, LAG_BOUNDS, 0.5), quantile(counts, LAG_BOUNDS, 0.99)


# -- texts -----------------------------------------------------------------------------------------------------------


def account_texts(flow: Flow) -> Texts:
    """The account of the whole time, and what was rejected by reason."""
    found = {}
    for family, counts in totals(flow).items():
        for name, number in zip(COUNT_NAMES, counts.tolist(), strict=True):
            found[f"{family}.{name}"] = f"{number:,}"
        found[f"{family}.adds"] = "yes" if adds_up(counts) else "no"
    reasons: dict[str, int] = {}
    for (family, reason), count in flow.rejections.items():
        found[f"{family}.reason.{reason}"] = f"{count:,}"
        reasons[reason] = reasons.get(reason, 0) + count
    found.update({f"all.reason.{reason}": f"{count:,}" for reason, count in reasons.items()})
    return found


def now_texts(flow: Flow, silent: Sequence[FamilySilence], now: datetime) -> Texts:
    """How it stands just now, from the last two minutes of a flow by minute that ends with the running one."""
    seconds = 60 + min(60.0, max(0.0, (now - flow.until + flow.step).total_seconds()))
    counts, by_lag = flow.counts[-2:].sum(axis=0), flow.lags[-2:].sum(axis=0)
    figures = {name: values[-2:] for name, values in flow.figures.items()}
    batches = np.nansum(figures["batches"])
    texts = {
        "now.minute": f"{flow.until - flow.step:%H:%M}",
        "now.batch": duration(np.nansum(figures["write_seconds"]) / batches if batches else math.nan),
        "now.database": duration(np.nansum(figures["database_seconds"]) / batches if batches else math.nan),
        "now.longest": duration(_most(figures["write_longest"])),
        "now.flying": number(_most(figures["in_flight_most"])),
        "now.held": size(_most(figures["held_bytes_most"])),
        "now.queued": number(_last(figures["broker_queued"])),
        "now.dropped": number(_sum(flow.figures["broker_dropped"])),
        "now.silent": f"{sum(one.silent for one in silent):,}",
    }
    texts.update({f"now.{one.family}.silent": f"{one.silent:,}" for one in silent})
    received, stored = COUNT_NAMES.index("messages_received"), COUNT_NAMES.index("readings_stored")
    for name, own, lag in [
        *zip(flow.families, counts, by_lag, strict=True), ("all", counts.sum(axis=0), by_lag.sum(axis=0))
    ]:  # fmt: skip
        texts[f"now.{name}.rate"] = rate(own[received] / seconds)
        texts[f"now.{name}.readings"] = rate(own[stored] / seconds)
        p50, p99 = lags(lag)
        texts[f"now.{name}.p50"], texts[f"now.{name}.p99"] = duration(float(p50)), duration(float(p99))
    return texts


def headline(flow: Flow, shown: Window, family: str | None) -> str:
    """What became of the messages, in one sentence."""
    counts = dict(zip(COUNT_NAMES, of_family(flow.counts, flow, family).sum(axis=0).tolist(), strict=True))
    if not counts["messages_received"]:
        return "No message came in this time"
    who = "" if family is None else f" of {family_words(family).lower()}"
    came = f"{counted(counts['messages_received'], 'message')}{who} in {shown.words}"
    kept = f"{counted(counts['readings_stored'], 'reading')} stored"
    lost = counts["messages_rejected"] + counts["readings_rejected"]
    return f"{came}: {kept}, {f'{lost:,} rejected' if lost else 'nothing rejected'}"


def duration(seconds: float) -> str:
    """A time as it is said: ``12 ms``, ``3.4 s``, ``15 min``, ``5.0 h``, ``3.1 days``; ``NOT_KNOWN`` for NaN."""
    if math.isnan(seconds):
        return NOT_KNOWN
    if seconds < 0.9995:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.0095 else f"{seconds * 1000:.0f} ms"
    if seconds < 99.5:
        return f"{seconds:.1f} s"
    if seconds < 5_970:
        return f"{seconds / 60:.0f} min"
    days = f"{seconds / 86_400:.1f}"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{days} days"


def number(value: float) -> str:
    """A whole number as it is said; ``NOT_KNOWN`` for NaN."""
    return NOT_KNOWN if math.isnan(value) else f"{value:,.0f}"


def rate(value: float) -> str:
    """A rate [1/s]: two digits at least, so that few devices are not none."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.095 or not value else f"{value:.2g}"


def size(value: float) -> str:
    """Bytes as it is said; ``NOT_KNOWN`` for NaN."""
    if math.isnan(value):
        return NOT_KNOWN
    return (
        f"{value / 1e6:,.1f} MB"
        if value >= 99_500
        else f"{value / 1e3:,.1f} kB"
        if value >= 1_000
        else f"{value:.0f} bytes"
    )


def step_words(at: datetime, shown: Window) -> str:
    """A step's beginning (UTC) as a table has it."""
    return f"{at:%-d %b %H:%M}" if shown.until - shown.since > timedelta(hours=6) else f"{at:%H:%M}"


def now_utc() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)


def _floor(moment: datetime, step: timedelta) -> datetime:
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return begin + (moment - begin) // step * step


def _most(values: Float64) -> float:
    return math.nan if np.isnan(values).all() else float(np.nanmax(values))


def _sum(values: Float64) -> float:
    return math.nan if np.isnan(values).all() else float(np.nansum(values))


def _last(values: Float64) -> float:
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else math.nan
