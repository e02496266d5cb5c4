-- take: the batch's number for this collector, no row where this very batch is committed already; are its readings to be
-- told?
insert into public.collector as c (name, batch, outcome, at) values (%s, %s, null, now())
on conflict (name) do update set batch = excluded.batch, outcome = null, at = excluded.at
where c.batch is distinct from excluded.batch
returning exists (
    select from public.observation_publisher p
    where p.seen_at >= now() - interval '7 days' or not exists (select from public.observation_queue)
);

-- outcome: what became of the batch that was committed already
select outcome from public.collector where name = %s;

-- finish: keep what became of this batch, for the case that the answer to our commit is lost
update public.collector set outcome = %s where name = %s;

-- probe: whether the database takes what is written
update public.collector set at = at where name = %s;

-- periods: late rows of the keep rule: the value at their own time, and whether their period has a reading at all
select coalesce(string_agg(int4send(k.row), ''::bytea order by k.row), ''),
       coalesce(string_agg(float8send(coalesce(same.value, 'NaN')), ''::bytea order by k.row), ''),
       coalesce(string_agg(int4send((same.value is not null)::int), ''::bytea order by k.row), '')
from unnest(%s::int4[], %s::int4[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
     as k (row, series_id, time, start, stop)
cross join lateral (
    select r.time from public.reading r
    where r.series_id = k.series_id and r.time >= k.start and r.time < k.stop
      and r.time between %s::timestamptz and %s::timestamptz
    limit 1
) kept
left join lateral (
    select r.value from public.reading r
    where r.series_id = k.series_id and r.time = k.time
      and r.time between %s::timestamptz and %s::timestamptz
) same on true;

-- make_stage: where a batch waits in which a key may be stored already; row is its place in the batch
create temporary table if not exists stage (
    series_id int4 not null, time timestamptz not null, value float8 not null, row int4 not null
) on commit delete rows;

-- copy_stage: the batch into the stage
copy pg_temp.stage (series_id, time, value, row) from stdin (format binary);

-- insert_stage: from the stage into the table; the rows whose key was stored already
with stored as (
    insert into public.reading (series_id, time, value)
    select series_id, time, value from pg_temp.stage order by series_id, time
    on conflict do nothing
    returning series_id, time
)
select coalesce(string_agg(int4send(s.row), ''::bytea order by s.row), '')
from pg_temp.stage s
where not exists (select from stored where stored.series_id = s.series_id and stored.time = s.time);

-- conflicts: of rows whose key is stored, those with another value, and that value; the range spares most chunks
select coalesce(string_agg(int4send(k.row), ''::bytea order by k.row), ''),
       coalesce(string_agg(float8send(stored.value), ''::bytea order by k.row), '')
from unnest(%s::int4[], %s::int4[], %s::timestamptz[], %s::float8[]) as k (row, series_id, time, value)
cross join lateral (
    select r.value from public.reading r
    where r.series_id = k.series_id and r.time = k.time
      and r.time between %s::timestamptz and %s::timestamptz
    offset 0
) stored
where stored.value is distinct from k.value;

-- latest: the newest reading of each series, in the order of the series so that writers never deadlock
insert into public.latest as l (series_id, time, value, arrival)
select series_id, time, value, now()
from unnest(%s::int4[], %s::timestamptz[], %s::float8[]) as k (series_id, time, value)
on conflict (series_id) do update set time = excluded.time, value = excluded.value, arrival = excluded.arrival
where l.time < excluded.time;

-- account: add to the accounting of this minute and collector
insert into public.accounting as a (minute, collector, family, {names})
select %s::timestamptz, %s, * from unnest(%s::text[], {arrays}) order by 3
on conflict (minute, collector, family) do update set {sums};

-- lock_sequence: two writers of one device's runs would each miss the other's; the last lock that a writer takes
select pg_advisory_xact_lock(-5148271906531802);

-- extend_sequence: the usual case, a span that goes on where its device's last run ends; the rows that it settled
with given as (
    select row, k.device, k.first, k.last, k.last_time, run.first as run_first
    from unnest(%s::int4[], %s::text[], %s::int8[], %s::int8[], %s::timestamptz[])
         as k (row, device, first, last, last_time)
    cross join lateral (
        select s.first, s.last from public.sequence s where s.device = k.device order by s.first desc limit 1
    ) run
    where k.first between run.first and run.last + 1
), extended as (
    update public.sequence s set last = given.last, last_time = given.last_time
    from given
    where s.device = given.device and s.first = given.run_first and given.last > s.last
)
select row from given;

-- merge_sequence: any other span: with the runs that it meets it becomes one
with given as (
    select * from unnest(%s::text[], %s::int8[], %s::int8[], %s::timestamptz[], %s::timestamptz[])
         as k (device, first, last, first_time, last_time)
), met as (
    delete from public.sequence s
    using (select distinct s.device, s.first
           from given k join public.sequence s
             on s.device = k.device and s.first <= k.last + 1 and s.last >= k.first - 1) hit
    where s.device = hit.device and s.first = hit.first
    returning s.device, s.first, s.last, s.first_time, s.last_time
), every as (
    select * from given union all select * from met
), marked as (
    select *, first > 1 + max(last) over (partition by device order by first, last
                                          rows between unbounded preceding and 1 preceding) as begins
    from every
), numbered as (
    select *, count(*) filter (where begins) over (partition by device order by first, last) as run from marked
)
insert into public.sequence (device, first, last, first_time, last_time)
select device, min(first), max(last),
       (array_agg(first_time order by first, first_time))[1],
       (array_agg(last_time order by last desc, last_time desc))[1]
from numbered group by device, run;

-- remember: messages whose redelivery must be known again
insert into public.redelivery as r (session, packet_id, digest, arrival, rejected)
select %s, * from unnest(%s::int4[], %s::bytea[], %s::timestamptz[], %s::bool[])
on conflict (session, packet_id) do update
set digest = excluded.digest, arrival = excluded.arrival, rejected = excluded.rejected;

-- forget: the broker has these acknowledgements
delete from public.redelivery where session = %s and packet_id = any(%s::int4[]);

-- remembered: the messages whose redelivery a session must know again
select packet_id, digest, (extract(epoch from arrival) * 1000000)::int8, rejected
from public.redelivery where session = %s
