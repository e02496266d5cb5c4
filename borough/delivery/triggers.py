"""What may give cause for a message: each is looked at once a minute by ``borough deliver``, by one process at a time.

They stand in one list, `borough.delivery.trigger_list`. A trigger notes what it found and puts the message into the
outbox in one transaction of its own; the connection is in autocommit. What one raises (psycopg.Error apart) is logged,
and the others are looked at all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from devices.device import Origin
from store.connect import Connection


@dataclass(frozen=True, slots=True)
class TriggerOptions:
    """What triggers need to know. ``site``: where the pages are, without a slash at its end; ``origin``: whether the
    people here are real, as in every installation but a demo; ``more``: settings of single triggers, by name."""

    zone: ZoneInfo
    site: str
    council: str
    help_line: str | None
    origin: Origin
    more: dict[str, Any] = field(default_factory=dict)


#: Looks, and puts what is to be told; ``now`` is aware.
Look = Callable[[Connection, TriggerOptions, datetime], None]


class Trigger(NamedTuple):
    """A trigger by its name in logs."""

    name: str
    look: Look
