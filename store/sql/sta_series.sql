-- rising: a page of one open series, the oldest first: of which family and property it is, its times and values as the
-- bytes of two arrays; no row where there is no such series. Planned once: which chunks are read is found as it
-- runs, or {near} says it
select d.family, s.property, p.times, p.values
from personal.series s
join personal.device d on d.id = s.device_id
cross join lateral (
    select string_agg(timestamptz_send(q.time), ''::bytea) as times,
           string_agg(float8send(q.value), ''::bytea) as values
    from (
        select r.time, r.value from public.reading r
        where r.series_id = %(id)s::int4 and r.time >= %(first)s::timestamptz and r.time <= %(last)s::timestamptz and {near}
        order by r.time limit %(limit)s::int8 offset %(skip)s::int8
    ) q
) p
where s.id = %(id)s::int4 and not s.personal and not d.personal and d.origin = %(origin)s;

-- falling: the same, the newest first
select d.family, s.property, p.times, p.values
from personal.series s
join personal.device d on d.id = s.device_id
cross join lateral (
    select string_agg(timestamptz_send(q.time), ''::bytea) as times,
           string_agg(float8send(q.value), ''::bytea) as values
    from (
        select r.time, r.value from public.reading r
        where r.series_id = %(id)s::int4 and r.time >= %(first)s::timestamptz and r.time <= %(last)s::timestamptz and {near}
        order by r.time desc limit %(limit)s::int8 offset %(skip)s::int8
    ) q
) p
where s.id = %(id)s::int4 and not s.personal and not d.personal and d.origin = %(origin)s;
