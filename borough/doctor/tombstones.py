"""Tombstones: their key, their log, and whether the database knows every erasure that the log knows."""

from __future__ import annotations

from collections.abc import Iterator

from borough.doctor.finding import Finding, ill, well
from borough.errors import SettingsError
from borough.settings.collector import tombstone_key
from borough.settings.settings import Settings, variable
from devices.counts import counted
from store import doctor as asked
from store import tombstones as stored
from store.connect import Connection


def tombstones(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Findings about tombstones. Raises psycopg.Error."""
    name = variable("tombstone_key_file")
    try:
        key = None if settings.tombstone_key_file is None else tombstone_key(settings)
    except SettingsError as error:
        yield ill("tombstones-key", str(error))
        return
    try:
        known, _ = stored.load(connection, key)
    except stored.WrongKey as error:
        yield ill("tombstones-key", f"{name}: {error}: a collector stores nothing without it")
        return
    if key is None:
        yield well("tombstones", "none, and no key is set")
        return
    log = settings.tombstone_log
    if log is None:
        yield ill(
            "tombstones-no-log",
            f"{name} is set and {variable('tombstone_log')} is not: a restored backup would bring back who left",
        )
        return
    if not log.exists():
        if known:
            yield ill("tombstones-log", f"{log} is not there, and the database has {counted(len(known), 'tombstone')}")
        else:
            yield well("tombstones", "none yet; key and log are set")
        return
    try:
        logged = stored.read_log(log, key)
    except OSError as error:
        yield ill("tombstones-log", f"{log} cannot be read: {error.strerror}")
        return
    except (stored.WrongKey, ValueError) as error:
        yield ill("tombstones-log", str(error))
        return
    missing = asked.unknown_tombstones(connection, {(row.kind, row.mark, row.start): row for row in logged})
    if missing:
        yield ill(
            "tombstones-forgotten",
            f"the database does not know {counted(missing, 'tombstone')} of {len(logged)} in {log}",
        )
    else:
        yield well("tombstones", f"{counted(len(known), 'tombstone')}, all with our key; the log has {len(logged)}")
