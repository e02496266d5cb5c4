-- devices: devices of a family or of one id, with when they were registered and retired
select id, family, model, attributes ->> 'interval', registered_at, retired_at
from personal.device
where (%(family)s::text is null or family = %(family)s) and (%(device)s::text is null or id = %(device)s)
order by id;

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
