-- Alarms of the system itself: what is wrong, since when, and who was told.

create table public.alarm (
    id bigint generated always as identity primary key,
    rule text not null,
    subject text not null,
    severity text not null check (severity in ('urgent', 'soon')),
    text text not null,
    mark text not null,
    seen_at timestamptz not null,
    begun_at timestamptz,
    calm_at timestamptz,
    ended_at timestamptz,
    check (begun_at >= seen_at),
    check (begun_at is not null or (calm_at is null and ended_at is null)),
    check (ended_at >= begun_at)
);
create unique index alarm_open on public.alarm (rule, subject) where ended_at is null;
create index alarm_begun on public.alarm (begun_at, id);
comment on table public.alarm is
    'What is or was wrong with the system. No row names a device; a subject is a family, a gateway or a folder.';
comment on column public.alarm.mark is 'Where it changes, the condition is another one and its time begins anew.';
comment on column public.alarm.seen_at is 'Since when the condition holds.';
comment on column public.alarm.begun_at is 'When it had held for its time; null: it has not yet.';
comment on column public.alarm.calm_at is 'Since when the condition does not hold any more, while that may be a lull.';

create table public.alarm_notice (
    alarm_id bigint not null references public.alarm (id) on delete cascade,
    event text not null check (event in ('begun', 'ended')),
    way text not null check (way in ('log', 'webhook')),
    key uuid not null default gen_random_uuid(),
    made_at timestamptz not null,
    due_at timestamptz not null,
    tries integer not null default 0,
    told_at timestamptz,
    given_up_at timestamptz,
    problem text,
    primary key (alarm_id, event, way)
);
create index alarm_notice_due on public.alarm_notice (due_at) where told_at is null and given_up_at is null;
comment on table public.alarm_notice is 'What is to be told of an alarm, by which way, and whether it was.';
comment on column public.alarm_notice.key is 'The same at every try: a receiver who has it already leaves the next one.';

create table public.watch (
    one boolean primary key default true check (one),
    looked_at timestamptz not null
) with (fillfactor = 10);
comment on table public.watch is 'When the rules of alarms were looked at last: nobody else would say that nobody looks.';

create table public.archive_failure (
    collector text primary key,
    missed bigint not null,
    at timestamptz not null
) with (fillfactor = 10);
comment on table public.archive_failure is
    'Collectors that could not archive, when they said so last, and how many messages are missing since their start.';
