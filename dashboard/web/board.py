"""How all bays stand, for every page that shows them: the register in memory, and the states of now or of an instant.

The register is read again after a while, the states at most once a second; what changes in between is told by the
stream of changes. Officers see all bays, whoever else may come in those of no household (`Board.seen`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.parking import health, state, stays
from analytics.parking.arrays import DAY, NONE, UNKNOWN, Carry, Hours, Int64, nothing
from analytics.parking.readings import in_links
from analytics.parking.sources import Part, Register
from analytics.parking.state import Newest, Now, Standing
from dashboard.web.visitor import Visitor
from devices.bank_holidays import bank_holidays
from store import board as table
from store import parking, parking_record
from store.batch import Float64
from store.connect import Connection
from store.times import instant, local_day, midnight

#: Who sees the bays of households too.
OFFICER = "parking-ops"
#: How long the register is good, and the states [s].
_REGISTER, _STATES = 30.0, 1.0
#: Past instants that are kept, as long as the register is, for somebody turns pages there.
_PAST = 4
#: How far back suspects are looked for [us], and how long they are good [s].
_LOOK, _SUSPECTS = 28 * DAY, 600.0
#: How far back a stay can have begun that is not stuck, and what is read of a day that is not recorded.
_LONGEST, _UNRECORDED = timedelta(days=30), timedelta(days=2)
#: A record that is no further behind is gone on from.
_BEHIND = timedelta(days=3)

Words = NDArray[np.object_]
_NOBODY: Int64 = np.empty(0, np.int64)


@dataclass(frozen=True)
class Bays:
    """Bays in the order of the board (zone, street, id), each column ``(bays,)``; ``model`` and ``gateway`` of the
    sensor that lies in it, "" where that is not known; ``watched``: whether one lies there at all; ``limit``: how long
    it may be silent [us]."""

    id: Sequence[str]
    street: Words
    zone: Words
    kind: Words
    lon: Float64
    lat: Float64
    personal: NDArray[np.bool_]
    model: Words
    gateway: Words
    watched: NDArray[np.bool_]
    limit: Int64

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Where each bay stands in the columns."""
        return {bay: place for place, bay in enumerate(self.id)}

    @cached_property
    def zones(self) -> Sequence[str]:
        """All zones."""
        return sorted(set(self.zone))

    @cached_property
    def _streets(self) -> Sequence[str]:
        return sorted(set(self.street))

    def streets(self, zone: str = "") -> Sequence[str]:
        """The streets of a zone, or all."""
        return sorted(set(self.street[self.zone == zone])) if zone else self._streets

    def some(self, which: NDArray[np.bool_]) -> Bays:
        """Those bays of which ``which`` is true."""
        ids = [self.id[place] for place in np.flatnonzero(which).tolist()]
        return Bays(
            ids, self.street[which], self.zone[which], self.kind[which], self.lon[which], self.lat[which],
            self.personal[which], self.model[which], self.gateway[which], self.watched[which],
            self.limit[which],
        )  # fmt: skip


@dataclass(frozen=True)
class Board:
    """All bays at an instant ``at`` [us]; ``heard``, ``(bays,)``: newest reading of the sensor that lies there [us].

    ``kept`` is for what pages make of it: a board does not change.
    """

    at: int
    bays: Bays
    now: Now
    heard: Int64
    kept: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def seen(self, visitor: Visitor) -> Board:
        """What of it a visitor sees."""
        return self if OFFICER in visitor.roles else self.open

    @cached_property
    def open(self) -> Board:
        """The bays of no household."""
        which = ~self.bays.personal
        now = Now(*(column[which] for column in self.now))
        return Board(self.at, self.bays.some(which), now, self.heard[which])


class Suspect(NamedTuple):
    """A bay whose state had ``lasted`` too long to be believed when it was looked at, beside the longest of its ``own``
    and its ``zone``'s [us]; ``since``: of that state [us]."""

    bay: str
    lasted: int
    own: int
    zone: int
    since: int


class _Loaded:
    """The register as of an instant: its bays, what holds in them, and where each stands in the arrays."""

    def __init__(self, connection: Connection, at: int, zone: ZoneInfo, silence: int) -> None:
        day = local_day(instant(at), zone)
        rows = table.bays(connection, day, instant(at))
        ids, street, zones, kind, lon, lat, personal, model, gateway = zip(*rows, strict=True) if rows else ((),) * 9
        self.register = register = Register(connection, ids, silence)
        self.part: Part = register.part(register.places(ids))
        self.slots = {bay: slot for slot, bay in enumerate(self.part.bays)}
        #: Where each bay of the board stands in the arrays.
        self.slot = np.array([self.slots[bay] for bay in ids], np.int64)
        first = midnight(day - _LONGEST, zone)
        self.hours: Hours = register.hours(first, at + DAY, zone, frozenset(bank_holidays()))
        self.day = day
        links = in_links(self.part.links, len(self.part.bays))
        here = (links.start <= at) & (at < links.end)
        #: Since when a sensor lies in each.
        self.start = np.full(len(self.part.bays), NONE, np.int64)
        self.start[links.bay[here]] = links.start[here]
        self.bays = Bays(
            ids, _words(street), _words(zones), _words(kind), np.array(lon, np.float64), np.array(lat, np.float64),
            np.array(personal, np.bool_), _words(model), _words(gateway), self.start[self.slot] != NONE,
            self.part.table.limit[self.slot],
        )  # fmt: skip
        self._device_places = register.device_places

    def carry(self, connection: Connection, day: date, otherwise: Carry | None = None) -> Carry:
        """How the record ends a local day; where it has nothing of a bay, ``otherwise`` or that nothing was heard."""
        found = parking_record.carries(connection, self.part.bays, day)
        other = nothing(len(self.part.bays)) if otherwise is None else otherwise
        known = found.state >= 0
        return Carry(
            np.where(known, found.state, other.state).astype(np.int8),
            np.where(known, found.since, other.since),
            np.where(known, found.heard, other.heard),
            np.where(known, self._device_places(found.device), other.device),
        )

    def board(self, at: int, standing: Standing, heard: Int64, grace: int) -> Board:
        """The board at an instant ``at`` [us]; ``heard``: as in `Board`, but by part; ``grace`` [us]."""
        part = self.part
        now = state.now(at, standing, part.table, self.hours, part.suspensions, part.permits, grace)
        return Board(at, self.bays, Now(*(column[self.slot] for column in now)), heard[self.slot])


class _Held:
    """The register as it was read last, and what is known of its bays since."""

    def __init__(self, version: int, loaded: _Loaded, carry: Carry) -> None:
        self.version, self.loaded, self.carry = version, loaded, carry
        self._since = time.monotonic()
        self._asked: list[str] | None = None
        self._places: tuple[Int64, Int64] = (_NOBODY, _NOBODY)

    def places(self, bays: list[str]) -> tuple[Int64, Int64]:
        """Rows of a list of bays and where they stand in the arrays; a bay that the register did not have is left out
        until it is read again."""
        if bays != self._asked:
            slots = self.loaded.slots
            pairs = [(row, slots[bay]) for row, bay in enumerate(bays) if bay in slots]
            both = np.array(pairs, np.int64).reshape(-1, 2)
            self._asked, self._places = bays, (both[:, 0], both[:, 1])
        return self._places

    @property
    def age(self) -> float:
        """How long ago it was read [s]."""
        return time.monotonic() - self._since


class Boards:
    """The board of one site. For many threads."""

    def __init__(self, zone: ZoneInfo, grace: timedelta, silence: timedelta) -> None:
        """``grace`` and ``silence`` as `borough analyse` has them."""
        self._zone = zone
        self._grace, self._silence = (length // timedelta(microseconds=1) for length in (grace, silence))
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._current: tuple[float, Board] | None = None
        #: With the register's version, and when they were made (monotonic).
        self._past: OrderedDict[int, tuple[int, float, Board]] = OrderedDict()
        self._suspects: tuple[float, list[Suspect]] | None = None

    def current(self, connection: Connection) -> Board:
        """The board of now, no older than a second. Raises psycopg.Error."""
        with self._lock:
            if self._current is None or time.monotonic() - self._current[0] > _STATES:
                self._current = time.monotonic(), self._read(connection)
            return self._current[1]

    def newest(self, connection: Connection) -> Board:
        """The board of this very moment, for the stream of changes. Raises psycopg.Error."""
        with self._lock:
            self._current = time.monotonic(), self._read(connection)
            return self._current[1]

    def past(self, connection: Connection, at: int) -> Board:
        """The board as it was at ``at`` [us], by the readings that are known by now. Raises psycopg.Error.

        It is made anew after a while, for readings come late, and at once where a bay was touched: by a change of the
        register, or by an erasure.
        """
        version = table.register_version(connection)
        with self._lock:
            if at in self._past:
                of_version, since, kept = self._past[at]
                if of_version == version and time.monotonic() - since <= _REGISTER:
                    self._past.move_to_end(at)
                    return kept
        begun, made = time.monotonic(), self._made(connection, at)
        with self._lock:
            self._past[at] = version, begun, made
            self._past.move_to_end(at)
            while len(self._past) > _PAST:
                self._past.popitem(last=False)
        return made

    def suspects(self, connection: Connection) -> list[Suspect]:
        """Bays whose state has not changed for suspiciously long, by the readings of 28 days; made anew after a while.
        One that has changed since is none.

        A zone at once is read, and none in which every bay has changed within a day. Raises psycopg.Error.
        """
        board = self.current(connection)
        with self._lock:
            held, known = self._held, self._suspects
        assert held is not None
        if known is not None and time.monotonic() - known[0] < _SUSPECTS:
            place, since = board.bays.place, board.now.since
            return [one for one in known[1] if one.bay in place and since[place[one.bay]] == one.since]
        found: list[Suspect] = []
        lasting = (board.now.state < UNKNOWN) & (board.at - board.now.since > health.SUSPECT_AFTER)
        for zone in sorted(set(board.bays.zone[lasting])):
            found += _suspects(connection, held.loaded.register, board, board.bays.zone == zone)
        with self._lock:
            self._suspects = time.monotonic(), found
        return found

    def _read(self, connection: Connection) -> Board:
        at = time.time_ns() // 1_000
        version = table.register_version(connection)
        held, before = self._held, None
        if held is None or held.version != version or held.age > _REGISTER or held.loaded.day != self._day(at):
            loaded = _Loaded(connection, at, self._zone, self._silence)
            last = self._recorded_day(connection, loaded.day)
            yesterday = loaded.carry(connection, last - timedelta(days=1))
            if held is not None and held.loaded.part.bays == loaded.part.bays:
                before = held.carry
            held = _Held(version, loaded, loaded.carry(connection, last, yesterday))
        loaded = held.loaded
        latest = parking.latest_states(connection)
        rows, into = held.places(latest.bays)
        bays = len(loaded.part.bays)
        found = Newest(np.full(bays, NONE, np.int64), np.zeros(bays, np.int64), loaded.start)
        found.time[into] = latest.time[rows]
        found.value[into] = latest.value[rows] == 1
        if before is not None:
            held.carry = state.later(held.carry, before, found)
        odd = np.zeros(bays, np.bool_)
        odd[into] = (found.time[into] != NONE) & (latest.value[rows] != 0) & (latest.value[rows] != 1)
        found = state.without(odd, found, held.carry)
        standing = state.heard(at, found, held.carry, loaded.part.table)
        held.carry = state.kept(standing, found, held.carry)
        self._held = held
        return loaded.board(at, standing, found.time, self._grace)

    def _day(self, at: int) -> date:
        return local_day(instant(at), self._zone)

    def _recorded_day(self, connection: Connection, day: date) -> date:
        """The last local day up to ``day`` of which the record has a part: the one before it is whole. In a night
        without a reading, and where nobody analyses, it ends on an earlier day."""
        recorded = parking_record.recorded(connection)
        return day if recorded is None else min(day, self._day(recorded[0] - 1))

    def _made(self, connection: Connection, at: int) -> Board:
        loaded = _Loaded(connection, at, self._zone, self._silence)
        first = self._recorded_day(connection, loaded.day)
        start, carry = midnight(first, self._zone), loaded.carry(connection, first - timedelta(days=1))
        if parking_record.recorded(connection) is None or loaded.day - first > _BEHIND:
            start = midnight(loaded.day - _UNRECORDED, self._zone)
            carry = nothing(len(loaded.part.bays))
        # the instant itself is in
        events = loaded.part.events(connection, start, at + 1)
        _, _, ended, _ = stays.run(events, loaded.part.links, loaded.part.table, carry, start, at + 1)
        # what the sensor before said is not this one's
        heard = np.where((loaded.start != NONE) & (ended.heard >= loaded.start), ended.heard, NONE)
        return loaded.board(at, state.carried(at, ended, loaded.part.table), heard, self._grace)


def _suspects(connection: Connection, register: Register, board: Board, which: NDArray[np.bool_]) -> list[Suspect]:
    places = np.flatnonzero(which)
    part = register.part(register.places([board.bays.id[place] for place in places.tolist()]))
    # the part has its bays in an order of its own
    places = np.array([board.bays.place[bay] for bay in part.bays], np.int64)
    start, bays = board.at - _LOOK, len(places)
    spans, _, _, _ = stays.run(
        part.events(connection, start, board.at), part.links, part.table, nothing(bays), start, board.at
    )
    state, since = board.now.state[places], board.now.since[places]
    found = health.suspects(spans, state, since, np.zeros(bays, np.int64), board.at)
    columns = (
        found.bay.tolist(), found.lasted.tolist(), found.own.tolist(), found.zone.tolist(), since[found.bay].tolist(),
    )  # fmt: skip
    return [Suspect(part.bays[bay], *lengths) for bay, *lengths in zip(*columns, strict=True)]


def _words(column: Sequence[str]) -> Words:
    return np.array(column, object)
