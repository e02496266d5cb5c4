-- begin: an erasure was asked for; asked for again it begins anew and keeps its reference
insert into personal.erasure as e (mark, key_mark, reference, words, sessions)
values (%(mark)s, %(key_mark)s, %(reference)s, %(words)s, array(
    select s.token from personal.session s join personal.account a on a.id = s.account_id
    where a.tenancy_id = %(tenancy)s
))
on conflict (mark) do update
set words = excluded.words, sessions = e.sessions || excluded.sessions, erased_at = null, swept_at = null, done_at = null;

-- open: erasures that are not done, the oldest first
select mark, key_mark, words, erased_at is not null, swept_at is not null, items
from personal.erasure
where done_at is null
order by begun_at, mark;

-- erased: nothing of it is in the database any more
update personal.erasure set erased_at = coalesce(erased_at, now()) where mark = %s;

-- settle: what is left after its files were gone through; done where nothing is
update personal.erasure
set swept_at = coalesce(swept_at, now()), items = %(items)s::jsonb,
    done_at = case when %(items)s::jsonb = '[]' then now() end,
    words = case when %(items)s::jsonb = '[]' then null else words end
where mark = %(mark)s and erased_at is not null
returning done_at is not null;

-- by_mark: how far one is
select reference, begun_at, erased_at, swept_at, done_at, items from personal.erasure where mark = %s;

-- by_reference: the same, for who left
select reference, begun_at, erased_at, swept_at, done_at, items from personal.erasure where reference = %s;

-- by_session: the same, for whoever was signed in when it began
select reference, begun_at, erased_at, swept_at, done_at, items from personal.erasure where %s = any(sessions);

-- forget_sessions: sign-ins that ended an hour ago are asked for by nobody
update personal.erasure set sessions = '{}' where sessions <> '{}' and begun_at < now() - interval '1 hour';

-- count: add to how many readings erasures took
insert into public.erased as e (family, readings)
select * from unnest(%s::text[], %s::int8[])
on conflict (family) do update set readings = e.readings + excluded.readings;

-- readings: how many readings erasures took in all
select coalesce(sum(readings), 0)::int8 from public.erased
