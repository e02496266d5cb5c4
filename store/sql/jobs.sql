-- ask: a job that waits for a worker, once for a form's token
insert into public.job (kind, name, options, asked_by, files, token)
values (%(kind)s, %(name)s, %(options)s::jsonb, %(account)s, %(files)s::text[], %(token)s)
on conflict (token) do nothing
returning id;

-- asked: the job that a form has asked for
select id from public.job where token = %s;

-- give_up: free jobs whose workers fell silent again and again without getting further
update public.job
set state = 'failed', ended_at = clock_timestamp(), worker = null, beat_at = null, wish = null, falls = falls + 1,
    problem = %(problem)s
where id in (
    select id from public.job
    where state = 'running' and falls + 1 >= %(falls)s
      and greatest(beat_at, pg_postmaster_start_time()) < clock_timestamp() - %(silent)s * interval '1 second'
    order by id
    for update skip locked
);

-- take: the oldest that waits, else the oldest whose worker fell silent; nobody could beat before the server was up
with free as (
    select id, state from public.job
    where state = 'waiting'
       or state = 'running'
          and greatest(beat_at, pg_postmaster_start_time()) < clock_timestamp() - %(silent)s * interval '1 second'
    order by state = 'running', id
    limit 1
    for update skip locked
)
update public.job j
set state = 'running', worker = %(worker)s, beat_at = clock_timestamp(),
    started_at = coalesce(j.started_at, clock_timestamp()), attempts = j.attempts + 1,
    falls = j.falls + (free.state = 'running')::int, problem = null
from free
where j.id = free.id
returning j.id;

-- beat: the worker that holds it lives and is so far; null for a score leaves the one before
update public.job
set beat_at = clock_timestamp(), progress = %(progress)s::jsonb, score = coalesce(%(score)s::jsonb, score),
    falls = case when %(sent)s > furthest then 0 else falls end, furthest = greatest(furthest, %(sent)s)
where id = %(id)s and worker = %(worker)s and state = 'running'
returning wish;

-- finish: the worker that holds it lets it go; where it could go on, what is wished of it now counts
update public.job
set state = s.state, worker = null, beat_at = null, wish = null,
    ended_at = case when s.state in ('done', 'stopped', 'failed') then clock_timestamp() end,
    progress = %(progress)s::jsonb, score = coalesce(%(score)s::jsonb, score), problem = %(problem)s,
    falls = 0, furthest = greatest(furthest, %(sent)s)
from (
    select id as mine, case
        when %(state)s not in ('waiting', 'paused') then %(state)s
        when wish = 'stop' then 'stopped'
        when wish = 'pause' then 'paused'
        else 'waiting'
    end as state
    from public.job where id = %(id)s and worker = %(worker)s and state = 'running'
    for update
) s
where id = s.mine
returning job.state;

-- wish: what is wished of a job; at once where no worker holds it
update public.job
set wish = case when s.held then %(wish)s end,
    state = case when s.held then job.state when %(wish)s = 'pause' then 'paused' else 'stopped' end,
    ended_at = case when not s.held and %(wish)s = 'stop' then clock_timestamp() end,
    worker = case when s.held then worker end, beat_at = case when s.held then beat_at end
from (
    select id as mine, state = 'running'
        and greatest(beat_at, pg_postmaster_start_time()) >= clock_timestamp() - %(silent)s * interval '1 second' as held
    from public.job where id = %(id)s and state in ('waiting', 'running', 'paused')
    for update
) s
where id = s.mine and not (%(wish)s = 'pause' and job.state = 'paused') and not (job.wish is not distinct from 'stop' and %(wish)s = 'pause')
returning job.state;

-- resume: it goes on: after a pause, after its failure was mended, or because the pause is not wished any more
update public.job
set state = case when state = 'running' then state else 'waiting' end, wish = null, ended_at = null, problem = null,
    falls = 0
where id = %(id)s and (state in ('paused', 'failed') or state = 'running' and wish = 'pause')
returning state;

-- remove: forget a job that no worker holds
delete from public.job where id = %(id)s and state <> 'running' returning id;

-- state: what it is
select state from public.job where id = %(id)s;

-- get: one job
select id, kind, name, options, files, state, wish, asked_by, asked_at, started_at, ended_at, worker, beat_at,
    attempts, progress, score, problem,
    state = 'running' and greatest(beat_at, pg_postmaster_start_time()) < clock_timestamp() - %(silent)s * interval '1 second'
from public.job where id = %(id)s;

-- find: jobs, the newest first
select id, kind, name, options, files, state, wish, asked_by, asked_at, started_at, ended_at, worker, beat_at,
    attempts, progress, score, problem,
    state = 'running' and greatest(beat_at, pg_postmaster_start_time()) < clock_timestamp() - %(silent)s * interval '1 second'
from public.job
where %(before)s::bigint is null or id < %(before)s
order by id desc
limit %(limit)s;

-- names: all jobs there are, and which files they read, that of their mapping too
select id, array_remove(files || (options ->> 'mapping'), null) from public.job;
