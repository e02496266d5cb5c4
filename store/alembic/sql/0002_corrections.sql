-- Corrections: what was decoded again, what it changed, and where the old values may have been published.

create table public.correction (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    finished_at timestamptz,
    author text not null,
    reason text not null,
    period_start timestamptz not null,
    period_end timestamptz not null check (period_end > period_start),
    family text,
    device text,
    source text not null,
    content jsonb not null,
    decoder text not null,
    progress bigint not null default 0,
    messages bigint not null default 0,
    readings bigint not null default 0,
    superseded bigint not null default 0,
    inserted bigint not null default 0,
    unchanged bigint not null default 0,
    repeated bigint not null default 0,
    thinned bigint not null default 0,
    rejected bigint not null default 0
);
comment on table public.correction is 'One row a correction that changed something, or is not finished (finished_at is null).';
comment on column public.correction.decoder is 'The program and the fingerprint of its decoders, mappings and subscriptions.';
comment on column public.correction.content is 'What the source held when the correction began: frames by file.';
comment on column public.correction.progress is 'Frames of the source that are done; a correction that was killed goes on there.';

create table public.superseded (
    correction_id bigint not null references public.correction (id) on delete cascade,
    series_id integer not null,
    time timestamptz not null,
    old_value double precision,
    new_value double precision not null,
    primary key (correction_id, series_id, time)
);
create index superseded_series on public.superseded (series_id, time);
comment on table public.superseded is 'Every value that a correction changed; old_value is null where there was no reading before.';

create table public.publication (
    id bigint generated always as identity primary key,
    kind text not null,
    reference text not null,
    family text not null,
    first_day date not null,
    last_day date not null check (last_day >= first_day),
    at timestamptz not null default now()
);
create index publication_days on public.publication (family, first_day, last_day);
comment on table public.publication is 'What was published or posted from the readings of a family and span of days (UTC).';

revoke all on public.correction, public.superseded, public.publication from public;
