"""FROST-Server as the peer of SensorThings: given an instance that runs, it gets the same readings.

``BOROUGH_BENCH_FROST`` is its root (``http://127.0.0.1:8080/FROST-Server/v1.1``), ``BOROUGH_BENCH_FROST_DATABASE`` its
database, into which ten million rows go by SQL: by POST they would take hours. It is filled once; what it holds then is
counted, and not filled again. Readings of a Datastream lie together in it, which suits its pages best.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg

from store.times import instant, microseconds


class Frost(NamedTuple):
    """An instance: its port, the path of its root, the numbers of its Datastreams and their first instant [us]."""

    port: int
    root: str
    numbers: list[int]
    start: int


#: Of one Datastream all rows, as our table has them.
_FILL = """
insert into "OBSERVATIONS" ("PHENOMENON_TIME_START", "PHENOMENON_TIME_END", "RESULT_TIME", "RESULT_TYPE",
    "RESULT_NUMBER", "DATASTREAM_ID", "FEATURE_ID")
select t.at, t.at, t.at, 0, v.number, %(stream)s, %(feature)s
from unnest(%(values)s::float8[]) with ordinality v (number, place)
cross join lateral (select %(start)s::timestamptz + (v.place - 1) * %(step)s::int8 * interval '1 microsecond') t (at)
order by v.place
"""
#: What its triggers would have written at each row: of thousands in one transaction they take hours.
_SPANS = """
update "DATASTREAMS" d set "PHENOMENON_TIME_START" = o.first, "PHENOMENON_TIME_END" = o.last,
    "RESULT_TIME_START" = o.first, "RESULT_TIME_END" = o.last
from (select "DATASTREAM_ID", min("PHENOMENON_TIME_START") as first, max("PHENOMENON_TIME_START") as last
    from "OBSERVATIONS" group by "DATASTREAM_ID") o
where o."DATASTREAM_ID" = d."ID"
"""
#: The index that its documentation advises ("DB Performance"), and the same for all Observations together, which it
#: orders by time too.
_INDICES = """
create index if not exists "OBS-DS_ID-PHTIME_SE-O_ID"
    on "OBSERVATIONS" ("DATASTREAM_ID", "PHENOMENON_TIME_START", "PHENOMENON_TIME_END", "ID")
    where "DATASTREAM_ID" is not null;
create index if not exists "OBS-PHTIME_SE-O_ID"
    on "OBSERVATIONS" ("PHENOMENON_TIME_START", "PHENOMENON_TIME_END", "ID");
"""


def given() -> str | None:
    """Why there is no peer; None: there is one."""
    missing = [name for name in ("BOROUGH_BENCH_FROST", "BOROUGH_BENCH_FROST_DATABASE") if name not in os.environ]
    return f"sta_vs_frost is left out: {' and '.join(missing)} not given" if missing else None


def filled(devices: Sequence[str], names: Sequence[str], start: int, step: int, values: Sequence[float]) -> Frost:
    """The instance with one Thing a device, one Datastream of it a name, and in each the same readings."""
    root = os.environ["BOROUGH_BENCH_FROST"]
    with psycopg.connect(os.environ["BOROUGH_BENCH_FROST_DATABASE"], autocommit=True) as connection:
        row = connection.execute('select count(*) from "OBSERVATIONS"').fetchone()
        assert row is not None
        if row[0] != len(devices) * len(names) * len(values):
            connection.execute('truncate "OBSERVATIONS", "DATASTREAMS", "THINGS", "LOCATIONS", "FEATURES" cascade')
            for device in devices:
                _post(f"{root}/Things", _thing(device, names))
            found = connection.execute('select "ID" from "DATASTREAMS" order by "ID"').fetchall()
            for (stream,) in found:
                _post(f"{root}/Datastreams({stream})/Observations", {"result": 1})
            features = connection.execute('select "DATASTREAM_ID", "FEATURE_ID" from "OBSERVATIONS"').fetchall()
            with connection.transaction():  # an interrupted one leaves nothing that looks like a filled one
                connection.execute('truncate "OBSERVATIONS"')
                connection.execute("set local session_replication_role = replica")
                for stream, feature in features:
                    asked = {
                        "stream": stream,
                        "feature": feature,
                        "values": list(values),
                        "start": instant(start),
                        "step": step,
                    }
                    connection.execute(_FILL, asked)
                connection.execute(_SPANS)
                connection.execute(_INDICES)
            connection.execute("vacuum analyze")
        known = connection.execute('select "ID", "PHENOMENON_TIME_START" from "DATASTREAMS" order by "ID"').fetchall()
    parts = urlsplit(root)
    return Frost(parts.port or 80, parts.path, [number for number, _ in known], microseconds(known[0][1]))


def _thing(device: str, names: Sequence[str]) -> dict[str, object]:
    point = {"type": "Point", "coordinates": [-0.1, 51.5]}
    return {
        "name": device,
        "description": "Air monitor",
        "Locations": [{"name": device, "description": "", "encodingType": "application/geo+json", "location": point}],
        "Datastreams": [
            {
                "name": f"{name} at {device}",
                "description": name,
                "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
                "unitOfMeasurement": {"name": "", "symbol": "", "definition": ""},
                "ObservedProperty": {"name": name, "definition": name, "description": name},
                "Sensor": {"name": name, "description": name, "encodingType": "text/html", "metadata": name},
            }
            for name in names
        ],
    }


def _post(address: str, body: dict[str, object]) -> None:
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        if answer.status != 201:
            raise RuntimeError(f"FROST-Server answered {answer.status} to a POST")
