-- spans: which days of these families are counted [days since 1970-01-01, how many], in order
select family, day - date '1970-01-01', days
from public.counted_span
where family = any(%(families)s)
order by family, day

-- open_spans: of which families open series of an origin are, or those of some series, and which of their days are
-- counted (null: none); beside each the newest day that may be counted, as in "last"
select f.family, k.day - date '1970-01-01', k.days,
       (now() at time zone 'UTC' - interval '1 hour')::date - 2 - date '1970-01-01'
from (
    select distinct d.family
    from personal.series s
    join personal.device d on d.id = s.device_id
    where not s.personal and not d.personal and d.origin = %(origin)s
      and (%(series)s::int4[] is null or s.id = any(%(series)s::int4[]))
) f
left join public.counted_span k on k.family = f.family
order by 1, 2

-- known: what is counted of some series within days of a family
select coalesce(sum(c.readings), 0)::int8
from public.reading_count c
join public.counted_span k on k.id = c.span_id
join personal.series s on s.id = c.series_id
join personal.device d on d.id = s.device_id
where c.series_id = any(%(series)s::int4[]) and not s.personal and not d.personal and d.origin = %(origin)s
  and k.day >= %(first)s and k.day + k.days <= %(end)s

-- known_of_each: the same of each of some series
select c.series_id, sum(c.readings)::int8
from public.reading_count c
join public.counted_span k on k.id = c.span_id
join personal.series s on s.id = c.series_id
join personal.device d on d.id = s.device_id
where c.series_id = any(%(series)s::int4[]) and not s.personal and not d.personal and d.origin = %(origin)s
  and k.day >= %(first)s and k.day + k.days <= %(end)s
group by c.series_id

-- known_of_all: what is counted of all open series of an origin within days. Each table is read once, whatever the
-- planner knows of them: "is true" keeps it from looking up each count's span and series one by one
select coalesce(sum(o.readings), 0)::int8
from (
    select c.series_id, sum(c.readings) as readings
    from public.reading_count c
    where (c.span_id in (
        select k.id from public.counted_span k where k.day >= %(first)s and k.day + k.days <= %(end)s
    )) is true
    group by c.series_id
) o
where (o.series_id in (
    select s.id from personal.series s
    join personal.device d on d.id = s.device_id
    where not s.personal and not d.personal and d.origin = %(origin)s
)) is true

-- between: the readings themselves, of open series of some families (and, of these, some series) from an instant on
select count(*)
from public.reading r
where r.series_id = any(array(
    select s.id from personal.series s
    join personal.device d on d.id = s.device_id
    where not s.personal and not d.personal and d.origin = %(origin)s and d.family = any(%(families)s)
      and (%(series)s::int4[] is null or s.id = any(%(series)s::int4[]))
)) and r.time >= %(start)s and r.time < %(stop)s

-- between_of_each: the same of each of some series
select r.series_id, count(*)
from public.reading r
where r.series_id = any(array(
    select s.id from personal.series s
    join personal.device d on d.id = s.device_id
    where not s.personal and not d.personal and d.origin = %(origin)s and d.family = any(%(families)s)
      and s.id = any(%(series)s::int4[])
)) and r.time >= %(start)s and r.time < %(stop)s
group by r.series_id

-- of_device: the open series of one device
select s.id from personal.series s
join personal.device d on d.id = s.device_id
where s.device_id = %(device)s and not s.personal and not d.personal and d.origin = %(origin)s

-- intervals: whether readings of an open series (one, a device's, any) stand for intervals
select exists (
    select from personal.series s
    join personal.device d on d.id = s.device_id
    join unnest(%(word_families)s::text[], %(word_properties)s::text[], %(kinds)s::text[])
         as w (family, property, kind) on w.family = d.family and w.property = s.property and w.kind = 'interval'
    where not s.personal and not d.personal and d.origin = %(origin)s
      and (%(number)s::int4 is null or s.id = %(number)s) and (%(device)s::text is null or d.id = %(device)s)
)

-- estimate: about how many readings there are, as the database's statistics say it
select coalesce(sum(greatest(c.reltuples, 0)), 0)::int8
from pg_class c
where c.oid = 'public.reading'::regclass
   or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = 'public.reading'::regclass)

-- last: the newest day that may be counted. A transaction says nothing of what it writes to the day before its own, so
-- that day is counted once no transaction of it runs any more: two days later, an hour after midnight
select (now() at time zone 'UTC' - interval '1 hour')::date - 2

-- families_kept: families that have open series, of whatever origin
select distinct d.family from personal.series s join personal.device d on d.id = s.device_id where not s.personal

-- first_of_chunks: the day on which the oldest chunk of readings begins
select (min(range_start) at time zone 'UTC')::date from timescaledb_information.chunks
where hypertable_schema = 'public' and hypertable_name = 'reading'

-- first_of_series: the day of the oldest reading
select (min(f.time) at time zone 'UTC')::date
from personal.series s
cross join lateral (select r.time from public.reading r where r.series_id = s.id order by r.time limit 1) f
where not s.personal

-- make_spans: days of families that are about to be counted
insert into public.counted_span (family, day, days) select f, %(day)s, 1 from unnest(%(families)s::text[]) f

-- make_counts: count one day of families
insert into public.reading_count (series_id, span_id, readings)
select r.series_id, k.id, count(*)
from public.reading r
join personal.series s on s.id = r.series_id and not s.personal
join personal.device d on d.id = s.device_id
join public.counted_span k on k.family = d.family and k.day = %(day)s and k.days = 1 and k.family = any(%(families)s)
where r.time >= %(start)s and r.time < %(stop)s
group by r.series_id, k.id

-- make_month: one span for a month whose days are all counted
insert into public.counted_span (family, day, days) values (%(family)s, %(first)s, %(days)s) returning id

-- sum_month: what its days come to
insert into public.reading_count (series_id, span_id, readings)
select c.series_id, %(id)s, sum(c.readings)
from public.reading_count c
join public.counted_span k on k.id = c.span_id
where k.family = %(family)s and k.days = 1 and k.day >= %(first)s and k.day < %(first)s + %(days)s::int
group by c.series_id

-- drop_days: the spans that a month's span has replaced
delete from public.counted_span
where family = %(family)s and days = 1 and day >= %(first)s and day < %(first)s + %(days)s::int

-- sweep: counts whose span is gone, some at a time
delete from public.reading_count c
where (c.series_id, c.span_id) in (
    select x.series_id, x.span_id from public.reading_count x
    where not exists (select from public.counted_span k where k.id = x.span_id)
    limit 100000
)

-- forget: that days until one are counted, of a family or of all; inside the transaction that deletes their readings
delete from public.counted_span where day <= %(day)s and (%(family)s::text is null or family = %(family)s)
