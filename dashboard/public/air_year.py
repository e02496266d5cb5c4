"""A year of one monitor: the calendar of daily indices, and each pollutant's mean."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from analytics.report import words as report_words
from dashboard.public import air_figures, air_words
from dashboard.public.air import monitor_address
from dashboard.public.air_hours import day_table, pollutants_of
from dashboard.web.site import Site
from store.air import POLLUTANTS, Monitor
from store.connect import Connection

DAYS = 365


def context(site: Site, connection: Connection, monitor: Monitor, today: date) -> dict[str, Any]:
    """What the page shows of the ``DAYS`` days before ``today``. Raises psycopg.Error."""
    first = today - timedelta(days=DAYS)
    days, hours = day_table(connection, monitor.id, first, today, site.zone)
    csv = f"{monitor_address(monitor.id)}/days.csv?from={first}&to={today - timedelta(days=1)}"
    drawn = {
        one: air_figures.year_figure(days, hours.mean[POLLUTANTS.index(one)], one, csv)
        for one in pollutants_of(monitor)
    }
    calendar = air_figures.calendar_figure(days, csv)
    return {
        "title": report_words.days(first, today),
        "figures": [one for one in (calendar, *drawn.values()) if one is not None],
        "none": [air_words.NAMES[name] for name, one in drawn.items() if one is None],
    }
