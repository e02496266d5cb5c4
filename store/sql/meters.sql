-- homes: homes that have or had a meter
select string_agg(int8send(h.home_id), ''::bytea)
from (select distinct home_id from personal.home_meter order by home_id) h;

-- links: which meter measures which home on which days of which tenancy; until the day on which it was retired
select l.home_id, l.device_id, l.start, l.stop
from (
    select m.home_id, m.device_id,
        greatest(m.from_day, t.from_day) - date '1970-01-01' as start,
        least(m.to_day, t.to_day, (d.retired_at at time zone %s)::date + 1) - date '1970-01-01' as stop
    from personal.home_meter m
    join personal.device d on d.id = m.device_id and d.family = 'smart-meter'
    join personal.tenancy t on t.home_id = m.home_id
        and t.from_day < coalesce(m.to_day, 'infinity') and m.from_day < coalesce(t.to_day, 'infinity')
    where m.home_id = any(%s::int8[])
) l
where l.stop is null or l.stop > l.start
order by l.home_id, l.device_id, l.start;

-- series: what some meters measure
select s.device_id, s.property, s.id, d.attributes ->> 'interval', d.attributes ->> 'supply'
from personal.series s
join personal.device d on d.id = s.device_id
where s.device_id = any(%s) and s.property = any(%s);

-- around: the last readings before an instant and the first after another, of the series that ask for them, no further
-- away than two others; and whether there may be any after it at all
select (k.place - 1)::int4, coalesce(l.time >= %(stop)s::timestamptz, true), b.times, b.values, a.times, a.values
from unnest(%(series)s::int4[], %(before)s::bool[], %(after)s::bool[])
    with ordinality k (series_id, before, after, place)
left join public.latest l on l.series_id = k.series_id
left join lateral (
    select string_agg(timestamptz_send(r.time), ''::bytea) as times,
           string_agg(float8send(r.value), ''::bytea) as values
    from (
        select time, value from public.reading
        where series_id = k.series_id and time >= %(first)s::timestamptz and time < %(start)s::timestamptz
        order by time desc limit %(margin)s
    ) r
) b on k.before
left join lateral (
    select string_agg(timestamptz_send(r.time), ''::bytea) as times,
           string_agg(float8send(r.value), ''::bytea) as values
    from (
        select time, value from public.reading
        where series_id = k.series_id and time >= %(stop)s::timestamptz and time <= %(last)s::timestamptz
        order by time limit %(margin)s
    ) r
) a on k.after and coalesce(l.time >= %(stop)s::timestamptz, true)
order by k.place;

-- spans: the first and the last reading of series that have any
select (k.place - 1)::int4, (extract(epoch from f.time) * 1000000)::int8, (extract(epoch from l.time) * 1000000)::int8
from unnest(%s::int4[]) with ordinality k (series_id, place)
cross join lateral (
    select time from public.reading where series_id = k.series_id order by time limit 1
) f
cross join lateral (
    select time from public.reading where series_id = k.series_id order by time desc limit 1
) l;

-- day_readings: how many readings of each series of a home's meters each local day has, and the first and last of them
select s.id, m.device_id, s.property, k.day, r.number, r.first, r.last
from personal.home_meter m
join personal.series s on s.device_id = m.device_id and s.property = any(%(properties)s::text[])
cross join unnest(%(days)s::date[], %(starts)s::timestamptz[], %(stops)s::timestamptz[]) as k (day, start, stop)
cross join lateral (
    select count(*) as number, min(r.time) as first, max(r.time) as last
    from public.reading r where r.series_id = s.id and r.time >= k.start and r.time < k.stop
) r
where m.home_id = %(home)s and k.day >= m.from_day and (m.to_day is null or k.day < m.to_day) and r.number > 0
order by k.day, m.device_id, s.property

-- devices_of: which devices some series are of
select distinct device_id from personal.series where id = any(%s::int8[]) order by device_id;
