-- latest_states: every bay that has a sensor now, with what that said newest since it lies there, and its battery; links of
-- one sensor that touch are one
with recursive before as (
    select b.bay_id, p.device_id, p.start
    from personal.bay_sensor b
    join personal.bay_sensor p on p.bay_id = b.bay_id and p.device_id = b.device_id and p.stop = b.start
    where b.start <= now() and (b.stop is null or b.stop > now())
    union all
    select n.bay_id, n.device_id, p.start
    from before n
    join personal.bay_sensor p on p.bay_id = n.bay_id and p.device_id = n.device_id and p.stop = n.start
),
here as (
    select b.bay_id, b.device_id, coalesce(f.start, b.start) as start
    from personal.bay_sensor b
    left join (select bay_id, min(start) as start from before group by bay_id) f on f.bay_id = b.bay_id
    where b.start <= now() and (b.stop is null or b.stop > now())
)
select array_agg(b.bay_id), array_agg(b.device_id),
       string_agg(timestamptz_send(coalesce(o.time, '-infinity')), ''::bytea),
       string_agg(float8send(coalesce(o.value, 'nan')), ''::bytea),
       string_agg(timestamptz_send(coalesce(o.arrival, '-infinity')), ''::bytea),
       string_agg(float8send(coalesce(p.value, 'nan')), ''::bytea)
from here b
left join (personal.series os join public.latest o on o.series_id = os.id)
    on os.device_id = b.device_id and os.property = 'occupied' and o.time >= b.start
left join (personal.series ps join public.latest p on p.series_id = ps.id)
    on ps.device_id = b.device_id and ps.property = 'battery' and p.time >= b.start;

-- open_stays: stays that last
select array_agg(bay_id), string_agg(timestamptz_send(arrival), ''::bytea), null::bytea,
       array_agg(begins), array_agg(ends), string_agg(timestamptz_send(coalesce(over_from, '-infinity')), ''::bytea),
       string_agg(int4send(over_seconds), ''::bytea), string_agg(int4send(suspended_seconds), ''::bytea)
from personal.stay where ends = 'lasts';

-- stays: stays that arrived in a time, of some zones or all, of open bays or all, over or all
select array_agg(s.bay_id), string_agg(timestamptz_send(s.arrival), ''::bytea),
       string_agg(timestamptz_send(coalesce(s.departure, '-infinity')), ''::bytea), array_agg(s.begins),
       array_agg(s.ends), string_agg(timestamptz_send(coalesce(s.over_from, '-infinity')), ''::bytea),
       string_agg(int4send(s.over_seconds), ''::bytea), string_agg(int4send(s.suspended_seconds), ''::bytea)
from (
    select s.* from personal.stay s
    join personal.bay b on b.id = s.bay_id
    where s.arrival >= %(start)s and s.arrival < %(stop)s
      and (%(zones)s::text[] is null or b.zone = any(%(zones)s::text[]))
      and (%(personal)s or not b.personal)
      and (not %(over)s or s.over_seconds > 0)
    order by s.arrival, s.bay_id
) s;

-- zone_days: local days of zones, by day
select zone, day, bays, quarters, arrivals from public.zone_day
where day >= %(start)s and day < %(stop)s and (%(zones)s::text[] is null or zone = any(%(zones)s::text[]))
order by day, zone;

-- bay_days: local days of one bay
select day, quarters, arrivals, repeated from personal.bay_day
where bay_id = %s and day >= %s and day < %s order by day;

-- repeated: bays that said occupied again so often in some days, how often, and how many stays arrived in them
select r.bay_id, r.repeated, (
    select sum(d.arrivals)::int from personal.bay_day d
    where d.bay_id = r.bay_id and d.day >= %(start)s and d.day < %(stop)s
)
from (
    select bay_id, sum(repeated)::int as repeated from personal.bay_day
    where repeated > 0 and day >= %(start)s and day < %(stop)s
    group by bay_id
    having sum(repeated) >= %(least)s
) r
order by r.bay_id;

-- recorded: how far all of it is computed
select recorded_to from personal.parking_record;
