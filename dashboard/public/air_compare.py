"""Two monitors side by side over 30 days, for anybody: each pollutant that both measure, and how well they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response

from analytics.air import colocation as colocated
from analytics.air.colocation import colocation
from analytics.places import metres
from analytics.report import words as report_words
from dashboard.labels import distance
from dashboard.public import air_figures, air_hours, air_words
from dashboard.public.air import monitor_address
from dashboard.public.air_hours import DayTable, HourTable, day_table, pollutants_of
from dashboard.public.air_monitor import MONTH, open_monitor
from dashboard.web.site import Site
from dashboard.web.values import Text
from devices.text import visible
from store.air import POLLUTANTS, Monitor
from store.times import local_day

#: Monitors that are no farther apart [m] measure the same air.
BESIDE = 50.0


def router(site: Site) -> APIRouter:
    """The page."""
    routes = APIRouter()

    @routes.get("/air/compare")
    def page(request: Request, one: Text, other: Text) -> Response:
        """Days of two monitors; until the older of the two was last heard."""
        if one == other:
            raise HTTPException(404)
        with site.connection() as connection:
            board = site.air.current(connection)
            pair = open_monitor(connection, site, one), open_monitor(connection, site, other)
            end = local_day(min(air_hours.newest_hour(monitor, board.at) for monitor in pair), site.zone)
            first = end - timedelta(days=MONTH)
            tables = tuple(day_table(connection, monitor.id, first, end, site.zone) for monitor in pair)
        days = tables[0][0], tables[1][0]
        names = _names(pair[0].name, pair[1].name, one, other)
        both = [name for name in pollutants_of(pair[0]) if name in pollutants_of(pair[1])]
        drawn = {name: air_figures.comparison_figure(names, days, name) for name in both}
        return site.page(
            request,
            "public/air_compare.html",
            {
                "beside": _beside(pair, tables),
                "apart": None if (apart := _metres(*pair)) is None else distance(apart),
                "names": names,
                "monitors": [
                    {
                        "name": name,
                        "href": monitor_address(monitor.id),
                        "kind": air_words.kind(monitor),
                        "heard": air_words.heard(monitor, board.at, site.zone),
                        "csv": f"{monitor_address(monitor.id)}/days.csv?from={first}&to={end - timedelta(days=1)}",
                    }
                    for name, monitor in zip(names, pair, strict=True)
                ],
                "title": report_words.days(first, end),
                "figures": [figure for figure in drawn.values() if figure is not None],
                "none": [air_words.NAMES[name] for name, figure in drawn.items() if figure is None],
                "both": both,
            },
        )

    return routes


@dataclass(frozen=True, slots=True)
class Beside:
    """How a small monitor follows the reference that it hangs beside, of one pollutant, in words."""

    name: str
    hours: str
    slope: str
    intercept: str
    error: str


def _beside(pair: tuple[Monitor, Monitor], tables: Sequence[tuple[DayTable, HourTable]]) -> list[Beside]:
    """A small monitor and a reference that hang together, by pollutant; empty for any other two."""
    apart = _metres(*pair)
    if apart is None or apart > BESIDE or pair[0].indicative == pair[1].indicative:
        return []
    small, reference = (0, 1) if pair[0].indicative else (1, 0)
    found = []
    for name in pollutants_of(pair[small]):
        row, unit = POLLUTANTS.index(name), air_words.UNITS[name]
        hours = [tables[place][1].mean[row] for place in (small, reference)]
        whole = len(hours[0]) // 24 * 24
        # the same days are drawn for whoever looks
        told = colocation(hours[0][:whole], hours[1][:whole], np.random.default_rng(0))
        if told is not None:
            found.append(
                Beside(
                    air_words.NAMES[name],
                    f"{told.hours:,}",
                    _with_interval(told.slope, 2, ""),
                    _with_interval(told.intercept, 1, f" {unit}"),
                    _with_interval(told.error, 1, f" {unit}"),
                )
            )
    return found


def _with_interval(figure: colocated.Figure, places: int, unit: str) -> str:
    """A value with its interval of 95 %: ``1.21 (1.15 to 1.28)``."""
    value, low, high = (
        f"{one:.{places}f}".replace("-", "\N{MINUS SIGN}") for one in (figure.value, figure.low, figure.high)
    )
    return f"{value}{unit} ({low} to {high})"


def _metres(one: Monitor, other: Monitor) -> float | None:
    """How far apart two monitors are [m]; None where one has no place."""
    if one.lon is None or one.lat is None or other.lon is None or other.lat is None:
        return None
    east, north = metres(np.array([one.lon, other.lon]), np.array([one.lat, other.lat]))
    return float(np.hypot(east[1] - east[0], north[1] - north[0]))


def _names(one: str, other: str, first_id: str, second_id: str) -> tuple[str, str]:
    """What the two are called; two of one street are told apart by their ids."""
    one, other = visible(one), visible(other)
    return (one, other) if one != other else (f"{one} ({first_id})", f"{other} ({second_id})")
