-- anchors: about where bays and homes lie, each place once
select round(lon::numeric, 2)::float8, round(lat::numeric, 2)::float8 from personal.bay
union
select round(lon::numeric, 2)::float8, round(lat::numeric, 2)::float8 from personal.home

-- lock_import: one import at a time
select pg_advisory_xact_lock(-7390124466120035)

-- stage: where a file's places wait
create temporary table staged_place (number int not null, name text not null, lon float8 not null, lat float8 not null)
on commit drop

-- copy: places of a file
copy staged_place (number, name, lon, lat) from stdin

-- remove: postcodes that have ended
delete from public.place where kind = 'postcode' and name = any(%s)

-- analyze: the planner knows nothing of a new table
analyze staged_place

-- merge: the staged places into the table; how many were repeated in the file, are new, moved and unchanged
with first as (
    select distinct on (name) name, lon, lat from staged_place order by name, number
), known as (
    select f.name, p.name is null as new, (p.lon, p.lat) is distinct from (f.lon, f.lat) as other
    from first f
    left join public.place p on p.kind = %(kind)s and p.name = f.name
), written as (
    insert into public.place as p (kind, name, lon, lat)
    select %(kind)s, f.name, f.lon, f.lat from first f join known k using (name) where k.other
    on conflict (kind, name) do update set lon = excluded.lon, lat = excluded.lat
)
select (select count(*) from staged_place) - count(*), count(*) filter (where new),
    count(*) filter (where other and not new), count(*) filter (where not other)
from known

-- count: places by kind
select kind, count(*) from public.place group by kind

-- postcode: where one is
select lon, lat from public.place where kind = 'postcode' and name = %s

-- outward: the middle of all postcodes that begin so
select avg(lon), avg(lat) from public.place
where kind = 'postcode' and length(name) = %s and starts_with(name, %s)

-- named: areas, and streets with bays of no household, whose name is or holds a text
select name, lon, lat from (
    select name, lon, lat, 0 as street, translate(lower(name), %(apostrophes)s, %(plain)s) as plain
    from public.place where kind = 'area'
    union all
    select street, avg(lon), avg(lat), 1, translate(lower(street), %(apostrophes)s, %(plain)s)
    from public.bay where origin = %(origin)s group by street
) p
where position(lower(%(text)s) in plain) > 0
order by plain <> lower(%(text)s), not starts_with(plain, lower(%(text)s)), street, name
limit %(most)s

-- areas: all areas
select name, lon, lat from public.place where kind = 'area' order by name

-- open_bays: open bays of some kinds and one origin on a day
select id from public.bay
where kind = any(%(kinds)s) and origin = %(origin)s
    and (from_day is null or from_day <= %(day)s) and (to_day is null or to_day > %(day)s)

-- bays_near: open bays of some kinds around a place, the nearest first
select id, street, zone, kind, spaces, metres from (
    select b.*, 6371008.8 * 2 * asin(least(1, sqrt(
        sin(radians(b.lat - %(lat)s) / 2) ^ 2
        + cos(radians(b.lat)) * cos(radians(%(lat)s)) * sin(radians(b.lon - %(lon)s) / 2) ^ 2))) as metres
    from public.bay b
    where b.kind = any(%(kinds)s) and b.origin = %(origin)s
        and b.lat between %(lat)s - %(up)s and %(lat)s + %(up)s
        and b.lon between %(lon)s - %(across)s and %(lon)s + %(across)s
        and (b.from_day is null or b.from_day <= %(day)s) and (b.to_day is null or b.to_day > %(day)s)
) b
where metres <= %(within)s
order by metres, id

-- restrictions: those of some bays, in the order of their signs
select bay_id, days, start_minute, end_minute, maximum_stay, no_return, bank_holidays, event_days, from_day, to_day
from personal.bay_restriction where bay_id = any(%s) order by bay_id, number

-- event_zones: zones that have an event on a day
select distinct zone from public.event_day where day = %s
