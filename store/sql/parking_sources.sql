-- bays: bays that have or had a sensor, and others by their ids
select b.id, b.zone from personal.bay b
where exists (select from personal.bay_sensor s where s.bay_id = b.id) or b.id = any(%s::text[])
order by b.id;

-- links: which sensor lies in which bay from when to when, what it says of itself, and its series
select s.bay_id, s.device_id, s.start, s.stop, d.attributes ->> 'heartbeat', r.id
from personal.bay_sensor s
join personal.device d on d.id = s.device_id
left join personal.series r on r.device_id = s.device_id and r.property = 'occupied'
order by s.bay_id, s.start;

-- restrictions: of all bays
select bay_id, days, start_minute, end_minute, maximum_stay, no_return, bank_holidays, event_days, from_day, to_day
from personal.bay_restriction
order by bay_id, number;

-- first_readings: the first reading of each of these series in its time
select timestamptz_send(min(f.time))
from unnest(%s::int4[], %s::timestamptz[], %s::timestamptz[]) k (series_id, start, stop)
cross join lateral (
    select r.time from public.reading r
    where r.series_id = k.series_id and r.time >= k.start and r.time < k.stop
    order by r.time limit 1
) f;
