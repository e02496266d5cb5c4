-- devices: devices of a family or of one id, with when they were registered and retired, and whether they are open
select d.id, d.family, d.model, d.attributes ->> 'interval', d.registered_at, d.retired_at,
       not d.personal and not exists (select from personal.series s where s.device_id = d.id and s.personal)
from personal.device d
where (%(family)s::text is null or d.family = %(family)s) and (%(device)s::text is null or d.id = %(device)s)
order by d.id;

-- series: series of some devices, with the time of the first reading
select s.device_id, s.property, s.id, (extract(epoch from r.time) * 1000000)::int8
from personal.series s
cross join lateral (
    select r.time from public.reading r where r.series_id = s.id order by r.time limit 1
) r
where s.device_id = any(%s)
order by s.device_id, s.property;

-- runs: runs of message numbers of some devices
select device, first, last, (extract(epoch from first_time) * 1000000)::int8,
       (extract(epoch from last_time) * 1000000)::int8
from public.sequence where device = any(%s) order by device, first
