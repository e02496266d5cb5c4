-- lock: one correction at a time; two would record each other's values as old ones
select pg_try_advisory_lock(-5148271906531805);

-- unfinished: the newest correction of the same words that was not finished
select id, content, progress from public.correction
where finished_at is null and (author, reason, period_start, period_end, source, decoder) = (%s, %s, %s, %s, %s, %s)
  and family is not distinct from %s and device is not distinct from %s
order by id desc limit 1;

-- begin: a new correction
insert into public.correction (author, reason, period_start, period_end, source, decoder, family, device, content)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning id;

-- known_series: ids of (device, property) pairs in the order asked for, null where there is none
select s.id
from unnest(%s::text[], %s::text[]) with ordinality k (device_id, property, place)
left join personal.series s on s.device_id = k.device_id and s.property = k.property
order by k.place;

-- filled: of rows of a keep rule those whose period has a reading
select coalesce(string_agg(int4send(k.row), ''::bytea order by k.row), '')
from unnest(%s::int4[], %s::int4[], %s::timestamptz[], %s::timestamptz[]) as k (row, series_id, start, stop)
where exists (
    select from public.reading r
    where r.series_id = k.series_id and r.time >= k.start and r.time < k.stop
      and r.time >= %s::timestamptz and r.time < %s::timestamptz
);

-- supersede: new values in place of old ones, and both on record
with changed as (
    update public.reading r set value = k.new_value
    from unnest(%(series)s::int4[], %(time)s::timestamptz[], %(old)s::float8[], %(new)s::float8[],
                %(arrival)s::timestamptz[], %(restates)s::int4[])
         as k (series_id, time, old_value, new_value, arrival, restates)
    where r.series_id = k.series_id and r.time = k.time
      -- once more as constants: of a compressed chunk only these series are unpacked
      and r.series_id = any(%(ids)s::int4[])
      and r.time between %(start)s::timestamptz and %(stop)s::timestamptz
    returning r.series_id, r.time, k.old_value, k.new_value, k.arrival, k.restates
)
insert into public.superseded (correction_id, series_id, time, old_value, new_value, arrival, source)
select %(correction)s, series_id, time, old_value, new_value,
       case when restates = 1 then arrival end, case when restates = 1 then %(source)s::text end
from changed
-- one correction may meet several restatements of a reading: it stays on record what it was before, and what it is now
on conflict (correction_id, series_id, time) do update
set new_value = excluded.new_value, arrival = excluded.arrival;

-- insert: readings that nobody stored before, and that on record
with added as (
    insert into public.reading (series_id, time, value)
    select series_id, time, value
    from unnest(%s::int4[], %s::timestamptz[], %s::float8[]) as k (series_id, time, value)
    order by series_id, time
    on conflict do nothing
    returning series_id, time, value
)
insert into public.superseded (correction_id, series_id, time, old_value, new_value)
select %s, series_id, time, null, value from added;

-- latest: the newest reading of a series gets its right value, or gives way to a newer one; in the series' order
insert into public.latest as l (series_id, time, value, arrival)
select * from unnest(%s::int4[], %s::timestamptz[], %s::float8[], %s::timestamptz[]) as k order by 1
on conflict (series_id) do update
set time = excluded.time, value = excluded.value, arrival = greatest(l.arrival, excluded.arrival)
where l.time < excluded.time or (l.time = excluded.time and l.value is distinct from excluded.value);

-- latest_known: which of these readings are a series' newest; the others of a keep rule never enter `latest`
update public.latest l set value = k.value
from unnest(%s::int4[], %s::timestamptz[], %s::float8[]) as k (series_id, time, value)
where l.series_id = k.series_id and l.time = k.time and l.value is distinct from k.value;

-- account: readings that a correction added are stored readings of the collector that is called correct
insert into public.accounting as a (minute, collector, family, readings_decoded, readings_stored)
select date_trunc('minute', now()), 'correct', k.family, k.count, k.count
from unnest(%s::text[], %s::int8[]) as k (family, count) order by 3
on conflict (minute, collector, family) do update
set readings_decoded = a.readings_decoded + excluded.readings_decoded,
    readings_stored = a.readings_stored + excluded.readings_stored;

-- progress: so many frames are done, with what came of them
update public.correction set
    progress = %(progress)s, messages = messages + %(messages)s, readings = readings + %(readings)s,
    superseded = superseded + %(superseded)s, inserted = inserted + %(inserted)s, unchanged = unchanged + %(unchanged)s,
    repeated = repeated + %(repeated)s, thinned = thinned + %(thinned)s, rejected = rejected + %(rejected)s
where id = %(correction)s;

-- finish: a correction that changed something is finished
update public.correction set finished_at = now() where id = %s and superseded + inserted > 0;

-- drop_empty: one that changed nothing leaves nothing
delete from public.correction where id = %s and finished_at is null and superseded + inserted = 0;

-- list: corrections, the newest first
select id, at, finished_at, author, reason, period_start, period_end, family, device, source, decoder,
       messages, readings, superseded, inserted, unchanged, repeated, thinned, rejected
from public.correction order by id desc limit %s;

-- get: one correction
select id, at, finished_at, author, reason, period_start, period_end, family, device, source, decoder,
       messages, readings, superseded, inserted, unchanged, repeated, thinned, rejected
from public.correction where id = %s;

-- days: the days that a correction changed, by family
select distinct d.family, (c.time at time zone 'UTC')::date
from public.superseded c
join personal.series s on s.id = c.series_id
join personal.device d on d.id = s.device_id
where c.correction_id = %s order by 1, 2;

-- published: what was published from any of these days
select p.id, p.kind, p.reference, p.family, p.first_day, p.last_day, p.at
from public.publication p
where exists (
    select from unnest(%(families)s::text[], %(days)s::date[]) as k (family, day)
    where k.family = p.family and k.day between p.first_day and p.last_day
) and (%(devices)s::text[] is null or p.kind <> 'nudge' or exists (
    select from personal.nudge n
    join personal.tenancy t on t.id = n.tenancy_id
    join personal.home_meter m on m.home_id = t.home_id
    where n.publication_id = p.id and m.device_id = any(%(devices)s::text[])
))
order by p.at, p.id;

-- publish: something was published from the readings of a family and span of days
insert into public.publication (kind, reference, family, first_day, last_day) values (%s, %s, %s, %s, %s) returning id;

-- series: what a correction changed, by series
select d.id, d.family, s.property, count(*) filter (where c.old_value is not null),
       count(*) filter (where c.old_value is null), min(c.time), max(c.time)
from public.superseded c
join personal.series s on s.id = c.series_id
join personal.device d on d.id = s.device_id
where c.correction_id = %s group by d.id, d.family, s.property order by d.id, s.property;

-- values: the values that a correction changed
select d.id, s.property, c.time, c.old_value, c.new_value
from public.superseded c
join personal.series s on s.id = c.series_id
join personal.device d on d.id = s.device_id
where c.correction_id = %s order by d.id, s.property, c.time limit %s;

-- delete_superseded: values of a family that are past its retention
delete from public.superseded c
using personal.series s join personal.device d on d.id = s.device_id
where c.series_id = s.id and d.family = %s and c.time < %s;

-- naming: corrections whose texts, or the paths that people gave, hold a word; whether it is named there shows only when
-- they are read
select id, author, reason, source, content
from public.correction c
where exists (
    select from unnest(%(words)s::text[]) w (word)
    where position(w.word in concat_ws(E'\n', c.author, c.reason, c.source)) > 0
       or exists (select from jsonb_object_keys(c.content) file where position(w.word in file) > 0)
)
order by id for update;

-- name_no_more: what people wrote of one
update public.correction set author = %(author)s, reason = %(reason)s, source = %(source)s, content = %(content)s
where id = %(id)s;
