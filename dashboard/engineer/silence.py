"""Devices that say nothing: how many of each family, and which, without those of households, which are only counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

from fastapi import APIRouter, Request, Response

from dashboard.engineer.traffic import family_words
from dashboard.labels import age as age_words
from dashboard.web.csv import csv_file
from dashboard.web.site import Site
from dashboard.web.values import Word
from store import silence
from store.connect import Connection
from store.silence import FamilySilence
from store.times import microseconds

#: How long a device of a family may say nothing; parking bays have a setting.
LIMITS: Mapping[str, timedelta] = {
    "smart-meter": timedelta(hours=25),
    "air-monitor": timedelta(hours=1),
    "movement-sensor": timedelta(hours=25),
    "car-park": timedelta(hours=1),
}
_US = timedelta(microseconds=1)
#: Devices on the page, and in the file.
_SHOWN, _MOST = 200, 100_000
#: The counts are as old as this at most [s], or as twenty times what they take: they look at every newest reading.
_FRESH, _TIMES = 10.0, 20.0


def limits(site: Site, family: str | None = None) -> dict[str, timedelta]:
    """How long devices may say nothing, of one family or all."""
    every = {"parking-bay": site.options.parking_silence, **LIMITS}
    return every if family is None else {name: limit for name, limit in every.items() if name == family}


class Silence:
    """The counts, kept for some seconds for whoever asks, in whatever thread."""

    def __init__(self, site: Site) -> None:
        self._limits = limits(site)
        self._lock = threading.Lock()
        self._found: Sequence[FamilySilence] = ()
        self._until = 0.0

    def families(self, connection: Connection) -> Sequence[FamilySilence]:
        """Of each family with devices. Raises psycopg.Error."""
        with self._lock:
            begun = time.monotonic()
            if begun >= self._until:
                self._found = silence.families(connection, self._limits)
                now = time.monotonic()
                self._until = now + max(_FRESH, _TIMES * (now - begun))
            return self._found


def router(site: Site) -> APIRouter:
    """The list and its file."""
    routes = APIRouter()

    @routes.get("/engineer/silent")
    @site.lane.work
    def page(request: Request, family: Word | None = None) -> Response:
        """Silent devices of a family, or of all."""
        wanted = limits(site, family)
        with site.lane.connection() as connection:
            counts = silence.families(connection, wanted)
            found = silence.devices(connection, wanted, _SHOWN)
        now = time.time_ns() // 1000
        context = {
            "page": "pipeline",
            "family": family,
            "counts": [(one, family_words(one.family), age_words(wanted[one.family] // _US)) for one in counts],
            "open": sum(one.silent - one.personal for one in counts),
            "personal": sum(one.personal for one in counts),
            "devices": [
                (one, family_words(one.family), "" if one.heard is None else age_words(now - microseconds(one.heard)))
                for one in found
            ],
        }
        return site.page(request, "engineer/silent.html", context)

    @routes.get("/engineer/silent.csv")
    @site.lane.work
    def table(family: Word | None = None) -> Response:
        """All of them that are of no household."""
        with site.lane.connection() as connection:
            found = silence.devices(connection, limits(site, family), _MOST)
        rows = (
            (one.device, one.family, one.model, "" if one.heard is None else one.heard.isoformat(timespec="seconds"))
            for one in found
        )
        return csv_file(site, "silent-devices", ("device", "family", "model", "heard"), rows)

    return routes
