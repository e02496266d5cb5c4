-- begin: all that the transaction reads is of one moment; one that is left open ends by itself
select set_config('statement_timeout', %(limit)s, true), set_config('transaction_timeout', %(limit)s, true),
       set_config('idle_in_transaction_session_timeout', %(idle)s, true);

-- state: which moment it is; two of the same text see the same rows
select concat_ws('|', pg_postmaster_start_time()::text, (select oid from pg_database where datname = current_database()),
                 pg_current_snapshot()::text);

-- series: open series of a family and origin, of some devices and properties or all, in an order that no locale changes
select s.id, s.device_id, s.property, coalesce(p.unit, ''), coalesce(p.kind, '')
from public.series s
join public.device d on d.id = s.device_id
left join public.property p on p.family = d.family and p.name = s.property
where d.family = %(family)s and d.origin = %(origin)s
  and (%(devices)s::text[] is null or d.id = any(%(devices)s::text[]))
  and (%(properties)s::text[] is null or s.property = any(%(properties)s::text[]))
order by s.device_id collate "C", s.property collate "C";

-- readings: one row a series and span: its times and its values as the bytes of two arrays, in the order of the spans
-- asked for. No "order by" within: the index gives the order, and where it does not NumPy sorts faster. The bounds of all
-- spans together leave chunks out while it is planned.
select (k.place - 1)::int4, a.times, a.values
from unnest(%(series)s::int4[], %(starts)s::timestamptz[], %(stops)s::timestamptz[])
    with ordinality k (series_id, start, stop, place)
cross join lateral (
    select string_agg(timestamptz_send(r.time), ''::bytea) as times,
           string_agg(float8send(r.value), ''::bytea) as values
    from public.reading r
    where r.series_id = k.series_id and r.time >= k.start and r.time < k.stop
      and r.time >= %(start)s and r.time < %(stop)s
) a
where a.times is not null;

-- estimate: how many readings the planner expects of some series in a span
explain (format json)
select from public.reading where series_id = any(%(series)s::int4[]) and time >= %(start)s and time < %(stop)s;

-- count: how many there are, counted up to a number
select count(*) from (
    select from public.reading
    where series_id = any(%(series)s::int4[]) and time >= %(start)s and time < %(stop)s
    limit %(most)s
) r;

-- devices: open devices of a family and origin in service, by id, with what they last said
select d.id, d.family, d.model, d.lon, d.lat, d.attributes, coalesce(s.newest, '[]')
from public.device d
left join (
    select s.device_id, jsonb_agg(jsonb_build_array(
        s.property, p.unit, (extract(epoch from l.time) * 1000000)::int8, l.value::text
    ) order by s.property collate "C") as newest
    from public.series s
    join public.device d on d.id = s.device_id and d.family = %(family)s and d.origin = %(origin)s
    join public.latest l on l.series_id = s.id
    left join public.property p on p.family = d.family and p.name = s.property
    where %(properties)s::text[] is null or s.property = any(%(properties)s::text[])
    group by s.device_id
) s on s.device_id = d.id
where d.family = %(family)s and d.origin = %(origin)s and d.retired_at is null
  and (%(devices)s::text[] is null or d.id = any(%(devices)s::text[]))
order by d.id collate "C";

-- zone_days: local days of zones all of whose open bays and of whose sensors are of one origin, by day and zone. Not of
-- a zone that a bay has left or that has one which became a household's, until its days are computed again.
select z.day, z.zone, z.bays, z.quarters, z.arrivals
from public.zone_day z
where z.day >= %(start)s and z.day < %(stop)s
  and z.zone in (select zone from public.bay group by zone having bool_and(origin = %(origin)s))
  and not exists (select from personal.touched_bay t where t.zone = z.zone)
  and not exists (
    select from public.bay b
    join personal.bay_sensor s on s.bay_id = b.id
    join personal.device d on d.id = s.device_id
    where b.zone = z.zone and d.origin <> %(origin)s
  )
  and (%(zones)s::text[] is null or z.zone = any(%(zones)s::text[]))
order by z.day, z.zone collate "C"
