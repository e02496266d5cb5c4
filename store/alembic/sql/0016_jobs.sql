-- Jobs: replays and simulations that somebody asked for, taken by workers (docs/decisions/011-engineers.md).

create table public.job (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('replay', 'simulation')),
    name text not null,
    options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
    files text[] not null default '{}',
    state text not null default 'waiting'
        check (state in ('waiting', 'running', 'paused', 'done', 'stopped', 'failed')),
    wish text check (wish in ('pause', 'stop')),
    asked_by bigint references personal.account (id) on delete set null,
    asked_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz,
    worker text,
    beat_at timestamptz,
    attempts int not null default 0,
    -- messages that were out at most, and how many workers fell silent since then
    furthest bigint not null default 0,
    falls int not null default 0,
    progress jsonb not null default '{}' check (jsonb_typeof(progress) = 'object'),
    score jsonb check (jsonb_typeof(score) = 'object'),
    problem text,
    check ((state = 'running') = (worker is not null and beat_at is not null)),
    check (state = 'running' or wish is null),
    check ((state in ('done', 'stopped', 'failed')) = (ended_at is not null))
);
-- few are ever waiting or running, however many there have been
create index job_open on public.job (id) where state in ('waiting', 'running');
create index job_asked_by on public.job (asked_by);
comment on table public.job is 'Replays and simulations: asked for by engineers, taken by workers, one row each.';
