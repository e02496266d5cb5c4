-- families: of each family the devices that there are, and those that said nothing for longer than its limit; what is
-- open now and was in a home once is a household's
with heard as (
    select s.device_id, max(l.arrival) as at, bool_or(s.personal) as personal
    from personal.series s
    left join public.latest l on l.series_id = s.id
    group by s.device_id
)
select d.family, count(*), count(*) filter (where coalesce(h.at, d.registered_at) < now() - k.silence),
       count(*) filter (
           where (d.personal or h.personal) and coalesce(h.at, d.registered_at) < now() - k.silence
       )
from personal.device d
join unnest(%s::text[], %s::interval[]) as k (family, silence) on k.family = d.family
left join heard h on h.device_id = d.id
where d.retired_at is null
group by d.family
order by d.family;

-- devices: those of no household that said nothing for longer than their family's limit, the longest first
with heard as (
    select s.device_id, max(l.arrival) as at, bool_or(s.personal) as personal
    from personal.series s
    left join public.latest l on l.series_id = s.id
    group by s.device_id
)
select d.id, d.family, d.model, h.at
from personal.device d
join unnest(%(families)s::text[], %(limits)s::interval[]) as k (family, silence) on k.family = d.family
left join heard h on h.device_id = d.id
where d.retired_at is null and not d.personal and h.personal is not true
  and coalesce(h.at, d.registered_at) < now() - k.silence
order by h.at nulls first, d.id
limit %(most)s
