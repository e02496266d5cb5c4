-- suspended: suspensions that touch a time, by bay and beginning
select s.bay_id, b.street, b.zone, s.start, s.stop, s.reason
from personal.bay_suspension s
join personal.bay b on b.id = s.bay_id
where s.start < %(end)s and s.stop > %(start)s
order by b.zone, b.street, s.bay_id, s.start;

-- dwells: how many whole stays, without bays of households, that began in a time were how long, by the last edge [s] they reached
select width_bucket(extract(epoch from s.departure - s.arrival)::float8, %(edges)s::float8[]), count(*)::int
from personal.stay s
join personal.bay b on b.id = s.bay_id
where not b.personal and s.begins = 'reading' and s.ends = 'reading' and s.arrival >= %(start)s and s.arrival < %(end)s
    and (%(zone)s::text is null or b.zone = %(zone)s)
group by 1
order by 1;

-- bays: the bays that are there on a day, in the board's order, with the model of the sensor that lies in each at an instant
select b.id, b.street, b.zone, b.kind, b.lon, b.lat, b.personal, coalesce(d.model, ''),
    coalesce(d.attributes ->> 'gateway', '')
from personal.bay b
left join personal.bay_sensor s on s.bay_id = b.id and s.start <= %(at)s and (s.stop is null or s.stop > %(at)s)
left join personal.device d on d.id = s.device_id
where (b.from_day is null or b.from_day <= %(day)s) and (b.to_day is null or b.to_day > %(day)s)
order by b.zone, b.street, b.id;

-- register_version: a number that rises with what triggers note of the register, a little before it can be seen
select last_value from personal.touched_bay_id_seq;
