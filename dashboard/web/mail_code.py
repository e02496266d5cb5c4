"""The code that shows that an e-mail address is somebody's: one message, whoever asks for it."""

from __future__ import annotations

from datetime import datetime

from devices.device import Origin
from store import outbox
from store.connect import Connection
from store.times import microseconds

#: What a form says of a code that does not fit.
WRONG = "Check the code: this one is wrong, has been used, or is too old"

_TEXT = """Your code is {}

Enter it within 30 minutes on the page that asked for it. If you did not ask for a code, somebody mistyped an address:
do nothing.
"""


def send(connection: Connection, asker: str, contact: int, code: str, origin: Origin, now: datetime) -> None:
    """Put the message, in the running transaction; ``asker`` begins its key and names nobody. Raises psycopg.Error."""
    outbox.put(
        connection,
        key=f"{asker}:{contact}:{microseconds(now)}",
        contact=contact,
        kind="code",
        origin=origin,
        subject="Your code",
        text=_TEXT.format(code),
        due_at=now,
    )
