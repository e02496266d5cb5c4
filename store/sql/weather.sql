-- lock_import: one import at a time
select pg_advisory_xact_lock(-4417302295186620)

-- place: one by its name
select name, lon, lat, origin from public.weather_place where name = %s

-- keep_place: a place, where it is now
insert into public.weather_place as p (name, lon, lat, origin)
values (%(name)s, %(lon)s, %(lat)s, %(origin)s)
on conflict (name) do update set lon = excluded.lon, lat = excluded.lat
where (p.lon, p.lat) is distinct from (excluded.lon, excluded.lat)

-- put: days of a place; how many are new, corrected and unchanged
with given as (
    select * from unnest(%(days)s::date[], %(celsius)s::float8[]) g (day, celsius)
), known as (
    select g.day, g.celsius, w.day is null as new, w.celsius is distinct from g.celsius as other
    from given g
    left join public.weather_day w on w.place = %(place)s and w.day = g.day
), written as (
    insert into public.weather_day as w (place, day, celsius)
    select %(place)s, k.day, k.celsius from known k where k.other
    on conflict (place, day) do update set celsius = excluded.celsius
)
select count(*) filter (where new), count(*) filter (where other and not new), count(*) filter (where not other)
from known

-- days: what is known of a place between two days
select day, celsius from public.weather_day where place = %s and day >= %s and day < %s

-- places: all, with how much is known of each
select p.name, p.lon, p.lat, p.origin, count(d.day), min(d.day), max(d.day)
from public.weather_place p
left join public.weather_day d on d.place = p.name
group by p.name
order by p.origin, p.name

-- near: places of an origin, the nearest first, with how far each is [km]; unknown to a home without a place
select name, 6371.0088 * 2 * asin(least(1, sqrt(
    sin(radians(lat - %(lat)s::float8) / 2) ^ 2
    + cos(radians(lat)) * cos(radians(%(lat)s::float8)) * sin(radians(lon - %(lon)s::float8) / 2) ^ 2)))
from public.weather_place where origin = %(origin)s
order by 2, name
limit 2

-- simulated: whether any meter of a home is a simulated one
select coalesce(bool_or(d.origin = 'simulated'), false)
from personal.home_meter m join personal.device d on d.id = m.device_id
where m.home_id = %s
