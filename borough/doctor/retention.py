"""Retention: settings that contradict each other, and whether ``borough maintain`` runs at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from borough.doctor.finding import Finding, ill, well
from borough.settings.collector import retention_days
from borough.settings.settings import Settings, variable
from devices.counts import counted
from devices.families import FAMILIES
from store import doctor as asked
from store.connect import Connection
from store.tier import tier

#: Days after which a run is missed: it is a daily one.
_MISSED = 2


def contradictions(settings: Settings) -> Iterator[Finding]:
    """Settings of which one takes back what another says."""
    days = retention_days(settings)
    for family, kept in days.items():
        field = family.replace("-", "_")
        archive = f"archive_retention_{field}"
        if archive in settings.model_fields_set and (getattr(settings, archive) or kept + 1) > kept:
            yield ill(
                "retention-contradicts",
                f"{variable(archive)} is more than {variable(f'retention_{field}')} ({kept}), and the shorter counts",
            )
    personal = {family: kept for family, kept in days.items() if FAMILIES[family].personal}
    shortest = min(personal.values(), default=settings.retention_rejected_bytes)
    if settings.retention_rejected_bytes > shortest:
        family = min(personal, key=lambda name: personal[name])
        yield ill(
            "retention-bytes",
            f"{variable('retention_rejected_bytes')} keeps what could not be read of households for"
            f" {counted(settings.retention_rejected_bytes, 'day')}, and readings of {family} for {shortest}",
            days=shortest,
        )
    if len(days) == len(FAMILIES) and settings.columnstore_after >= max(days.values()):
        yield ill(
            "retention-columnstore",
            f"{variable('columnstore_after')} is {settings.columnstore_after}, and all readings are deleted before",
        )


def kept(connection: Connection, settings: Settings, now: datetime) -> Iterator[Finding]:
    """What should have been deleted or compressed by now, and was not. Raises psycopg.Error."""
    late = []
    for family, days in retention_days(settings).items():
        if asked.has_older(connection, family, now - timedelta(days=days + _MISSED)):
            late.append(f"readings of {family} are kept beyond {counted(days, 'day')}")
    oldest = asked.oldest_personal_bytes(connection)
    if oldest is not None and oldest < now - timedelta(days=settings.retention_rejected_bytes + _MISSED):
        late.append(f"personal bytes of rejected messages are kept since {oldest:%Y-%m-%d}")
    if tier(connection) == "community":
        chunks = asked.late_chunks(connection, now - timedelta(days=settings.columnstore_after + _MISSED))
        if chunks:
            late.append(f"{counted(chunks, 'chunk')} should be compressed")
    if late:
        yield ill("retention-not-run", "; ".join(late))
    else:
        said = ", ".join(f"{family} {counted(days, 'day')}" for family, days in retention_days(settings).items())
        yield well("retention", f"nothing is kept longer than it should be ({said or 'everything for ever'})")
