-- settings: of the server, as our own session has them; names that the server does not know are left out
select name, setting from pg_settings where name = any(%s::text[]);

-- server: what it is, and what of it wears out
select current_setting('server_version_num')::int,
       pg_is_in_recovery(),
       pg_encoding_to_char(d.encoding),
       (select rolsuper from pg_roles where rolname = current_user),
       -- what the server reads is not one of the collation that its indexes were made with
       coalesce(d.datcollversion <> pg_database_collation_actual_version(d.oid), false),
       age(d.datfrozenxid),
       pg_database_size(d.oid),
       pg_backend_pid(),
       inet_server_addr()::text
from pg_database d where d.datname = current_database();

-- wal_kept: replication slots that nobody reads, with the bytes of log that the server keeps for them
select slot_name::text, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8
from pg_replication_slots
where not active and restart_lsn is not null
order by 2 desc;

-- wal_archiver: since when the log cannot be archived; null while it can
select case when last_failed_time > coalesce(last_archived_time, '-infinity') then last_failed_time end
from pg_stat_archiver;

-- idle: the oldest transaction that is open and waits for its client: how long [s], and who
select extract(epoch from clock_timestamp() - xact_start)::float8, application_name
from pg_stat_activity
where state in ('idle in transaction', 'idle in transaction (aborted)') and datname = current_database()
order by xact_start limit 1;

-- clock: the server's
select clock_timestamp();

-- timescale: version of the extension, of the one that the server would install, and the licence; no row without it
select e.extversion, a.default_version, coalesce(current_setting('timescaledb.license', true), '')
from pg_extension e left join pg_available_extensions a on a.name = e.extname
where e.extname = 'timescaledb';

-- compressed: chunks of readings in the columnstore
select count(*) from timescaledb_information.chunks
where hypertable_schema = 'public' and hypertable_name = 'reading' and is_compressed;

-- late_chunks: chunks that should be in the columnstore since an instant and are not
select count(*) from timescaledb_information.chunks
where hypertable_schema = 'public' and hypertable_name = 'reading' and not is_compressed and range_end <= %s;

-- offsets: each change of a zone's offset from UTC [s] between two midnights of UTC, to the half-hour; first that at start
with offset_at as (
    select t, extract(epoch from (t at time zone %(zone)s) - (t at time zone 'UTC'))::int as seconds
    from generate_series(%(start)s::timestamptz, %(end)s::timestamptz, interval '1 day') t
), changed as (
    select t from (select t, seconds, lag(seconds) over (order by t) as before from offset_at) d where seconds <> before
), step as (
    select c.t as day, s as t, extract(epoch from (s at time zone %(zone)s) - (s at time zone 'UTC'))::int as seconds
    from changed c, generate_series(c.t - interval '1 day', c.t, interval '30 minutes') s
), moment as (
    select t, seconds, lag(seconds) over (partition by day order by t) as before from step
)
select t, seconds from offset_at where t = %(start)s
union all
select t, seconds from moment where seconds <> before
order by 1;

-- zones_shown: names of the connections by which pages are served, each once
select distinct application_name from pg_stat_activity
where datname = current_database() and starts_with(application_name, %s)
order by 1;

-- expired: whether a family has readings that are older than an instant
select exists (
    select from personal.series s
    join personal.device d on d.id = s.device_id
    where d.family = %(family)s
      and exists (select from public.reading r where r.series_id = s.id and r.time < %(before)s)
);

-- old_bytes: when the oldest rejection came whose personal bytes are still kept
select min(r.arrival) from personal.rejected_bytes b join public.rejected r on r.id = b.id;

-- stored: readings that were stored since an instant, and the first minute of the account
select (select coalesce(sum(readings_stored), 0)::int8 from public.accounting where minute >= %s),
       (select min(minute) from public.accounting);

-- table_size: bytes and rows of the readings as they are written: a plain table
select pg_total_relation_size('public.reading'), reltuples::int8
from pg_class where oid = 'public.reading'::regclass;

-- chunk_size: the same of the chunks that are not in the columnstore
select coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8, coalesce(sum(greatest(c.reltuples, 0)), 0)::int8
from timescaledb_information.chunks k
join pg_namespace n on n.nspname = k.chunk_schema
join pg_class c on c.relnamespace = n.oid and c.relname = k.chunk_name
where k.hypertable_schema = 'public' and k.hypertable_name = 'reading' and not k.is_compressed;

-- sessions: every session that was ever served: its last commit, and whether a collector serves it now
select c.name, c.batch is not null, c.at, exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = %s::oid
      and l.objid::int8 = (hashtext(c.name)::int8 & 4294967295)
      and l.database = (select oid from pg_database where datname = current_database())
)
from public.collector c
order by c.name;

-- undrained: since when a queue is known whose end was never seen, after the last time that all of one had come
select min(lost_at) from public.absence a
where drained_at is null
  and not exists (select from public.absence b where b.collector = a.collector and b.drained_at > a.back_at)
  and back_at > %s;

-- filters: which sessions may have subscriptions at which broker
select session, broker from public.session_filter where filters <> '{}' order by 1, 2;

-- marks: the tombstones that are known
select kind, mark, from_time from personal.tombstone
