-- Months of which snapshots may be published already, and that were written to afterwards: late readings, corrections.
-- `borough publish` reads the notes, makes those months again, and takes away exactly the notes that it has read.

create table public.late_month (
    id bigint generated always as identity primary key,
    family text not null,
    month date not null
);
comment on table public.late_month is
    'Months (UTC, by their first day) of a family that a transaction wrote to after their end. Never looked up before a'
    ' row is added: a note that is skipped because another is there could be taken away together with that one.';
revoke all on public.late_month from public;

create function public.note_late_months() returns trigger language plpgsql as $$
begin
    insert into public.late_month (family, month)
    select distinct t.family, date_trunc('month', t.day)::date
    from touched t
    where t.day < date_trunc('month', now() at time zone 'UTC')::date
    order by 1, 2;
    return null;
end $$;

create trigger note_late_months after insert on public.touched_day
    referencing new table as touched
    for each statement execute function public.note_late_months();
