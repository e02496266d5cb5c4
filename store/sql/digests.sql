-- alone: whether this transaction may make digests: nobody is writing to old days, and nobody else makes any
select pg_try_advisory_xact_lock(-5148271906531818);

-- read: the digests of a series' days, in order
select day - date '1970-01-01', readings, times, values
from public.reading_digest
where series_id = %s and day >= %s and day < %s
order by day;

-- write: digests of days of an open series, where there are none
insert into public.reading_digest (series_id, day, family, readings, times, values)
select s.id, k.day, d.family, k.readings, k.times, k.values
from unnest(%s::date[], %s::int4[], %s::bytea[], %s::bytea[]) as k (day, readings, times, values)
join public.series s on s.id = %s
join public.device d on d.id = s.device_id
order by k.day
on conflict do nothing;

-- wait: for those who make digests now; they read before this transaction
select pg_advisory_xact_lock_shared(-5148271906531818);

-- forget: digests of a family's days before one, or of all families'
delete from public.reading_digest where day <= %(day)s and (%(family)s::text is null or family = %(family)s);
