"""How the air is now at all monitors, as every page and answer has it: read together, kept for seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from devices.device import Origin
from devices.text import plain_apostrophes
from store import air
from store.air import Now
from store.connect import Connection

#: So long a reading of all monitors serves everybody [s]: they change by the hour, and pages are many.
KEPT = 5.0


@dataclass(frozen=True, slots=True)
class AirBoard:
    """All monitors of an origin that are in service, ``at`` an instant, the highest index first."""

    at: datetime
    rows: Sequence[Now]

    def exactly(self, text: str) -> list[Now]:
        """The monitors whose name or id is a text."""
        wanted = _plain(text)
        return [one for one in self.rows if wanted in (_plain(one.device), _plain(one.monitor.name))]

    def named(self, text: str) -> list[Now]:
        """The monitors whose name or id holds a text; none for ""."""
        wanted = _plain(text)
        return [
            one for one in self.rows if wanted and (wanted in _plain(one.monitor.name) or wanted in _plain(one.device))
        ]


class AirBoards:
    """The newest board of one site, of the monitors of one ``origin``.

    Threads share it: one reads, the others take what it read.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._reading = threading.Lock()
        self._kept: tuple[float, AirBoard] | None = None

    def current(self, connection: Connection) -> AirBoard:
        """The board, no older than ``KEPT`` and of this hour. Raises psycopg.Error."""
        with self._reading:
            now = datetime.now(UTC)
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT or _hour(self._kept[1].at) != _hour(now):
                self._kept = time.monotonic(), read(connection, self.origin, now)
            return self._kept[1]


def read(connection: Connection, origin: Origin, at: datetime) -> AirBoard:
    """All monitors at an instant. Raises psycopg.Error."""
    rows = air.now(connection, at, origin)
    return AirBoard(at, sorted(rows, key=lambda one: (-index(one), one.monitor.name.casefold(), one.device)))


def index(one: Now) -> int:
    """The index now, 0 where there is none: what was last heard is none of now."""
    return one.index if one.fresh else 0


def _plain(text: str) -> str:
    """A name or what somebody typed, as the two are compared."""
    return plain_apostrophes(" ".join(text.split())).casefold()


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
