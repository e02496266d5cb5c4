-- periods: which periods of which fuels a tenancy was told of, the newest first
select c.kind, c.from_day, r.to_day, c.fuel
from personal.comparison c
join personal.comparison_run r using (kind, from_day, fuel)
where c.tenancy_id = %s
order by r.to_day desc, c.kind, c.fuel
limit %s

-- fuels: what a home has daily use of in these months
select distinct fuel from personal.daily_use
where fuel = any(%s) and month = any(%s) and home_id = %s
