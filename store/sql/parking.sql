-- latest_states: all bays that are there today and have a sensor now, with the newest reading of the sensor that lies in each now
select coalesce(array_agg(b.id order by b.id), '{}'), coalesce(array_agg(b.personal order by b.id), '{}'),
    coalesce(string_agg(timestamptz_send(s.start), '' order by b.id), ''),
    coalesce(string_agg(timestamptz_send(coalesce(l.time, 'epoch')), '' order by b.id), ''),
    coalesce(string_agg(float8send(coalesce(l.value, 0)), '' order by b.id), ''),
    coalesce(array_agg(d.attributes ->> 'heartbeat' order by b.id), '{}')
from personal.bay b
join personal.bay_sensor s on s.bay_id = b.id and s.start <= now() and (s.stop is null or s.stop > now())
join personal.device d on d.id = s.device_id
left join personal.series r on r.device_id = s.device_id and r.property = 'occupied'
left join public.latest l on l.series_id = r.id and l.time >= s.start
where (b.from_day is null or b.from_day <= current_date) and (b.to_day is null or b.to_day > current_date)
