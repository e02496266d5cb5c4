-- find: the series of (device, property) pairs with their newest readings, in the order asked for
select s.id, (extract(epoch from l.time) * 1000000)::int8, l.value
from unnest(%s::text[], %s::text[]) with ordinality k (device_id, property, place)
left join personal.series s on s.device_id = k.device_id and s.property = k.property
left join public.latest l on l.series_id = s.id
order by k.place;

-- create: missing series; personal where the device or the property is. In one order, so that two who create the
-- same at once wait for each other; a device that is being erased is waited for and is then no more
insert into personal.series (device_id, property, personal)
select d.id, k.property,
       d.personal or exists (select from unnest(%s::text[], %s::text[]) p (family, name)
                             where p.family = d.family and p.name = k.property)
from unnest(%s::text[], %s::text[]) k (device_id, property)
join personal.device d on d.id = k.device_id
order by d.id, k.property
for key share of d
on conflict (device_id, property) do nothing
