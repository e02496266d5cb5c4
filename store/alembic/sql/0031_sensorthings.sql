-- SensorThings: how many readings an open series has, by days, so that nobody counts them one by one; and indices for
-- its order and its ways. Only what can be computed again at any time.

create table public.counted_span (
    id bigint generated always as identity primary key,
    family text not null,
    day date not null,
    days smallint not null check (days between 1 and 31),
    unique (family, day, days)
);
comment on table public.counted_span is
    'Days (UTC) of a family whose readings are counted: one day, or a whole month; no two overlap. Forgotten once one is touched.';
revoke all on public.counted_span from public;

create table public.reading_count (
    series_id integer not null,
    span_id bigint not null,
    readings bigint not null,
    primary key (series_id, span_id)
);
create index reading_count_span on public.reading_count (span_id);
comment on table public.reading_count is
    'How many readings a series has in a counted span, where it has any; a row counts only while its span is there.';
revoke all on public.reading_count from public;

-- What 0019 says of digests holds of counts. One row says that a family's day is counted, so forgetting costs little.
create or replace function public.forget_digests() returns trigger language plpgsql as $$
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
    with due as (
        select k.id
        from public.counted_span k
        where (k.family, k.day) in (select t.family, t.day from touched t) and k.days = 1
           or (k.family, k.day) in (select t.family, date_trunc('month', t.day)::date from touched t) and k.days > 1
        order by k.id
        for update
    )
    delete from public.counted_span k using due where k.id = due.id;
    return null;
end $$;

-- A device that is of another family from now on has readings that neither's counts know.
create function personal.forget_counts() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(-5148271906531818);
    delete from public.counted_span where family in (old.family, new.family);
    return null;
end $$;
create trigger forget_counts after update of family on personal.device
    for each row when (old.family is distinct from new.family) execute function personal.forget_counts();

create index device_in_order on personal.device (id collate "C");
create index series_property on personal.series (property);
create index bay_location on personal.bay (('bay~' || id));
