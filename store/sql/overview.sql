-- minutes: what arrived, by minute and family, all collectors together
select minute, family, sum(messages_received)::bigint, sum(readings_stored)::bigint
from public.accounting
where minute >= %s
group by minute, family
order by minute, family;

-- latest_simulated: the newest readings of the first simulated devices of each family, or of one, that have any
with shown as (
    select f.id, f.family
    from (select distinct family from personal.device) families
    cross join lateral (
        select d.id, d.family
        from personal.device d
        where d.family = families.family and d.origin = 'simulated' and d.retired_at is null and exists (
            select from personal.series s join public.latest l on l.series_id = s.id where s.device_id = d.id)
        order by d.id
        limit %s
    ) f
    where %s::text is null or f.family = %s
)
select shown.id, shown.family, s.property, p.unit, l.time, l.value
from shown
join personal.series s on s.device_id = shown.id
join public.latest l on l.series_id = s.id
left join public.property p on p.family = shown.family and p.name = s.property
order by shown.family, shown.id, s.property;

-- simulated_heard: by family, how many simulated devices have said anything
select d.family, count(*)
from personal.device d
where d.origin = 'simulated' and d.retired_at is null and exists (
    select from personal.series s join public.latest l on l.series_id = s.id where s.device_id = d.id)
group by d.family;

-- count_readings: the table itself, to hold against the accounting
select count(*) from public.reading;
