-- hold: until the transaction ends nobody else computes or erases days of monitors
select pg_advisory_xact_lock(-5148271906531820);

-- state: from which day on all is computed from readings, and by what rules; -infinity is all days
select nullif(first_day, '-infinity'), rules from public.air_record;

-- keep_rules: by what is computed now
update public.air_record set rules = %s;

-- keep_first_day: readings before a day are deleted from now on
update public.air_record set first_day = %(day)s where first_day < %(day)s;

-- register: series of monitors of no household, by device and property
select s.id, d.id, array_position(%(properties)s::text[], s.property) - 1, d.attributes ->> 'interval',
       d.attributes ->> 'hour_label'
from public.device d
join public.series s on s.device_id = d.id and s.property = any(%(properties)s::text[])
where d.family = 'air-monitor'
order by d.id, 3;

-- touched_monitors: monitors all of whose days must be computed again
select id, device_id from personal.touched_monitor order by id;

-- forget_monitors: what was seen of them and is computed now
delete from personal.touched_monitor where id = any(%s::int8[]);

-- touch_all: have all days of every monitor computed again
insert into personal.touched_monitor (device_id) select id from public.device where family = 'air-monitor' order by id;

-- remove_hidden: days of series that are not open (any more)
delete from public.air_day a
using personal.series s
where s.id = a.series_id and s.device_id = any(%(devices)s::text[])
    and not exists (select from public.series o where o.id = s.id);

-- remove_hidden_index: the same of the daily index
delete from public.air_index_day a
where a.device_id = any(%(devices)s::text[]) and not exists (select from public.device o where o.id = a.device_id);

-- empty_index: no local day has an index
delete from public.air_index_day;

-- empty_days: nothing is computed from readings that are there
delete from public.air_day where day >= coalesce((select first_day from public.air_record), '-infinity');

-- span: the first day and the last that is stored of some series
select min(f.day), max(l.day)
from unnest(%s::int4[]) k (series_id)
cross join lateral (select day from public.air_day where series_id = k.series_id order by day limit 1) f
cross join lateral (select day from public.air_day where series_id = k.series_id order by day desc limit 1) l;

-- read: stored days of some series as the bytes of arrays; places count from 1
select string_agg(int4send(k.place::int4), ''::bytea), string_agg(int4send(a.day - '1970-01-01'), ''::bytea),
       string_agg(int8send(coalesce(a.step, 0)), ''::bytea), string_agg(a.means, ''::bytea),
       string_agg(a.captured, ''::bytea), array_agg(a.quarters),
       string_agg(coalesce(a.indices, decode(repeat('00', 24), 'hex')), ''::bytea)
from unnest(%(series)s::int4[]) with ordinality k (series_id, place)
join public.air_day a on a.series_id = k.series_id and a.day >= %(first)s and a.day < %(end)s;

-- remove: single days
delete from public.air_day a
using unnest(%(series)s::int4[], %(day)s::date[]) k (series_id, day)
where a.series_id = k.series_id and a.day = k.day;

-- write: single days
insert into public.air_day (series_id, day, step, means, captured, quarters, indices)
select series_id, day, nullif(step, 0), means, captured, quarters, indices
from unnest(%(series)s::int4[], %(day)s::date[], %(step)s::int8[], %(means)s::bytea[], %(captured)s::bytea[],
            %(quarters)s::bytea[], %(indices)s::bytea[]) k (series_id, day, step, means, captured, quarters, indices)
on conflict (series_id, day) do update
set step = excluded.step, means = excluded.means, captured = excluded.captured, quarters = excluded.quarters,
    indices = excluded.indices;

-- read_index: stored local days of some monitors; places count from 1
select string_agg(int4send(k.place::int4), ''::bytea), string_agg(int4send(a.day - '1970-01-01'), ''::bytea),
       string_agg(int2send(a.indices[1]) || int2send(a.indices[2]) || int2send(a.indices[3]) || int2send(a.indices[4])
                  || int2send(a.indices[5]), ''::bytea)
from unnest(%(devices)s::text[]) with ordinality k (id, place)
join public.air_index_day a on a.device_id = k.id and a.day >= %(first)s and a.day < %(end)s;

-- remove_index: single local days
delete from public.air_index_day a
using unnest(%(devices)s::text[], %(day)s::date[]) k (device_id, day)
where a.device_id = k.device_id and a.day = k.day;

-- write_index: single local days
insert into public.air_index_day (device_id, day, index, worst, indices)
select device_id, day, index, nullif(worst, ''), array[pm2_5, pm10, no2, o3, so2]::int2[]
from unnest(%(devices)s::text[], %(day)s::date[], %(index)s::int4[], %(worst)s::text[], %(pm2_5)s::int4[],
            %(pm10)s::int4[], %(no2)s::int4[], %(o3)s::int4[], %(so2)s::int4[])
    k (device_id, day, index, worst, pm2_5, pm10, no2, o3, so2)
on conflict (device_id, day) do update
set index = excluded.index, worst = excluded.worst, indices = excluded.indices
