-- parts: zones of bays that are of no household, cut where one has more bays than a page, in order
select zone, part, count(*)
from (
    select zone, (row_number() over (partition by zone order by id collate "C") - 1) / %(most)s as part
    from public.bay
    where (from_day is null or from_day <= %(day)s) and (to_day is null or to_day > %(day)s)
      and (origin = 'real' or %(simulated)s)
) b
group by zone, part
order by zone collate "C", part

-- bays: those of some parts, in their order
select id, street, zone, kind, lon, lat, spaces, off_street, length, geometry, origin, from_day, to_day, attributes
from (
    select *, (row_number() over (partition by zone order by id collate "C") - 1) / %(most)s as part
    from public.bay
    where (from_day is null or from_day <= %(day)s) and (to_day is null or to_day > %(day)s)
      and (origin = 'real' or %(simulated)s)
) b
where (zone, part) in (select * from unnest(%(zones)s::text[], %(parts)s::bigint[]))
order by zone collate "C", id collate "C"

-- restrictions: of these bays, each one's in its order
select bay_id, days, start_minute, end_minute, maximum_stay, no_return, bank_holidays, event_days, from_day, to_day
from personal.bay_restriction
where bay_id = any(%s)
order by bay_id, number

-- newest: of these bays those that have a sensor now, what it said newest since it lies there, and whether they are closed
select s.bay_id, l.time, l.value, d.attributes ->> 'heartbeat',
    exists (select from personal.bay_suspension x where x.bay_id = s.bay_id and x.start <= %(now)s and x.stop > %(now)s)
from personal.bay_sensor s
join personal.device d on d.id = s.device_id
left join (personal.series r join public.latest l on l.series_id = r.id)
    on r.device_id = s.device_id and r.property = 'occupied' and l.time >= s.start
where s.bay_id = any(%(bays)s) and s.start <= %(now)s and (s.stop is null or s.stop > %(now)s)
order by s.bay_id

-- spaces: how many there are of each sort on a day, without bays of households
select zone, kind, off_street, spaces = 1, sum(spaces)::int
from public.bay
where (from_day is null or from_day <= %(day)s) and (to_day is null or to_day > %(day)s)
  and (origin = 'real' or %(simulated)s)
group by 1, 2, 3, 4
order by zone collate "C", kind, off_street, 4
