"""The collector's second line to the store: who serves which session, the registry's changes, the schema's state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import psycopg

from devices.device import Device
from store import alarm_facts, connect, flow, migrations, registry, session_filters, session_lock, tombstones, unread
from store.connect import see_one_moment
from store.flow import Figures
from store.tombstones import Tombstone
from store.unread import Unread

T = TypeVar("T")

#: Replicas of a shared subscription at most.
_REPLICAS = 64

#: So long the store may take for one of our short questions.
_ANSWER_SECONDS = 5.0


class Registry(NamedTuple):
    """What changed in the registry and in the tombstones, and the number of the newest of these."""

    devices: list[Device]
    tombstones: list[Tombstone]
    version: int


class SessionLost(Exception):
    """Another collector holds our session's lock: our connection to the store broke, and it was quicker."""


class Control:
    """A connection in a thread of its own. Every method raises psycopg.Error while the store is away.

    ``formats``: what they are read with here, by name, for others to see.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        *,
        shared: bool,
        tombstone_key: bytes | None = None,
        formats: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        self._formats = formats or {}
        self._key = tombstone_key
        self._names = [f"{client_id}-{number}" for number in range(_REPLICAS)] if shared else [client_id]
        self._prefix = f"{client_id}-"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="control")
        self._connection: psycopg.Connection[Any] | None = None
        self._held: str | None = None
        self._draining: set[str] = set()
        self._unheld: set[str] = set()
        self._mark = 0
        self._version = 0
        self.schema_current = False

    async def take_session(self) -> str | None:
        """The session to serve, or None while every one is served by others."""
        return await self._run(self._take_session)

    async def refresh(self) -> Registry:
        """What changed since the last call (all at the first). Raises SessionLost; store.tombstones.WrongKey."""
        return await self._run(self._refresh)

    async def devices(self) -> list[Device]:
        """The whole registry."""
        return await self._run(lambda: registry.load(self._open(), 0)[0])

    async def note_unread(self, rows: Sequence[Unread]) -> None:
        """Note what messages had and nobody read. Raises psycopg.Error."""
        await self._run(lambda: unread.note(self._open(), rows))

    async def noted_flow(self, name: str, minute: int, hour: int) -> Figures:
        """What is written of a session's minutes from these on [us since the Unix epoch]."""
        return await self._run(lambda: flow.noted(self._open(), name, minute, hour))

    async def note_flow(self, name: str, figures: Figures) -> None:
        """Write a session's minutes."""
        await self._run(lambda: flow.note(self._open(), name, figures))

    async def note_unarchived(self, name: str, missed: int) -> None:
        """Note that messages are not archived, so many since our start. Raises psycopg.Error."""
        await self._run(lambda: alarm_facts.note_unarchived(self._open(), name, missed))

    async def orphans(self) -> list[str]:
        """Shared sessions that nobody served at this call and the one before; their locks are ours then."""
        return await self._run(self._orphans)

    async def filters(self, name: str) -> list[str]:
        """What a session may be subscribed to."""
        return await self._run(lambda: session_filters.known(self._open(), name))

    async def remember_filters(self, name: str, broker: str, filters: Sequence[str]) -> None:
        """Note what a session is about to be subscribed to at a broker (host:port)."""
        await self._run(lambda: session_filters.remember(self._open(), name, broker, filters))

    async def forget_filters(self, name: str, broker: str, filters: Sequence[str]) -> None:
        """Note what a session has no more at a broker."""
        await self._run(lambda: session_filters.forget(self._open(), name, broker, filters))

    async def retire(self, name: str, broker: str) -> None:
        """Forget a session that was drained at a broker (host:port)."""
        await self._run(lambda: self._retire(name, broker))

    async def give_back(self) -> None:
        """Let another collector have our session."""
        await self._run(self._close)

    async def close(self) -> None:
        """End the connection; its locks go with it."""
        await self._run(self._close)
        self._thread.shutdown(wait=True)

    async def _run(self, work: Callable[[], T]) -> T:
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        done, _ = await asyncio.wait({running}, timeout=_ANSWER_SECONDS)
        if not done and self._connection is not None:
            # a frozen server answers nothing and closes nothing: the thread gets its error
            connect.abort(self._connection)
        return await running

    def _open(self) -> psycopg.Connection[Any]:
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = connect.connect(self._url, autocommit=True)
            self._draining.clear()
            self.schema_current = migrations.is_current(connection)
            if self._held is not None and session_lock.take(connection, [self._held]) is None:
                self._held = None
                raise SessionLost
        return connection

    def _take_session(self) -> str | None:
        connection = self._open()
        if not self.schema_current:
            self.schema_current = migrations.is_current(connection)
        if not self.schema_current:
            return None
        # who serves one already goes on with it: another that became free would leave it held and served by nobody
        self._held = session_lock.take(connection, self._names if self._held is None else [self._held])
        if self._held is not None:
            session_lock.note(connection, self._held, self._formats)
        self._mark = self._version = 0
        return self._held

    def _refresh(self) -> Registry:
        connection = self._open()
        with connection.transaction():
            # both as they are at one moment: a device that was erased and registered again is not let go of
            see_one_moment(connection)
            rows, version = tombstones.load(connection, self._key, self._version)
            devices, self._mark = registry.load(connection, self._mark)
        self._version = version
        return Registry(devices, rows, version)

    def _orphans(self) -> list[str]:
        connection = self._open()
        names = [n for n in session_lock.known(connection, self._prefix) if n in self._names and n != self._held]
        unheld = {name for name in names if name not in self._draining and self._is_unheld(connection, name)}
        twice = sorted(unheld & self._unheld)
        taken = [name for name in twice if session_lock.take(connection, [name]) is not None]
        self._draining.update(taken)
        self._unheld = unheld.difference(taken)
        return taken

    @staticmethod
    def _is_unheld(connection: psycopg.Connection[Any], name: str) -> bool:
        if session_lock.take(connection, [name]) is None:
            return False
        session_lock.give_back(connection, name)
        return True

    def _retire(self, name: str, broker: str) -> None:
        connection = self._open()
        session_filters.retire(connection, name, broker)
        session_lock.retire(connection, name)
        if name in self._draining:
            session_lock.give_back(connection, name)
            self._draining.discard(name)

    def _close(self) -> None:
        self._held = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def missing(control: Control, parts: Sequence[tuple[bool, str]]) -> list[str]:
    """What keeps a collector from being ready, in words."""
    found = [] if control.schema_current else ["the database schema is not current (borough migrate)"]
    return found + [text for ok, text in parts if not ok]
