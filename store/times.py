"""Instants: aware datetimes at the edges, int64 microseconds since the Unix epoch in the arrays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(microseconds: int) -> datetime:
    """An aware instant, UTC, from microseconds since the Unix epoch."""
    return _EPOCH + timedelta(microseconds=int(microseconds))


def microseconds(moment: datetime) -> int:
    """Microseconds since the Unix epoch. Raises ValueError where ``moment`` has no time zone."""
    return (aware(moment) - _EPOCH) // _MICROSECOND


def aware(moment: datetime) -> datetime:
    """``moment`` itself. Raises ValueError where it has no time zone: it is no instant then."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: an instant is needed")
    return moment
