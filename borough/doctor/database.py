"""The database: whether it is there and ours, and all that is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from borough.database import reachable, require_schema
from borough.doctor import (
    clock,
    complaints,
    disk,
    observations,
    retention,
    server,
    sessions,
    snapshots,
    timescale,
    tombstones,
    zones,
)
from borough.doctor.finding import Finding, ill, well
from borough.errors import Failure, SettingsError
from borough.settings.addresses import database_place
from borough.settings.collector import broker_options
from borough.settings.settings import Settings, need_database_url
from ingest.errors import OptionsError
from store import migrations, registry
from store.connect import Connection, connect
from store.tier import tier

#: How long one question may take [s]; a database that is busy is not held up by its doctor.
_PATIENCE = 20.0


def database(settings: Settings, waiting: int | None = None) -> list[Finding]:
    """Findings about the database; one alone where it cannot be used. ``waiting``: messages at the broker, if known."""
    try:
        url = need_database_url(settings)
        with reachable(url), connect(url, "borough doctor", autocommit=True, statement_timeout=_PATIENCE) as connection:
            found = list(server.server(connection))
            try:
                require_schema(connection, url)
                registry.load(connection)
            except Failure as error:
                return [*found, ill("database", str(error))]
            except ValueError as error:
                return [*found, ill("database", f"the registry holds what this program does not know: {error}")]
            place = f"{database_place(url)}, revision {migrations.head()}, {tier(connection)}"
            first = [] if any(item.state == "wrong" for item in found) else [well("database", place)]
            return [*first, *found, *_looks(connection, settings, url, waiting)]
    except (Failure, OptionsError) as error:
        return [ill("database", str(error))]


def _looks(connection: Connection, settings: Settings, url: str, waiting: int | None) -> list[Finding]:
    """Each on its own: one that the database refuses is told, and the others go on."""
    now = datetime.now(UTC)
    looks: list[Callable[[], Iterable[Finding]]] = [
        lambda: timescale.timescale(connection),
        lambda: clock.clock(connection),
        lambda: zones.zones(connection, settings.time_zone, now),
        lambda: retention.kept(connection, settings, now),
        lambda: complaints.complaints(connection, settings.time_zone, now),
        lambda: disk.of_database(connection, now),
        lambda: sessions.sessions(connection, broker_options(settings), now, waiting),
        lambda: tombstones.tombstones(connection, settings),
        lambda: snapshots.snapshots(connection, settings, now),
        lambda: observations.observations(connection, now),
    ]
    found: list[Finding] = []
    for look in looks:
        try:
            with reachable(url):
                found += look()
        except Failure as error:
            found.append(ill("database", str(error)))
        except SettingsError:
            continue  # the settings' own finding says it
    return found
