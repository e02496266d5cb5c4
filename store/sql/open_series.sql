-- find: open series by the beginning of their device's id and by family, after one of them, with their newest readings
select s.device_id, d.family, s.property, s.id, l.time, l.value
from public.series s
join public.device d on d.id = s.device_id
left join public.latest l on l.series_id = s.id
where starts_with(s.device_id, %(prefix)s)
  and (%(family)s::text is null or d.family = %(family)s)
  and (%(after)s::text is null or (s.device_id, s.property) > (%(after)s, %(after_property)s))
order by s.device_id, s.property
limit %(limit)s;

-- get: one open series with what its device says of its rhythm
select s.id, s.device_id, d.family, s.property, p.unit, p.kind, d.origin, d.model,
       d.attributes ->> 'interval', d.attributes ->> 'heartbeat'
from public.series s
join public.device d on d.id = s.device_id
left join public.property p on p.family = d.family and p.name = s.property
where s.device_id = %s and s.property = %s;

-- extent: when a series has its first and its last reading [us]
select (extract(epoch from f.time) * 1000000)::int8, (extract(epoch from l.time) * 1000000)::int8
from (select time from public.reading where series_id = %(series)s order by time limit 1) f,
     (select time from public.reading where series_id = %(series)s order by time desc limit 1) l;

-- count_changes: how many readings of a series in a period were corrected, restated or added afterwards, and how often
select count(distinct time), count(*) from public.superseded where series_id = %s and time >= %s and time < %s;

-- changes: what was corrected, restated or added afterwards, by the readings' time
select (extract(epoch from c.time) * 1000000)::int8, c.old_value, c.new_value, c.correction_id, k.reason,
       coalesce(c.arrival, k.at)
from public.superseded c
left join public.correction k on k.id = c.correction_id
where c.series_id = %s and c.time >= %s and c.time < %s
order by c.time, coalesce(c.arrival, k.at)
limit %s;

-- marks: of each piece of a period the first reading that was changed: when [us], and its value that counts
select (extract(epoch from m.time) * 1000000)::int8, r.value
from (
    select distinct on (date_bin(%(width)s::interval, c.time, 'epoch')) c.time
    from public.superseded c
    where c.series_id = %(series)s and c.time >= %(start)s and c.time < %(end)s
    order by date_bin(%(width)s::interval, c.time, 'epoch'), c.time
) m
join public.reading r on r.series_id = %(series)s and r.time = m.time
order by m.time;

-- block: the first readings of a series from an instant on, before another: their times and values as bytes
select string_agg(timestamptz_send(r.time), ''::bytea order by r.time),
       string_agg(float8send(r.value), ''::bytea order by r.time)
from (
    select time, value from public.reading
    where series_id = %s and time >= %s and time < %s
    order by time limit %s
) r;

-- changed: the times of readings in a period that were changed, as bytes
select coalesce(string_agg(timestamptz_send(c.time), ''::bytea order by c.time), '')
from (
    select distinct time from public.superseded where series_id = %s and time >= %s and time <= %s
) c
