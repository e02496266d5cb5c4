-- past: of these readings those whose value was superseded before, and those whose key something newer restated
select k.row, coalesce(bool_or(s.old_value = k.value), false), coalesce(bool_or(s.arrival > k.arrival), false)
from unnest(%s::int4[], %s::int4[], %s::timestamptz[], %s::float8[], %s::timestamptz[])
     as k (row, series_id, time, value, arrival)
join public.superseded s on s.series_id = k.series_id and s.time = k.time and s.arrival is not null
group by k.row;

-- restate: new values in place of old ones, if these still stand there
update public.reading r set value = k.new_value
from unnest(%(series)s::int4[], %(time)s::timestamptz[], %(old)s::float8[], %(new)s::float8[])
     as k (series_id, time, old_value, new_value)
where r.series_id = k.series_id and r.time = k.time and r.value = k.old_value
  -- once more as constants: of a compressed chunk only these series are unpacked
  and r.series_id = any(%(ids)s::int4[])
  and r.time between %(start)s::timestamptz and %(stop)s::timestamptz;

-- supersede: what was restated, and by what
insert into public.superseded (series_id, time, old_value, new_value, arrival, source, reason)
select k.series_id, k.time, k.old_value, k.new_value, k.arrival, (%s::text[])[k.source + 1], 'restated'
from unnest(%s::int4[], %s::timestamptz[], %s::float8[], %s::float8[], %s::timestamptz[], %s::int4[])
     as k (series_id, time, old_value, new_value, arrival, source);

-- latest: a series' newest reading gets its value that counts; the order in which they are locked is the series'
update public.latest l set value = k.value
from (
    select l.series_id, k.value
    from unnest(%s::int4[], %s::timestamptz[], %s::float8[]) as k (series_id, time, value)
    join public.latest l on l.series_id = k.series_id and l.time = k.time
    where l.value is distinct from k.value
    order by l.series_id for update of l
) k
where l.series_id = k.series_id;

-- restated: of these rows those whose key was restated since they came, or, of a source that may not restate, ever
select coalesce(string_agg(int4send(k.row), ''::bytea order by k.row), '')
from unnest(%s::int4[], %s::int4[], %s::timestamptz[], %s::timestamptz[], %s::int4[])
     as k (row, series_id, time, arrival, restates)
where exists (
    select from public.superseded s
    where s.series_id = k.series_id and s.time = k.time and s.arrival is not null
      and (k.restates = 0 or s.arrival > k.arrival)
);

-- listed: the newest restatements of a device, or of all
select d.id, d.family, s.property, c.time, c.old_value, c.new_value, c.arrival, c.source, c.correction_id
from public.superseded c
join personal.series s on s.id = c.series_id
join personal.device d on d.id = s.device_id
where c.arrival is not null and (%(device)s::text is null or d.id = %(device)s)
order by c.arrival desc, c.time desc limit %(limit)s;
