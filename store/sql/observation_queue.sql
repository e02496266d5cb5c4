-- lock: one publisher at a time, until its connection closes; two would tell a series' readings out of order
select pg_try_advisory_lock(-5148271906531832);

-- begin: from the transactions that begin now on, what is stored is queued, where it was not before; since when
insert into public.observation_publisher as p default values
on conflict (one) do update set since = p.since
returning since;

-- renew: what was queued could be told; since when everything stored is queued, without a gap. No attempt that failed
-- does it: while nothing can be told the queue grows for a week and then no more
insert into public.observation_publisher as p default values
on conflict (one) do update
set seen_at = now(), since = case when p.seen_at < now() - interval '7 days' then now() else p.since end
returning since;

-- keep: nothing waits to be told. Not after a week: that the queue is empty does not say that anything could be told
update public.observation_publisher set seen_at = now() where seen_at >= now() - interval '7 days';

-- end: nothing is queued any more
delete from public.observation_publisher;

-- empty: what was queued is told to nobody; a week of it would take long to delete
truncate public.observation_queue;

-- abandoned: a publisher that could tell nothing since. Its row stays: without it the next attempt would begin a new
-- week. Locked, so that what is queued once something was told is not emptied with what was queued before
select seen_at from public.observation_publisher where seen_at < %s for update;

-- any: whether something is queued
select exists (select from public.observation_queue);

-- add: readings of open series, in their order; a household's are never queued. For a publisher that could tell nothing
-- for a week only while nothing waits: with nothing to tell it could not find out that the broker takes messages again
insert into public.observation_queue (series_id, time, changed)
select k.series_id, k.time, %(changed)s
from unnest(%(series)s::int4[], %(time)s::timestamptz[]) with ordinality as k (series_id, time, place)
join public.series s on s.id = k.series_id
where exists (
    select from public.observation_publisher p
    where p.seen_at >= now() - interval '7 days' or not exists (select from public.observation_queue)
)
order by k.place;

-- read: the first of the queue with what they are now; no device where they are not open or of another origin
select q.id, q.series_id, (extract(epoch from q.time) * 1000000)::int8, q.changed,
       o.value, (extract(epoch from o.stop) * 1000000)::int8, o.device_id
from (select * from public.observation_queue order by id limit %(limit)s) q
left join lateral (
    select k.value, k.stop, k.device_id from ({observation}) k where k.series_id = q.series_id and k.time = q.time
    offset 0
) o on true
order by q.id;

-- told: these are done
delete from public.observation_queue where id = any(%s::int8[]);

-- waiting: how many are queued
select count(*) from public.observation_queue;

-- publisher: when everything that was queued could last be told, whether that is so long ago that nothing is queued any
-- more, and how many are queued, some and one at most
select p.seen_at, p.seen_at < now() - interval '7 days',
       (select count(*) from (select from public.observation_queue limit %s::int8 + 1) q)
from public.observation_publisher p
