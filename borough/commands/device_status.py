"""``borough devices status``: which devices are silent, and which were never heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from borough.database import database
from borough.duration import duration
from borough.output import Json, say, show_json, show_table
from devices.counts import counted
from store import absences, registry, unread
from store.connect import Connection

#: What nobody reads is shown where it came within this time.
_LATELY = timedelta(days=7)
#: So far back absences of collectors are shown.
_LOOK_BACK = timedelta(days=30)


def last_heard(connection: Connection, device_id: str) -> datetime | None:
    """When the newest reading of a device arrived; None for one that was never heard or is retired."""
    return next(
        (row.last_arrival for row in registry.status(connection, timedelta(hours=1)) if row.id == device_id), None
    )


def status(
    silent_after: Annotated[
        str, typer.Option(help="Silent is who said nothing for so long: 90s, 15min, 1h, 2d.")
    ] = "1h",
    family: Annotated[str, typer.Option(help="Only this family.")] = "",
    json_output: Json = False,
) -> None:
    """Show the silent devices, longest silent first, and those that were never heard. Retired ones are left out.

    Below them stand what devices sent in the last week that no format reads, by the names of its keys, and absences of
    a collector in which messages without a time of their own waited at the broker.

    Example: borough devices status --silent-after 15min
    """
    after = duration(silent_after)
    with database() as connection:
        rows = [row for row in registry.status(connection, after) if not family or row.family == family]
        dropped = [row for row in unread.noted(connection, _LATELY) if not family or row.family == family]
        absent = absences.recent(connection, datetime.now(UTC) - _LOOK_BACK, family)
    silent = sorted((row for row in rows if row.state == "silent"), key=lambda row: (row.last_arrival, row.id))
    never = [row for row in rows if row.state == "never seen"]
    if json_output:
        show_json(
            {
                "devices": len(rows),
                "reporting": len(rows) - len(never) - len(silent),
                "silent": [{"device": row.id, "family": row.family, "last_heard": row.last_arrival} for row in silent],
                "never_seen": [{"device": row.id, "family": row.family} for row in never],
                "not_read": [row._asdict() for row in dropped],
                "absences": [row._asdict() for row in absent],
            }
        )
        return
    show_table(
        ("state", "device", "family", "last heard"),
        [(row.state, row.id, row.family, row.last_arrival) for row in (*silent, *never)],
    )
    if dropped:
        say("what devices send and nobody reads (see docs/reference/formats.md):")
        show_table(
            ("family", "format", "name", "devices", "last seen"),
            [(row.family, row.format, row.name, row.devices, row.last_seen) for row in dropped],
        )
    say(f"{counted(len(rows), 'device')} in service: {len(silent)} silent for {silent_after}, {len(never)} never seen.")
    if absent:
        readings = counted(sum(row.readings for row in absent), "reading")
        say(
            f"{readings} of the last {counted(_LOOK_BACK.days, 'day')} had no time of their own and may have waited at"
            f" the broker: their time is their arrival."
        )
        show_table(
            ("family", "readings", "collector", "not read since", "read again", "queue empty"),
            [(row.family, row.readings, row.collector, row.lost_at, row.back_at, row.drained_at) for row in absent],
        )
