-- add: a trial as it was designed; nothing where there is one of that name
insert into personal.trial (name, origin, fuel, arms, shares, begins, months, target, fixed_cost, arm_costs, notes,
    power, designed_at, erased)
values (%(name)s, %(origin)s, %(fuel)s, %(arms)s, %(shares)s, %(begins)s, %(months)s, %(target)s, %(fixed_cost)s,
    %(arm_costs)s, %(notes)s, %(power)s, %(at)s, array_fill(0, array[cardinality(%(arms)s::text[])]))
on conflict (name) do nothing
returning id;

-- every: all trials, the newest first
select id, name, origin, fuel, arms, shares, begins, months, target, fixed_cost, arm_costs, notes, power, designed_at,
    seed, program, strata, eligible, eligible_hash, left_out, erased, assigned_at, ended_on
from personal.trial
order by id desc;

-- one: a trial by its number
select id, name, origin, fuel, arms, shares, begins, months, target, fixed_cost, arm_costs, notes, power, designed_at,
    seed, program, strata, eligible, eligible_hash, left_out, erased, assigned_at, ended_on
from personal.trial
where id = %s;

-- named: a trial by its name
select id, name, origin, fuel, arms, shares, begins, months, target, fixed_cost, arm_costs, notes, power, designed_at,
    seed, program, strata, eligible, eligible_hash, left_out, erased, assigned_at, ended_on
from personal.trial
where name = %s;

-- hold_homes: no import and no erasure until the transaction ends (both take this lock first)
select pg_advisory_xact_lock(-2981146012987351);

-- hold_consents: nobody agrees or withdraws between the reading of the list and the writing of the members
lock table personal.consent in share row exclusive mode;

-- hold_trial: one who changes a trial at a time
select from personal.trial where id = %s for update;

-- record_draw: what the draw of a trial rests on, once
update personal.trial
set seed = %(seed)s, program = %(program)s, strata = %(strata)s, eligible = %(eligible)s,
    eligible_hash = %(eligible_hash)s, left_out = %(left_out)s, assigned_at = %(at)s
where id = %(trial)s and assigned_at is null;

-- add_members: who was drawn for which arm; arms by their place in the trial's
insert into personal.trial_member (trial_id, tenancy_id, number, arm, listed, stratum, block)
select t.id, d.tenancy, d.number, t.arms[d.arm + 1], d.listed, d.stratum, d.block
from personal.trial t
cross join unnest(%(tenancy)s::int8[], %(number)s::int4[], %(arm)s::int4[], %(listed)s::int4[], %(stratum)s::int4[],
    %(block)s::int4[]) as d (tenancy, number, arm, listed, stratum, block)
where t.id = %(trial)s;

-- members: all that are left of those who were drawn, one array a column; days since 1970-01-01, -1 where none left
select string_agg(int8send(m.tenancy_id), ''::bytea order by m.tenancy_id),
    string_agg(int4send(m.number), ''::bytea order by m.tenancy_id),
    string_agg(int4send(array_position(t.arms, m.arm) - 1), ''::bytea order by m.tenancy_id),
    string_agg(int4send(m.listed), ''::bytea order by m.tenancy_id),
    string_agg(int4send(m.stratum), ''::bytea order by m.tenancy_id),
    string_agg(int4send(m.block), ''::bytea order by m.tenancy_id),
    string_agg(int4send(coalesce(least(m.withdrew_on, n.to_day) - date '1970-01-01', -1)), ''::bytea
        order by m.tenancy_id),
    string_agg(int4send(case
        when m.withdrew_on <= coalesce(n.to_day, 'infinity') then 1 when n.to_day is not null then 2 else 0
        end), ''::bytea order by m.tenancy_id)
from personal.trial t
join personal.trial_member m on m.trial_id = t.id
join personal.tenancy n on n.id = m.tenancy_id
where t.id = %s;

-- by_arm: members by arm, and how many of them left for which reason until a day
select m.arm, count(*), count(*) filter (where m.withdrew_on <= %(today)s and m.withdrew_on <= coalesce(n.to_day, 'infinity')),
    count(*) filter (where n.to_day <= %(today)s and n.to_day < coalesce(m.withdrew_on, 'infinity'))
from personal.trial_member m
join personal.tenancy n on n.id = m.tenancy_id
where m.trial_id = %(trial)s
group by m.arm;

-- sights: what members of running trials may see on a day: tenancies, rising, and places of words
select string_agg(int8send(s.tenancy_id), ''::bytea order by s.tenancy_id),
    string_agg(int4send(array_position(%(sights)s::text[], s.sight) - 1), ''::bytea order by s.tenancy_id)
from personal.trial_sight(%(today)s) s;

-- of_tenancy: the running trial of which a tenancy is a member that has not left
select t.id, m.arm, t.begins
from personal.trial_member m
join personal.trial t on t.id = m.trial_id
join personal.tenancy n on n.id = m.tenancy_id
where m.tenancy_id = %(tenancy)s and m.running and coalesce(least(m.withdrew_on, n.to_day) > %(today)s, true);

-- stop: a trial ends; its members are free of it
update personal.trial set ended_on = %(day)s where id = %(trial)s and assigned_at is not null and ended_on is null;

-- note: what was done with a trial
insert into personal.trial_event (trial_id, at, what, detail) values (%s, %s, %s, %s);

-- events: what was done with a trial, the first first
select at, what, detail from personal.trial_event where trial_id = %s order by id
