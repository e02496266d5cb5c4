"""Messages whose redelivery their content does not tell: kept until the broker has their acknowledgement."""

from __future__ import annotations

from collections.abc import Sequence

from store.batch import Remembered
from store.connect import Connection
from store.copy import Instants, Int4s
from store.queries import queries

_SQL = queries("writer")


def load(connection: Connection, session: str) -> dict[int, tuple[bytes, int, bool]]:
    """What a session remembers: packet id -> (digest, first arrival [us since the Unix epoch], was it rejected).

    Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["remembered"], (session,)).fetchall()
    return {packet_id: (bytes(digest), arrival, rejected) for packet_id, digest, arrival, rejected in rows}


def forget(connection: Connection, session: str, packet_ids: Sequence[int]) -> None:
    """Drop what the broker is known to have acknowledged, inside the running transaction. Raises psycopg.Error."""
    if packet_ids:
        connection.execute(_SQL["forget"], (session, Int4s(packet_ids)))


def remember(connection: Connection, session: str, messages: Sequence[Remembered]) -> None:
    """Keep messages inside the running transaction; of two with one packet id the later. Raises psycopg.Error."""
    if not messages:
        return
    last = {message.packet_id: message for message in messages}
    kept = [last[packet_id] for packet_id in sorted(last)]
    connection.execute(
        _SQL["remember"],
        (
            session,
            Int4s([message.packet_id for message in kept]),
            [message.digest for message in kept],
            Instants([message.arrival for message in kept]),
            [message.rejected for message in kept],
        ),
    )
