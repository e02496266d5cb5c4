-- all: what is foretold of all zones
select zone, minutes, at, occupancy, error, persistence_error, hour_of_week_error, shown, tested_day, tested_days
from public.zone_forecast order by zone, minutes

-- shown: what is shown of some zones and lies ahead
select zone, minutes, at, occupancy, error, persistence_error, hour_of_week_error, shown, tested_day, tested_days
from public.zone_forecast
where zone = any(%(zones)s) and shown and occupancy is not null and at > %(now)s
order by zone, minutes

-- clear: everything is told anew
delete from public.zone_forecast

-- add: one forecast
insert into public.zone_forecast (
    zone, minutes, at, occupancy, error, persistence_error, hour_of_week_error, shown, tested_day, tested_days
) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
