-- series: one row a series: its times and its values as the bytes of two arrays, in the order of the series asked for.
-- No "order by" within: the index gives the order, and where it does not NumPy sorts faster than an aggregate.
select (k.place - 1)::int4, a.times, a.values
from unnest(%s::int4[]) with ordinality k (series_id, place)
cross join lateral (
    select string_agg(timestamptz_send(r.time), ''::bytea) as times,
           string_agg(float8send(r.value), ''::bytea) as values
    from public.reading r
    where r.series_id = k.series_id and r.time >= %s::timestamptz and r.time < %s::timestamptz
) a
where a.times is not null;

-- at: of these keys those that the table holds, and their values; the range spares most chunks
select coalesce(string_agg(int4send(k.row), ''::bytea order by k.row), ''),
       coalesce(string_agg(float8send(stored.value), ''::bytea order by k.row), '')
from unnest(%s::int4[], %s::int4[], %s::timestamptz[]) as k (row, series_id, time)
cross join lateral (
    select r.value from public.reading r
    where r.series_id = k.series_id and r.time = k.time
      and r.time between %s::timestamptz and %s::timestamptz
    offset 0
) stored;
