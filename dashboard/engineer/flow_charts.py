"""Charts of the pipeline over time: what came, how late it was, how long batches took. Each with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from dashboard.engineer import flow_words
from dashboard.engineer.flow_picture import Axis, Line, lines
from dashboard.engineer.flow_words import Window
from dashboard.engineer.traffic import family_words
from dashboard.figures import Cell, Figure, scale
from devices.counts import counted
from store.batch import COUNT_NAMES, Float64
from store.flow import Flow

#: Steps in a figure's table; its file has all.
_ROWS = 30
#: Marks of an axis of times [s].
_TIMES = (
    (0.001, "1 ms"), (0.01, "10 ms"), (0.1, "100 ms"), (1.0, "1 s"), (10.0, "10 s"), (60.0, "1 min"), (600.0, "10 min"),
    (3600.0, "1 h"), (36_000.0, "10 h"), (345_600.0, "4 days"), (2_592_000.0, "30 days"),
)  # fmt: skip
#: What a quantile may be wrong by.
_ROUGH = "Quantiles are read from counts by powers of the square root of two: they may be up to 41 % off."


def charts(found: Flow, shown: Window, family: str | None, address: Callable[..., str]) -> list[tuple[Figure, str]]:
    """The figures of what is known of a time, each with a remark."""
    made = []
    received = found.counts[:, :, COUNT_NAMES.index("messages_received")].astype(np.float64)
    if received.any():
        made.append((_came(found, shown, family, address, received), ""))
    p50, p99 = flow_words.lags(flow_words.of_family(found.lags, found, family))
    if not np.isnan(p50).all():
        made.append((_lag(found, shown, family, address, p50, p99), _ROUGH))
    if np.nansum(found.figures["batches"]):
        made.append((_batches(found, shown, address), ""))
    return made


def _came(found: Flow, shown: Window, family: str | None, address: Callable[..., str], received: Float64) -> Figure:
    places = [place for place, name in enumerate(found.families) if family in (None, name) and received[:, place].any()]
    drawn = received.copy()
    if shown.now:
        drawn[-1] = np.nan  # what is running would look like a fall
    given = [Line(family_words(found.families[place]), drawn[:, place]) for place in places]
    total = received[:, places].sum(axis=1)
    marks = Axis([(value, f"{value:,.10g}") for value in scale(float(total.max(initial=0)))])
    most = int(np.argmax(total))
    headline = (
        f"{counted(int(total.sum()), 'message')} in {shown.words}, at most {total[most]:,.0f} in one {shown.unit}"
        f" ({_at(found, shown, most)})"
    )
    return Figure(
        "came",
        headline,
        lines(given, marks, _marks(shown), f"Messages by {shown.unit}: {headline}"),
        f"Messages received by {shown.unit} (UTC), the newest first",
        [shown.unit.capitalize(), *(line.name for line in given)],
        _table(found, shown, [received[:, place] for place in places], flow_words.number, total > 0),
        csv=address("/engineer/pipeline/account.csv"),
        unit=f"messages a {shown.unit}",
    )


def _lag(
    found: Flow, shown: Window, family: str | None, address: Callable[..., str], p50: Float64, p99: Float64
) -> Figure:
    whole = flow_words.lags(flow_words.of_family(found.lags, found, family).sum(axis=0))
    middle, late = (flow_words.duration(float(value)) for value in whole)
    headline = f"Half of the readings were committed within {middle} of their time, 99 in 100 within {late}"
    return Figure(
        "lag",
        headline,
        lines([Line("p50", p50), Line("p99", p99)], _time_axis(p50, p99), _marks(shown), headline),
        f"From a reading's time to its commit, by {shown.unit} (UTC), the newest first",
        [shown.unit.capitalize(), "p50", "p99"],
        _table(found, shown, [p50, p99], flow_words.duration, ~np.isnan(p50)),
        csv=address("/engineer/pipeline/figures.csv"),
        unit="lag, each mark about ten times the one below",
    )


def _batches(found: Flow, shown: Window, address: Callable[..., str]) -> Figure:
    figures = found.figures
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.where(figures["batches"] > 0, figures["batches"], np.nan)
        whole, database = figures["write_seconds"] / count, figures["database_seconds"] / count
    longest = np.where(np.isnan(count), np.nan, figures["write_longest"])
    batches = np.nansum(figures["batches"])
    mean, inside = (
        flow_words.duration(np.nansum(figures[name]) / batches) for name in ("write_seconds", "database_seconds")
    )
    headline = f"{counted(int(batches), 'batch', 'batches')}, on average {mean} each, {inside} of it in the database"
    given = [Line("batch", whole), Line("of it database", database), Line("longest batch", longest)]
    return Figure(
        "batches",
        headline,
        lines(given, _time_axis(*(line.values for line in given)), _marks(shown), headline),
        f"Mean and longest times of batches by {shown.unit} (UTC), the newest first",
        [shown.unit.capitalize(), *(line.name for line in given)],
        _table(found, shown, [line.values for line in given], flow_words.duration, ~np.isnan(count)),
        csv=address("/engineer/pipeline/figures.csv"),
        unit="time, each mark about ten times the one below",
    )


def _table(
    found: Flow, shown: Window, columns: Sequence[Float64], words: Callable[[float], str], known: Float64
) -> list[list[Cell]]:
    places = np.flatnonzero(known)[::-1][:_ROWS].tolist()
    return [
        [Cell(_at(found, shown, place)), *(Cell(words(float(column[place]))) for column in columns)] for place in places
    ]


def _time_axis(*values: Float64) -> Axis:
    known = np.concatenate([column[~np.isnan(column)] for column in values])
    low, high = float(known.min()), float(known.max())
    first = max((place for place, (mark, _) in enumerate(_TIMES) if mark <= low), default=0)
    last = min((place for place, (mark, _) in enumerate(_TIMES) if mark >= high), default=len(_TIMES) - 1)
    return Axis(_TIMES[first : max(last, first + 1) + 1], logarithmic=True)


def _marks(shown: Window) -> list[tuple[float, str]]:
    length = shown.until - shown.since
    return [(part / 4, _clock(shown.since + length * part / 4, shown)) for part in range(5)]


def _clock(at: datetime, shown: Window) -> str:
    return f"{at:%-d %b}" if shown.unit == "hour" else f"{at:%H:%M}"


def _at(found: Flow, shown: Window, place: int) -> str:
    return flow_words.step_words(found.since + place * found.step, shown)
