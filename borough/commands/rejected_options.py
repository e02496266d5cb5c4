"""Which rejections the options of ``borough rejected`` mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from borough.duration import duration
from borough.errors import UsageError
from devices.decoding import Reason
from devices.families import FAMILIES, UNKNOWN
from store.rejected import Filter

Family = Annotated[str, typer.Option(help="Only this family, or unknown.")]
Device = Annotated[str, typer.Option(help="Only this device id.")]
Why = Annotated[str, typer.Option("--reason", help="Only this reason, such as unknown_device.")]
Since = Annotated[str, typer.Option(help="Only those that arrived in the last 90s, 15min, 1h or 2d.")]
Until = Annotated[str, typer.Option(help="Only those that arrived longer than 90s, 15min, 1h or 2d ago.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest first.")]


def chosen(family: str, device: str, reason: str, since: str, until: str = "", *, waiting: bool = False) -> Filter:
    """Which rejections the options mean. Raises UsageError for a family or reason that does not exist."""
    if family and family not in (*FAMILIES, UNKNOWN):
        raise UsageError(f"--family {family!r}; one of {', '.join((*FAMILIES, UNKNOWN))}")
    if reason and reason not in [*Reason]:
        raise UsageError(f"--reason {reason!r}; one of {', '.join(Reason)}")
    now = datetime.now(UTC)
    return Filter(
        family or None,
        device or None,
        reason or None,
        now - duration(since) if since else None,
        waiting,
        now - duration(until) if until else None,
    )
