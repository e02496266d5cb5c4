-- zones: how many bays that are of no household each has on a day, in order; none whose sensor is of another origin
select zone, count(*)
from public.bay
where (from_day is null or from_day <= %(day)s) and (to_day is null or to_day > %(day)s)
  and origin = %(origin)s
  and not exists (
    select from personal.bay_sensor s
    join personal.device d on d.id = s.device_id
    where s.bay_id = public.bay.id and d.origin <> public.bay.origin
  )
group by zone
order by zone collate "C"

-- bays: those of these zones, in their order, or a part of them
select id, street, zone, kind, lon, lat, spaces, off_street, length, geometry, origin, from_day, to_day, attributes
from public.bay
where zone = any(%(zones)s)
  and (from_day is null or from_day <= %(day)s) and (to_day is null or to_day > %(day)s)
  and origin = %(origin)s
  and not exists (
    select from personal.bay_sensor s
    join personal.device d on d.id = s.device_id
    where s.bay_id = public.bay.id and d.origin <> public.bay.origin
  )
order by zone collate "C", id collate "C"
offset %(offset)s limit %(count)s

-- restrictions: of these bays, each one's in its order
select bay_id, days, start_minute, end_minute, maximum_stay, no_return, bank_holidays, event_days, from_day, to_day
from personal.bay_restriction
where bay_id = any(%s)
order by bay_id, number

-- spaces: how many there are of each sort on a day, without bays of households
select zone, kind, off_street, spaces = 1, sum(spaces)::int
from public.bay
where (from_day is null or from_day <= %(day)s) and (to_day is null or to_day > %(day)s)
  and origin = %(origin)s
group by 1, 2, 3, 4
order by zone collate "C", kind, off_street, 4
