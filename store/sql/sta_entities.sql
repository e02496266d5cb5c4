-- thing: an open device of the installation's origin. location_id: where it is now, an open bay before its own place
select d.id, d.family, d.model, d.attributes, d.lon, d.lat,
       coalesce(nullif(d.attributes ->> 'name', ''), d.id) as name,
       coalesce(nullif(d.attributes ->> 'description', ''), f.label, d.family) as description,
       coalesce((select 'bay~' || x.bay_id from personal.bay_sensor x
                 join personal.bay b on b.id = x.bay_id and not b.personal
                 where x.device_id = d.id and x.start <= now() and (x.stop is null or x.stop > now())
                 order by x.start desc, x.bay_id limit 1),
                case when d.lon is not null then d.id end) as location_id
from personal.device d
left join unnest(%(families)s::text[], %(family_labels)s::text[]) as f (family, label) on f.family = d.family
where not d.personal and d.origin = %(origin)s

-- location: an open bay in which an open device lies or lay, and the own place of one that lies in none now
select 'bay~' || b.id as id, 'Bay ' || b.id as name, concat_ws(', ', nullif(b.street, ''), 'zone ' || b.zone) as description,
       b.lon, b.lat, jsonb_build_object('bay', b.id, 'street', b.street, 'zone', b.zone, 'kind', b.kind) as properties,
       array(select x.device_id from personal.bay_sensor x
             join personal.device d on d.id = x.device_id and not d.personal and d.origin = %(origin)s
             where x.bay_id = b.id and x.start <= now() and (x.stop is null or x.stop > now())) as things,
       array(select x.device_id from personal.bay_sensor x
             join personal.device d on d.id = x.device_id and not d.personal and d.origin = %(origin)s
             where x.bay_id = b.id and x.start <= now()) as stayed
from personal.bay b
where not b.personal
  and exists (select from personal.bay_sensor x
              join personal.device d on d.id = x.device_id and not d.personal and d.origin = %(origin)s
              where x.bay_id = b.id and x.start <= now())
union all
select d.id, coalesce(nullif(d.attributes ->> 'name', ''), d.id),
       'Where ' || coalesce(nullif(d.attributes ->> 'name', ''), d.id) || ' is',
       d.lon, d.lat, jsonb_build_object('device', d.id), array[d.id], array[d.id]
from personal.device d
where not d.personal and d.origin = %(origin)s and d.lon is not null
  and not exists (select from personal.bay_sensor x
                  join personal.bay b on b.id = x.bay_id and not b.personal
                  where x.device_id = d.id and x.start <= now() and (x.stop is null or x.stop > now()))

-- historical_location: a device's stays: in open bays, and at its own place since it lies in none
select y.device_id, y.time, array_agg(y.location_id order by y.location_id) as locations
from (
    select x.device_id, x.start as time, 'bay~' || x.bay_id as location_id
    from personal.bay_sensor x
    join personal.bay b on b.id = x.bay_id and not b.personal
    join personal.device d on d.id = x.device_id and not d.personal and d.origin = %(origin)s
    where x.start <= now()
    union all
    select d.id,
           coalesce((select max(x.stop) from personal.bay_sensor x
                     join personal.bay b on b.id = x.bay_id and not b.personal
                     where x.device_id = d.id and x.start <= now()), d.registered_at),
           d.id
    from personal.device d
    where not d.personal and d.origin = %(origin)s and d.lon is not null
      and not exists (select from personal.bay_sensor x
                      join personal.bay b on b.id = x.bay_id and not b.personal
                      where x.device_id = d.id and x.start <= now() and (x.stop is null or x.stop > now()))
) y
group by y.device_id, y.time

-- datastream: an open series. length: what a reading of the kind interval stands for, null for an instant
select s.id, s.device_id, s.property, d.family, d.model, d.lon, d.lat,
       coalesce(nullif(d.attributes ->> 'name', ''), d.id) as device_name,
       coalesce(w.label, s.property) as label, w.unit, w.unit_name, w.unit_symbol, w.kind,
       case when w.kind = 'interval' then
           case when pg_input_is_valid(coalesce(d.attributes ->> 'interval', 'PT30M'), 'interval')
                then coalesce(d.attributes ->> 'interval', 'PT30M')::interval else interval '30 minutes' end
       end as length
from personal.series s
join personal.device d on d.id = s.device_id
left join unnest(%(word_families)s::text[], %(word_properties)s::text[], %(word_labels)s::text[], %(word_units)s::text[],
                 %(unit_names)s::text[], %(unit_symbols)s::text[], %(kinds)s::text[])
     as w (family, property, label, unit, unit_name, unit_symbol, kind)
     on w.family = d.family and w.property = s.property
where not s.personal and not d.personal and d.origin = %(origin)s

-- sensor: what measures one property in one model of device
select d.family, d.model, s.property, coalesce(f.label, d.family) as family_label, coalesce(p.label, s.property) as label
from personal.series s
join personal.device d on d.id = s.device_id
left join unnest(%(families)s::text[], %(family_labels)s::text[]) as f (family, label) on f.family = d.family
left join unnest(%(properties)s::text[], %(labels)s::text[]) as p (property, label) on p.property = s.property
where not s.personal and not d.personal and d.origin = %(origin)s
group by 1, 2, 3, 4, 5

-- observed_property: what an open series observes
select k.property as id, coalesce(p.label, k.property) as name,
       coalesce(p.description, 'A property that this program does not know any more') as description,
       coalesce(p.definition, %(root)s || '/ObservedProperties(''' || k.property || ''')') as definition
from (
    select n.property from unnest(%(properties)s::text[]) as n (property)
    where exists (select from personal.series s
                  join personal.device d on d.id = s.device_id
                  where s.property = n.property and not s.personal and not d.personal and d.origin = %(origin)s)
    union all
    select distinct s.property from personal.series s
    join personal.device d on d.id = s.device_id
    where not s.personal and not d.personal and d.origin = %(origin)s and s.property <> all (%(properties)s::text[])
) k
left join unnest(%(properties)s::text[], %(labels)s::text[], %(descriptions)s::text[], %(definitions)s::text[])
     as p (property, label, description, definition) on p.property = k.property

-- observation: a reading of an open series
select r.series_id, r.time, r.value, r.time + s.length as stop, s.device_id
from public.reading r
join (select s.id, s.device_id,
             case when w.kind = 'interval' then
                 case when pg_input_is_valid(coalesce(d.attributes ->> 'interval', 'PT30M'), 'interval')
                      then coalesce(d.attributes ->> 'interval', 'PT30M')::interval else interval '30 minutes' end
             end as length
      from personal.series s
      join personal.device d on d.id = s.device_id
      left join unnest(%(word_families)s::text[], %(word_properties)s::text[], %(kinds)s::text[])
           as w (family, property, kind) on w.family = d.family and w.property = s.property
      where not s.personal and not d.personal and d.origin = %(origin)s) s on s.id = r.series_id

-- feature: what an open device with open series observes: its surroundings, at its own place or in the bay where it lies
select d.id, d.family, coalesce(nullif(d.attributes ->> 'name', ''), d.id) as name,
       'What ' || coalesce(nullif(d.attributes ->> 'name', ''), d.id) || ' observes' as description,
       coalesce(d.lon, l.lon) as lon, coalesce(d.lat, l.lat) as lat
from personal.device d
left join lateral (
    select b.lon, b.lat from personal.bay_sensor x
    join personal.bay b on b.id = x.bay_id and not b.personal
    where x.device_id = d.id and x.start <= now() and (x.stop is null or x.stop > now())
    order by x.start desc, x.bay_id limit 1
) l on true
where not d.personal and d.origin = %(origin)s
  and exists (select from personal.series s where s.device_id = d.id and not s.personal)

-- feature_type: what kind of place or thing is observed, by the family of devices
select distinct d.family as id, coalesce(f.label, d.family) as name
from personal.device d
left join unnest(%(families)s::text[], %(family_labels)s::text[]) as f (family, label) on f.family = d.family
where not d.personal and d.origin = %(origin)s
  and exists (select from personal.series s where s.device_id = d.id and not s.personal)

-- observation_of_one: a reading of the one series that was looked up before, in the same state
select r.series_id, r.time, r.value, r.time + %(only_length)s::interval as stop, %(only_device)s::text as device_id,
       %(only_length)s::interval as length
from public.reading r
where r.series_id = %(only)s::int4

-- observation_of_each: a reading of the series whose row is p
select r.series_id, r.time, r.value, r.time + p.length as stop, p.device_id, p.length
from public.reading r
where r.series_id = p.id
