"""Minutes of collectors for the pipeline page: what an engineer sees of a quiet borough, without sending a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from store.connect import Connection

#: Of each family messages a minute, readings of each, and rejected ones.
_FILL = """
with families (family, messages, readings, number) as (
    values ('smart-meter', 30, 2, 0), ('parking-bay', 12, 1, 1), ('air-monitor', 20, 6, 2),
        ('movement-sensor', 6, 2, 3), ('car-park', 2, 2, 4)
), minutes as (
    select m, extract(epoch from m)::int8 / 60 as n from generate_series(%(since)s::timestamptz, %(until)s, %(every)s) m
), collectors (collector) as (
    select 'collector-' || c from generate_series(1, %(collectors)s) c
), account as (
    insert into public.accounting (minute, collector, family, messages_received, messages_decoded, messages_ignored,
        messages_rejected, readings_decoded, readings_stored, readings_duplicates, readings_thinned, readings_rejected,
        readings_refused, readings_restated)
    select m, collector, family, messages + 2, messages - 1, 1, 2, messages * readings + 6, messages * readings, 2, 1,
        1, 1, 1
    from families, minutes, collectors where (n + number) %% 97 > 2
), rejections as (
    insert into public.rejection_minute (minute, collector, family, reason, count)
    select m, collector, family, reason, 1
    from families, minutes, collectors, unnest(array['unreadable', 'unknown_device', 'out_of_range']) reason
    where (n + number) %% 97 > 2
), flows as (
    insert into public.flow_minute (minute, collector, batches, messages, write_seconds, write_longest,
        database_seconds, in_flight_most, held_bytes_most, broker_queued, broker_dropped, up)
    select m, collector, 240, 80, 2.4 + n %% 7 / 10.0, 0.04 + n %% 11 / 100.0, 1.7 + n %% 5 / 10.0, 12 + n %% 9,
        4000 + n %% 5000, n %% 13, case when n %% 700 = 0 then 3 else 0 end, 60
    from minutes, collectors
), lags as (
    insert into public.lag_minute (minute, collector, family, counts)
    select m, collector, family, array(select
        case when i between 15 + number and 22 + number then 6 - abs(i - 18 - number)
        when i = 30 + n %% 6 then 1 else 0 end::int8 from generate_series(1, 64) i)
    from families, minutes, collectors
)
insert into public.lag_hour (hour, collector, family, counts)
select h, collector, family, array(select
    case when i between 15 + number and 22 + number then 360 - 60 * abs(i - 18 - number)
        when i between 30 and 36 then 10 else 0 end::int8 from generate_series(1, 64) i)
from families, collectors,
    generate_series(date_trunc('hour', %(since)s::timestamptz), %(until)s, interval '1 hour') h
"""
#: Devices of each family: every tenth of them was last heard three days ago, one never.
_DEVICES = """
set session_replication_role = replica;
insert into personal.device (id, family, model, origin, personal, registered_at, changed)
    select family || '-' || n, family, 'native', 'simulated', family in ('smart-meter', 'movement-sensor'),
        now() - interval '40 days', n
    from unnest(array['smart-meter', 'parking-bay', 'air-monitor', 'movement-sensor', 'car-park']) family,
        generate_series(1, %(devices)s) n;
insert into personal.series (device_id, property, personal)
    select id, property, personal from personal.device, unnest(array['battery', 'temperature']) property
    where id not like '%%-3';
insert into public.latest (series_id, time, value, arrival)
    select s.id, at, 1, at
    from personal.series s
    cross join lateral (
        select now() - case when s.device_id like '%%0' then interval '3 days' else interval '20 s' end
    ) t (at);
set session_replication_role = origin;
"""


def fill(
    connection: Connection,
    until: datetime,
    length: timedelta,
    *,
    collectors: int = 1,
    devices: int = 20,
    every: timedelta = timedelta(minutes=1),
) -> None:
    """Minutes of five families up to that of ``until``, all or one in ``every``, and devices of each."""
    last = until.astimezone(UTC).replace(second=0, microsecond=0)
    given = {"since": last - length, "until": last, "collectors": collectors, "every": every}
    connection.execute(_FILL.encode(), given)
    for statement in _DEVICES.replace("%(devices)s", str(devices)).replace("%%", "%").split(";\n"):
        connection.execute(statement.encode())
    for table in ("accounting", "flow_minute", "lag_minute", "lag_hour", "rejection_minute", "latest"):
        connection.execute(f"analyze public.{table}".encode())
