-- take: the lock on a session's name, if nobody holds it
select pg_try_advisory_lock(%s, hashtext(%s));

-- give_back: let go of the lock
select pg_advisory_unlock(%s, hashtext(%s));

-- give_all_back: whatever this session holds
select pg_advisory_unlock_all();

-- note: a session exists at the broker, and its messages are read so
insert into public.collector as c (name, formats) values (%s, %s)
on conflict (name) do update set formats = excluded.formats where c.formats <> excluded.formats;

-- serving: sessions whose lock is held, and what their formats are read with
select c.name, c.formats
from public.collector c
where exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.objsubid = 2
      and l.database = (select oid from pg_database where datname = current_database())
      and l.classid::int8 = %s and l.objid::int8 = hashtext(c.name)::int8 & 4294967295
)
order by c.name;

-- known: sessions with a prefix
select name from public.collector where starts_with(name, %s) order by name;

-- retire_messages: forget what a session remembers
delete from public.redelivery where session = %s;

-- retire: forget a session
delete from public.collector where name = %s
