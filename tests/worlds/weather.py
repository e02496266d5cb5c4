"""Temperatures of a made-up place by day: a year's course, and ups and downs that repeat."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from store import weather
from store.connect import Connection


def warmth(first: date, end: date, colder: date | None = None) -> dict[date, float]:
    """Mean temperatures [Cel] from ``first`` to ``end`` (not included); from ``colder`` on three kelvins less."""
    days = [first + timedelta(days=place) for place in range((end - first).days)]
    usual = 11 - 7 * np.cos(2 * np.pi * (np.array([day.timetuple().tm_yday for day in days]) - 20) / 365)
    less = np.array([0.0 if colder is None or day < colder else 3.0 for day in days])
    found = usual - less + np.random.default_rng(7).normal(0, 2.5, len(days))
    return dict(zip(days, found.round(2).tolist(), strict=True))


def take(connection: Connection, temperatures: dict[date, float]) -> None:
    """Take them for the place where made-up homes lie."""
    with connection.transaction():
        weather.put(connection, weather.Place("here", -0.1, 51.5), temperatures)
