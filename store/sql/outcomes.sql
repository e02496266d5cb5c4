-- note: an officer's outcome, once for a form's token
insert into personal.visit_outcome (token, bay_id, arrival, at, account_id, outcome, minutes_over)
select %s, b.id, %s, %s, %s, %s, %s from personal.bay b where b.id = %s and (%s or not b.personal)
on conflict (token) do nothing
returning token;

-- noted: what a token has noted, and whether it is of this stay
select outcome, (bay_id, arrival) = (%s, %s) from personal.visit_outcome where token = %s;

-- counts: how often each outcome was found at each bay since an instant, with the model of the sensor that lay there
select o.bay_id, b.street, b.kind, coalesce(d.model, ''), o.outcome, count(*)::int
from personal.visit_outcome o
join personal.bay b on b.id = o.bay_id
left join personal.bay_sensor s on s.bay_id = o.bay_id and o.at >= s.start and (s.stop is null or o.at < s.stop)
left join personal.device d on d.id = s.device_id
where o.at >= %s and (%s or not b.personal)
group by o.bay_id, b.street, b.kind, coalesce(d.model, ''), o.outcome
order by o.bay_id, o.outcome;

-- visited: stays that got an outcome since an instant
select distinct bay_id, arrival from personal.visit_outcome where at >= %s;

-- last_place: where an account's newest outcome since an instant was
select b.lon, b.lat, b.street
from personal.visit_outcome o
join personal.bay b on b.id = o.bay_id
where o.account_id = %s and o.at >= %s
order by o.at desc
limit 1;
