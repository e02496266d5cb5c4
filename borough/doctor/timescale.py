"""TimescaleDB's editions and the known faults of its versions.

Sources: the project's change log and issues, by number: #8561, #9381, #10056 (direct compress), #9623 (columnstore and
the Apache licence), #10360, #10386 (security), #10423, #9921 (wrong results); time_bucket with a zone was measured on
2.19.3 and 2.25.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from borough.doctor.finding import Finding, ill, well
from devices.counts import counted
from store import doctor as asked
from store.connect import Connection
from store.doctor import Timescale
from store.tier import Tier, tier

#: Settings by which rows go into the columnstore at once.
DIRECT = ("timescaledb.enable_direct_compress_copy", "timescaledb.enable_direct_compress_insert")
_EDITION = {"community": "Community edition", "apache": "Apache edition", "plain": "beside a plain table of readings"}


def timescale(connection: Connection) -> Iterator[Finding]:
    """Findings about TimescaleDB in this database; none where it has none. Raises psycopg.Error."""
    kind = tier(connection)
    facts = asked.timescale(connection, kind)
    if facts is not None:
        yield from judge(kind, facts, asked.settings(connection, DIRECT))


def judge(kind: Tier, facts: Timescale, settings: Mapping[str, str]) -> Iterator[Finding]:
    """What is to be said of a version and edition. Faults are ``wrong`` where our own statements meet them."""
    version = number(facts.version)
    here = f"TimescaleDB {facts.version}"
    faults = []
    if kind == "community" and version < (2, 20):
        faults.append(ill("timescale-columnstore", f"{here} does not know convert_to_columnstore"))
    if facts.compressed and version < (2, 18, 1):
        faults.append(ill("timescale-lost-rows", f"{here} loses rows that come late into compressed chunks"))
    if kind == "community" and version < (2, 29, 2):
        faults.append(
            ill("timescale-wrong-results", f"{here} counts and selects wrongly from the columnstore (#10423, #9921)")
        )
    if facts.compressed and facts.licence == "apache":
        faults.append(
            ill(
                "timescale-apache-compressed",
                f"under the Apache licence {counted(facts.compressed, 'chunk')} cannot be read (#9623)",
            )
        )
    if version < (2, 29):
        faults += [
            ill("timescale-direct-compress", f"{name} is on with {here}: readings are lost (#9381)", name=name)
            for name in DIRECT
            if settings.get(name) == "on"
        ]
    if version < (2, 29, 1):
        faults.append(ill("timescale-security", f"{here} has known holes (#10360, #10386)"))
    if version < (2, 25):
        faults.append(
            ill("timescale-buckets", f"{here}: time_bucket with a time zone makes too few half-hours of long days")
        )
    if facts.on_disk is not None and number(facts.on_disk) > version:
        faults.append(ill("timescale-update", f"this database has {facts.version}, its server {facts.on_disk}"))
    if not faults:
        yield well("timescale", f"{here}, {_EDITION[kind]}")
    yield from faults


def number(version: str) -> tuple[int, ...]:
    """A version's numbers; what follows them, as in 2.30.0-dev, does not count."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found is not None else ()
