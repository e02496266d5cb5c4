-- readings: how many readings of each series of a home's meters each local day has, and the first and last of them
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
