-- known: what a session may be subscribed to, at any broker that it was ever at
select distinct unnest(filters) from public.session_filter where session = %s;

-- remember: add filters to those that a session may have at a broker
insert into public.session_filter as s (session, broker, filters) values (%s, %s, %s)
on conflict (session, broker) do update
set filters = (select array_agg(f order by f) from (select unnest(s.filters) as f union select unnest(excluded.filters)) u);

-- forget: take away filters that a session has no more at a broker
update public.session_filter
set filters = (select coalesce(array_agg(f order by f), '{}') from unnest(filters) f where f <> all (%s::text[]))
where session = %s and broker = %s;

-- retire: a session has ended at a broker
delete from public.session_filter where session = %s and broker = %s
