-- take: the lock on a session's name, if nobody holds it
select pg_try_advisory_lock(%s, hashtext(%s));

-- give_back: let go of the lock
select pg_advisory_unlock(%s, hashtext(%s));

-- note: a session exists at the broker
insert into public.collector (name) values (%s) on conflict do nothing;

-- known: sessions with a prefix
select name from public.collector where starts_with(name, %s) order by name;

-- retire_messages: forget what a session remembers
delete from public.redelivery where session = %s;

-- retire: forget a session
delete from public.collector where name = %s
