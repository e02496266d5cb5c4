-- Trials of nudges: what was designed, who was drawn for what, and what was done with it
-- (docs/decisions/013-nudges-trial.md). What is of a household stands in trial_member alone.

create table personal.trial (
    id bigint generated always as identity primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    origin text not null check (origin in ('real', 'simulated')),
    fuel text not null check (fuel in ('electricity', 'gas', 'heat')),
    arms text[] not null check (
        arms[1] = 'nothing' and cardinality(arms) between 2 and 5
        and arms <@ array['nothing', 'own-history', 'zone', 'comparison', 'comparison-year']),
    shares smallint[] not null check (cardinality(shares) = cardinality(arms) and 1 <= all (shares)),
    begins date not null check (extract(day from begins) = 1),
    months smallint not null check (months between 1 and 120),
    target double precision not null check (target > 0 and target < 100),
    fixed_cost integer not null default 0 check (fixed_cost >= 0),
    arm_costs integer[] not null check (cardinality(arm_costs) = cardinality(arms) and 0 <= all (arm_costs)),
    notes jsonb not null default '{}',
    power jsonb not null default '{}',
    designed_at timestamptz not null,
    seed text,
    program text,
    strata text[],
    eligible integer,
    eligible_hash text check (eligible_hash ~ '^[0-9a-f]{64}$'),
    left_out jsonb not null default '{}',
    erased integer[] not null check (cardinality(erased) = cardinality(arms)),
    assigned_at timestamptz,
    ended_on date check (ended_on is null or assigned_at is not null),
    running boolean not null generated always as (ended_on is null) stored,
    check (num_nulls(seed, program, strata, eligible, eligible_hash, assigned_at) in (0, 6)),
    unique (id, running)
);
comment on table personal.trial is 'A trial as it was designed; what the draw rests on is written with it and stays.';
comment on column personal.trial.arms is 'Words of devices.trials.Arm, in the order of all arrays; the control is the first.';
comment on column personal.trial.shares is 'Homes of each arm in a block.';
comment on column personal.trial.begins is 'The first local day, of a month; sights hold from it on.';
comment on column personal.trial.months is 'How long it shall run.';
comment on column personal.trial.target is 'The least saving that it shall find, in percent of use.';
comment on column personal.trial.fixed_cost is 'Pence, of the trial as a whole.';
comment on column personal.trial.arm_costs is 'Pence for a home and year, by arm.';
comment on column personal.trial.notes is 'What evaluators ask beside the figures, as the designer said it, by name.';
comment on column personal.trial.power is 'What the power calculation said when it was designed.';
comment on column personal.trial.program is 'The version of the program that drew.';
comment on column personal.trial.strata is 'What homes have in common in each stratum, by its number.';
comment on column personal.trial.eligible_hash is
    'SHA-256 of the tenancies that were eligible and their strata, so that a changed list is told.';
comment on column personal.trial.left_out is 'Homes that were not eligible: how many by reason.';
comment on column personal.trial.erased is 'Members whose household was erased, by arm: as nobody''s.';
comment on column personal.trial.ended_on is 'The local day on which it was ended; it runs until this is set.';

create table personal.trial_member (
    trial_id bigint not null,
    tenancy_id bigint not null references personal.tenancy (id),
    number integer not null check (number > 0),
    arm text not null check (arm in ('nothing', 'own-history', 'zone', 'comparison', 'comparison-year')),
    listed integer not null check (listed >= 0),
    stratum integer not null check (stratum >= -1),
    block integer not null check (block >= 0),
    withdrew_on date,
    running boolean not null default true,
    primary key (trial_id, tenancy_id),
    unique (trial_id, number),
    -- no two trials at once: a trial that ends sets its members free
    foreign key (trial_id, running) references personal.trial (id, running) on update cascade
);
create unique index trial_member_alone on personal.trial_member (tenancy_id) where running;
create index trial_member_tenancy on personal.trial_member (tenancy_id);
comment on table personal.trial_member is 'Which households a trial has, and the arm that each was drawn for.';
comment on column personal.trial_member.number is
    'Its name in panels and files of this trial: given by chance, so that it tells nothing else.';
comment on column personal.trial_member.listed is 'Its stratum in the list that was drawn from: a place in the trial''s strata.';
comment on column personal.trial_member.stratum is 'The stratum that it was drawn in: the listed one, or -1, where small ones are together.';
comment on column personal.trial_member.withdrew_on is 'From this local day on nothing of it is read.';

create table personal.trial_event (
    id bigint generated always as identity primary key,
    trial_id bigint not null references personal.trial (id),
    at timestamptz not null default now(),
    what text not null check (what in ('designed', 'assigned', 'looked', 'ended', 'reported', 'exported')),
    detail jsonb not null default '{}'
);
create index trial_event_trial on personal.trial_event (trial_id, id);
comment on table personal.trial_event is 'What was done with a trial and when; each look with what it said, of groups alone.';

-- Whichever way somebody withdraws, on a page, on paper, by a file: nothing of them is read from that local day on.
-- Who moves out needs no note: a tenancy has its last day.
create function personal.leave_trial() returns trigger language plpgsql as $$
begin
    update personal.trial_member
    set withdrew_on = (new.withdrawn_at at time zone coalesce(
        (select z.zone from personal.day_zone z), 'Europe/London'))::date
    where tenancy_id = new.tenancy_id and running and withdrew_on is null;
    return null;
end $$;
create trigger leave_trial after update of withdrawn_at on personal.consent for each row
    when (new.purpose = 'evaluation' and old.withdrawn_at is null and new.withdrawn_at is not null)
    execute function personal.leave_trial();

-- A member goes with an erasure and no other way; that there was one stays, as nobody's.
create function personal.count_erased_member() returns trigger language plpgsql as $$
begin
    update personal.trial t
    set erased[array_position(t.arms, old.arm)] = t.erased[array_position(t.arms, old.arm)] + 1
    where t.id = old.trial_id;
    return null;
end $$;
create trigger count_erased_member after delete on personal.trial_member for each row
    execute function personal.count_erased_member();

-- What members of trials that were drawn and have not ended may see on a local day: 'all', 'zone' or 'own', words of
-- devices.trials.Sight. Who stands in no row may see all.
create function personal.trial_sight(today date) returns table (tenancy_id bigint, sight text)
language sql stable as $$
    select m.tenancy_id,
           case m.arm
               when 'comparison' then 'all'
               when 'comparison-year' then case when today < t.begins + interval '1 year' then 'all' else 'own' end
               when 'zone' then 'zone'
               else 'own'
           end
    from personal.trial_member m
    join personal.trial t on t.id = m.trial_id
    join personal.tenancy n on n.id = m.tenancy_id
    where m.running and coalesce(least(m.withdrew_on, n.to_day) > today, true)
$$;

-- The same today, by the site's time zone.
create view personal.trial_sight with (security_barrier) as
    select s.tenancy_id, s.sight
    from personal.trial_sight(
        (now() at time zone coalesce((select z.zone from personal.day_zone z), 'Europe/London'))::date) s;
comment on view personal.trial_sight is 'What members of running trials may see today; all others may see all.';

revoke all on all tables in schema personal from public;
