"""Tells subscribers at the broker what was stored: by the topics of SensorThings, at least once, in each series' order.

It learns from the database alone. A reading leaves the queue when the broker has acknowledged all its messages; whoever
is killed before that leaves it there, and it is told again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from borough.errors import BrokerAway, Failure
from borough.publishing.observation_json import Observations
from borough.replay.sender import OLD, OLD_WINDOW, WINDOW, is_old
from devices.counts import counted
from devices.device import Origin
from ingest.options import BrokerOptions
from ingest.tls import tls_context
from simulators.publisher import Marked, Message, Publisher, PublishError
from store import observation_queue
from store.connect import Connection
from store.observation_queue import Queued
from store.sta_entities import VERSIONS, Version

log = logging.getLogger(__name__)

#: Readings of a turn: they and their messages are all that is held.
_TURN = 2_000
#: What is not acknowledged within this is told again [s].
_DEADLINE = 60.0
#: A connection that has nothing to say for so long is closed: nothing pings [s].
_IDLE = 10.0
#: The database is told so often that the publisher publishes [s].
_SEEN = 60.0


@dataclass(frozen=True, slots=True)
class AnnounceOptions:
    """What the publisher needs. ``site``: the site's public address, which observations name; ``origin``: whose."""

    broker: BrokerOptions
    origin: Origin
    site: str
    versions: Sequence[Version] = VERSIONS


@dataclass(slots=True)
class Done:
    """``told``: readings; ``messages``: what they made; ``passed``: readings that are gone or closed."""

    told: int = 0
    messages: int = 0
    passed: int = 0


class Announcer:
    """Publishes the queue, a bounded part of it each turn. The caller's connection holds the queue's lock."""

    def __init__(self, options: AnnounceOptions) -> None:
        self.done = Done()
        self._options = options
        self._observations = [Observations(version, options.site) for version in options.versions]
        self._publisher: Publisher | None = None
        self._used = 0.0
        self._seen = -_SEEN
        #: Since when all that is stored is queued; None: not known yet.
        self.since: datetime | None = None

    def turn(self, connection: Connection) -> int:
        """Tell the first of the queue; how many readings left it.

        Raises BrokerAway where the broker is away, Failure where it refuses messages; psycopg.Error. Nothing has left
        the queue then.
        """
        queued = observation_queue.read(connection, self._options.origin, _TURN)
        open_ones = [item for item in queued if item.device is not None and item.value is not None]
        if open_ones:
            self._publish(open_ones)
        elif self._publisher is not None and time.monotonic() - self._used > _IDLE:
            self.close()
        if queued:
            observation_queue.told(connection, [item.id for item in queued])
            self.done.told += len(open_ones)
            self.done.passed += len(queued) - len(open_ones)
        if time.monotonic() - self._seen >= _SEEN:
            self._renew(connection, told=bool(open_ones))
        return len(queued)

    def _renew(self, connection: Connection, *, told: bool) -> None:
        """Only here, where all went well: a queue that cannot be told is not to grow for ever."""
        if not told:
            if observation_queue.keep(connection):
                self._seen = time.monotonic()
            return
        since = observation_queue.renew(connection)
        if self.since is not None and since != self.since:
            log.warning(
                "nothing was told for a week: what was stored in the end, until %s, was not queued, and what waited"
                " then is forgotten where borough maintain ran",
                since,
            )
        self.since, self._seen = since, time.monotonic()

    def close(self) -> None:
        """Leave the broker."""
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None

    def _publish(self, items: Sequence[Queued]) -> None:
        broker = self._options.broker
        try:
            done = self._connected().publish(self._messages(items), deadline=_DEADLINE)
        except (OSError, PublishError) as error:
            self.close()
            raise BrokerAway(
                f"the broker at {broker.host}:{broker.port} cannot be reached or refuses: {error}"
            ) from None
        if done.refused:
            self.close()
            raise Failure(
                f"the broker at {broker.host}:{broker.port} refused {done.refused} of"
                f" {counted(done.messages, 'message')}; may this account publish to"
                f" {' and '.join(f'v{version}/#' for version in self._options.versions)}?"
            )
        self.done.messages += done.messages
        self._used = time.monotonic()

    def _messages(self, items: Sequence[Queued]) -> Iterator[Message | Marked]:
        for item in items:
            for observations in self._observations:
                yield from observations.messages(item)

    def _connected(self) -> Publisher:
        if self._publisher is None:
            broker = self._options.broker
            self._publisher = Publisher(
                broker.host,
                broker.port,
                client_id=f"{broker.client_id}-announce",
                username=broker.username,
                password=broker.password,
                tls=tls_context(broker) if broker.tls else None,
                protocol=OLD if is_old(broker) else 5,
                window=OLD_WINDOW if is_old(broker) else WINDOW,
            )
        return self._publisher
