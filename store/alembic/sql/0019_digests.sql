-- Digests of days: of each hour the first, least, greatest and last reading, so that a year is drawn without reading it.
-- Only what can be computed again at any time. A digest stands only while it is what the readings say.

create table public.reading_digest (
    series_id integer not null,
    day date not null,
    family text not null,
    readings integer not null,
    times bytea not null,
    values bytea not null,
    primary key (series_id, day)
);
create index reading_digest_day on public.reading_digest (family, day);
comment on table public.reading_digest is
    'What stands for a series'' day (UTC) in a picture of months; not made of the last two days, forgotten once the day is touched.';
comment on column public.reading_digest.times is 'The kept readings'' times as bytes of timestamptz, in order; values beside them.';
revoke all on public.reading_digest from public;

-- Whoever makes digests holds the lock alone, and looks at the readings only once it has it; whoever writes to old days
-- shares it until the commit. So no digest is made beside readings that are about to be committed. Makers never wait.
create function public.forget_digests() returns trigger language plpgsql as $$
begin
    -- of these days nobody makes digests, a day to spare for transactions that began yesterday: nothing is to be done
    if not exists (select from touched t where t.day < (now() at time zone 'UTC')::date - 1) then
        return null;
    end if;
    perform pg_advisory_xact_lock_shared(-5148271906531818);
    -- in one order, so that two who touch the same days wait for each other
    with due as (
        select d.series_id, d.day
        from public.reading_digest d
        where (d.family, d.day) in (select t.family, t.day from touched t)
        order by d.series_id, d.day
        for update
    )
    delete from public.reading_digest d using due where d.series_id = due.series_id and d.day = due.day;
    return null;
end $$;

create trigger forget_digests after insert on public.touched_day
    referencing new table as touched
    for each statement execute function public.forget_digests();
