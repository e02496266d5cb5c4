-- note: names that collectors saw; the number of devices is the highest that one of them counted
insert into public.unread_property as u (family, format, name, devices)
select k.family, k.format, k.name, k.devices
from unnest(%s::text[], %s::text[], %s::text[], %s::int4[]) as k (family, format, name, devices)
where exists (select from public.unread_property o where (o.family, o.format, o.name) = (k.family, k.format, k.name))
   or (select count(*) from public.unread_property) < 2000
on conflict (family, format, name) do update
set devices = case when u.last_seen < now() - interval '1 day' then excluded.devices
                   else greatest(u.devices, excluded.devices) end,
    last_seen = now();

-- forget: names that nobody sends any more
delete from public.unread_property where last_seen < now() - interval '30 days';

-- noted: what was seen lately
select family, format, name, devices, last_seen
from public.unread_property
where last_seen > now() - %s::interval
order by devices desc, family, format, name;
