-- minutes_of: what a collector has noted of minutes from one on
select (extract(epoch from minute) * 1000000)::int8, batches, messages, write_seconds, write_longest, database_seconds,
       in_flight_most, held_bytes_most, broker_queued, broker_dropped, up
from public.flow_minute
where collector = %s and minute >= %s;

-- lags_of: what a collector has noted of lags, of minutes from one on
select (extract(epoch from minute) * 1000000)::int8, family, counts
from public.lag_minute
where collector = %s and minute >= %s;

-- lag_hours_of: what a collector has noted of lags, of hours from one on
select (extract(epoch from hour) * 1000000)::int8, family, counts
from public.lag_hour
where collector = %s and hour >= %s;

-- note_minute: a minute as the collector knows it now
insert into public.flow_minute (minute, collector, batches, messages, write_seconds, write_longest, database_seconds,
    in_flight_most, held_bytes_most, broker_queued, broker_dropped, up)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (minute, collector) do update
set batches = excluded.batches, messages = excluded.messages, write_seconds = excluded.write_seconds,
    write_longest = excluded.write_longest, database_seconds = excluded.database_seconds,
    in_flight_most = excluded.in_flight_most, held_bytes_most = excluded.held_bytes_most,
    broker_queued = excluded.broker_queued, broker_dropped = excluded.broker_dropped, up = excluded.up;

-- note_lag: the lags of a minute as the collector knows them now
insert into public.lag_minute (minute, collector, family, counts) values (%s, %s, %s, %s)
on conflict (minute, collector, family) do update set counts = excluded.counts;

-- note_lag_hour: the lags of an hour as the collector knows them now
insert into public.lag_hour (hour, collector, family, counts) values (%s, %s, %s, %s)
on conflict (hour, collector, family) do update set counts = excluded.counts;

-- note_rejections: within a batch's transaction, what it rejected by family and reason
insert into public.rejection_minute as r (minute, collector, family, reason, count)
select %s, %s, k.* from unnest(%s::text[], %s::text[], %s::int8[]) as k (family, reason, count)
on conflict (minute, collector, family, reason) do update set count = r.count + excluded.count;

-- accounts: what all collectors counted, by family its steps as bytes
select family, string_agg(int4send(round(extract(epoch from at - %(since)s) / %(step)s)::int4) || {sent}, ''::bytea)
from (
    select family, date_bin(%(width)s::interval, minute, %(since)s) as at, {sums}
    from public.accounting
    where minute >= %(since)s and minute < %(until)s
    group by 1, 2
) steps
group by family;

-- figures: what the collectors noted, by step; of what each of them hears from the broker, what the most was
select coalesce(string_agg(int4send(round(extract(epoch from at - %(since)s) / %(step)s)::int4) || int8send(batches)
           || int8send(messages) || float8send(write_seconds) || float8send(write_longest) || float8send(database_seconds)
           || int8send(in_flight_most) || int8send(held_bytes_most) || int8send(coalesce(broker_queued, -1))
           || int8send(coalesce(broker_dropped, -1)) || float8send(up), ''::bytea), '')
from (
    select date_bin(%(width)s::interval, minute, %(since)s) as at, sum(batches)::int8 as batches,
           sum(messages)::int8 as messages, sum(write_seconds) as write_seconds, max(write_longest) as write_longest,
           sum(database_seconds) as database_seconds, max(in_flight_most)::int8 as in_flight_most,
           max(held_bytes_most)::int8 as held_bytes_most, max(broker_queued) as broker_queued,
           sum(broker_dropped)::int8 as broker_dropped, sum(up) as up
    from (
        select minute, sum(batches) as batches, sum(messages) as messages, sum(write_seconds) as write_seconds,
               max(write_longest) as write_longest, sum(database_seconds) as database_seconds,
               sum(in_flight_most) as in_flight_most, sum(held_bytes_most) as held_bytes_most,
               max(broker_queued) as broker_queued, max(broker_dropped) as broker_dropped, max(up) as up
        from public.flow_minute
        where minute >= %(since)s and minute < %(until)s
        group by minute
    ) minutes
    group by 1
) steps;

-- lag_minutes: lags of readings by family, a collector's minutes as bytes
select family, string_agg(int4send(round(extract(epoch from minute - %(since)s) / %(step)s)::int4) || array_send(counts),
                          ''::bytea)
from public.lag_minute
where minute >= %(since)s and minute < %(until)s
group by family;

-- lag_hours: the same by hour
select family, string_agg(int4send(floor(extract(epoch from hour - %(since)s) / %(step)s)::int4) || array_send(counts),
                          ''::bytea)
from public.lag_hour
where hour >= %(since)s and hour < %(until)s
group by family;

-- rejections: what was rejected in a time, by family and reason
select family, reason, sum(count)::int8
from public.rejection_minute
where minute >= %(since)s and minute < %(until)s
group by family, reason
order by 3 desc, family, reason;

-- rejections_by_step: the same, by step
select date_bin(%(width)s::interval, minute, %(since)s), family, reason, sum(count)::int8
from public.rejection_minute
where minute >= %(since)s and minute < %(until)s
group by 1, family, reason
order by 1, family, reason;

-- delete_figures: minutes that are over for long
with lags as (delete from public.lag_minute where minute < %(before)s),
     hours as (delete from public.lag_hour where hour < %(before)s),
     rejections as (delete from public.rejection_minute where minute < %(before)s)
delete from public.flow_minute where minute < %(before)s
