-- changed: devices that changed after a mark, in the order of their changes
select id, family, model, lon, lat, origin, personal, retired_at is not null,
       case when attributes <> '{}' then attributes::text end, changed
from personal.device
where changed > %s
order by changed;

-- get: one device
select id, family, model, lon, lat, origin, personal, retired_at is not null,
       case when attributes <> '{}' then attributes::text end, changed
from personal.device
where id = %s;

-- upsert: register devices or bring them up to date; one that is as it was keeps its number of change; one that lies or
-- lay in a household's bay stays personal
insert into personal.device as d
    (id, family, model, lon, lat, origin, personal, attributes, retired_at, changed)
select id, family, model, nullif(lon, 'NaN'), nullif(lat, 'NaN'), origin, personal, attributes::jsonb,
       case when retired then now() end, 0
from unnest(%s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[], %s::text[], %s::bool[], %s::text[],
            %s::bool[])
     as k (id, family, model, lon, lat, origin, personal, attributes, retired)
on conflict (id) do update
set family = excluded.family, model = excluded.model, lon = excluded.lon, lat = excluded.lat,
    origin = excluded.origin, personal = excluded.personal or exists (
        select from personal.bay_sensor s join personal.bay b on b.id = s.bay_id
        where s.device_id = excluded.id and b.personal
    ), attributes = excluded.attributes,
    retired_at = case when excluded.retired_at is not null then coalesce(d.retired_at, excluded.retired_at) end
where (d.family, d.model, d.lon, d.lat, d.origin, d.personal, d.attributes, d.retired_at is null)
      is distinct from
      (excluded.family, excluded.model, excluded.lon, excluded.lat, excluded.origin, excluded.personal,
       excluded.attributes, excluded.retired_at is null);

-- add: register devices that are not registered; what is there stays as it is
insert into personal.device (id, family, model, lon, lat, origin, personal, attributes, retired_at, changed)
select id, family, model, nullif(lon, 'NaN'), nullif(lat, 'NaN'), origin, personal, attributes::jsonb,
       case when retired then now() end, 0
from unnest(%s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[], %s::text[], %s::bool[], %s::text[],
            %s::bool[])
     as k (id, family, model, lon, lat, origin, personal, attributes, retired)
on conflict (id) do nothing;

-- retire: devices that speak no more
update personal.device set retired_at = now() where id = any(%s) and retired_at is null;

-- registered: which of these ids are registered
select id from personal.device where id = any(%s);

-- personal: which of these ids are registered as personal
select id from personal.device where id = any(%s) and personal;

-- status: devices in use, with the time and the arrival of the newest reading over all their properties
select d.id, d.family, d.origin, max(l.time), max(l.arrival)
from personal.device d
left join personal.series s on s.device_id = d.id
left join public.latest l on l.series_id = s.id
where d.retired_at is null
group by d.id
order by d.id;

-- now: the database's clock
select now()
