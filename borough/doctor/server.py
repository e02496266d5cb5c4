"""The database's server: whether what it says is committed stays committed, and what wears out in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from borough.doctor.finding import Finding, ill
from devices.counts import counted
from store import doctor as asked
from store.connect import Connection
from store.doctor import Server

#: PostgreSQL that this program is tested with, at the least, in its own way of numbering.
LEAST = 170_000
#: At 2.1e9 the server takes no more writes; autovacuum freezes from 0.2e9 on.
_OLD_AGE = 1_000_000_000
#: Log that an unread slot may keep [bytes], and how long a client may sit on a transaction [s].
_SLOT, IDLE = 1 << 30, 3_600.0
#: Switched off, a commit that was acknowledged to the broker can be gone after a crash.
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
NAMES = (*DURABLE, "default_transaction_read_only", "autovacuum", "data_directory")


def server(connection: Connection) -> Iterator[Finding]:
    """Findings about the server of a connection. Raises psycopg.Error."""
    facts = asked.server(connection)
    yield from judge(facts, asked.settings(connection, NAMES))
    slots = [] if facts.standby else asked.unread_slots(connection)
    yield from wear(slots, asked.archiver_fails_since(connection), asked.idle_transaction(connection))


def judge(facts: Server, settings: Mapping[str, str]) -> Iterator[Finding]:
    """What is to be said of a server by what it is and how it is set."""
    if facts.version < LEAST:
        yield ill("database-old", f"PostgreSQL {facts.version // 10_000}, and 17 is needed")
    if facts.standby:
        yield ill("database-standby", "this server is a standby and takes no writes")
    elif settings.get("default_transaction_read_only") == "on":
        yield ill("database-read-only", "default_transaction_read_only is on: nothing can be stored")
    for name in DURABLE:
        if settings.get(name) == "off":
            yield ill("database-not-durable", f"{name} is off: what was acknowledged is lost at a crash", name=name)
    if facts.encoding != "UTF8":
        yield ill("database-encoding", f"the database's encoding is {facts.encoding}: not every name can be stored")
    if facts.other_collation:
        yield ill("database-collation", "the system's collation is another than when the indexes were made")
    if settings.get("autovacuum") == "off":
        yield ill("database-autovacuum", "autovacuum is off: tables only grow, and in time nothing can be written")
    if facts.age > _OLD_AGE:
        yield ill(
            "database-wraparound", f"the oldest row is {counted(facts.age, 'transaction')} old; at 2.1e9 writes end"
        )
    if facts.superuser:
        yield ill(
            "database-superuser", "the service's role is a superuser: it can run programs on the database's machine"
        )


def wear(
    slots: Iterable[tuple[str, int]], failed: datetime | None, idle: tuple[float, str] | None
) -> Iterator[Finding]:
    """What fills its disk or keeps it from cleaning up; the arguments as ``store.doctor`` gives them."""
    for slot, kept in slots:
        if kept > _SLOT:
            said = f"nobody reads replication slot {slot}; {kept >> 20} MB of log are kept for it"
            yield ill("database-slot", said, slot=slot)
    if failed is not None:
        yield ill("database-archiver", f"the write-ahead log cannot be archived: failed at {_said(failed)}")
    if idle is not None and idle[0] > IDLE:
        yield ill(
            "database-idle", f"a transaction of {idle[1] or 'a client'} has been open and idle for {idle[0]:.0f} s"
        )


def _said(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") + "Z"
