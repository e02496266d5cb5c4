-- candidates: tenancies of homes with meters that live there up to a day and after it, one array a column: whether they
-- agreed, are simulated, show hardship, are in a running trial; what their home is, as known at an instant (else first)
with origin as (
    select m.home_id, bool_or(d.origin = 'simulated') as simulated
    from personal.home_meter m join personal.device d on d.id = m.device_id
    group by m.home_id
), agreed as (
    select tenancy_id, bool_or(purpose = 'comparison') as comparison, bool_or(purpose = 'evaluation') as evaluation
    from personal.consent where withdrawn_at is null group by tenancy_id
), hardship as (
    select distinct tenancy_id from personal.comparison
    where kind in ('week', 'month', 'four-weeks') and from_day >= %(since)s and state = 'neutral'
), found as (
    select t.id, t.home_id, t.from_day, t.to_day, o.simulated, coalesce(a.comparison, false) as comparison,
        coalesce(a.evaluation, false) as evaluation, h.tenancy_id is not null as hardship,
        exists (select from personal.trial_member m where m.tenancy_id = t.id and m.running) as busy,
        d.heating, d.tenure, d.deprivation_decile
    from personal.tenancy t
    join origin o on o.home_id = t.home_id
    left join agreed a on a.tenancy_id = t.id
    left join hardship h on h.tenancy_id = t.id
    left join lateral (
        select d.heating, d.tenure, d.deprivation_decile from personal.home_details d where d.home_id = t.home_id
        order by d.valid_from <= %(at)s desc,
            case when d.valid_from <= %(at)s then d.valid_from end desc nulls last, d.valid_from
        limit 1
    ) d on true
    where t.from_day < %(begins)s and (t.to_day is null or t.to_day > %(begins)s)
)
select string_agg(int8send(id), ''::bytea order by id),
    string_agg(int8send(home_id), ''::bytea order by id),
    string_agg(int4send(from_day - date '1970-01-01'), ''::bytea order by id),
    string_agg(int4send(simulated::int4), ''::bytea order by id),
    string_agg(int4send(comparison::int4), ''::bytea order by id),
    string_agg(int4send(evaluation::int4), ''::bytea order by id),
    string_agg(int4send(hardship::int4), ''::bytea order by id),
    string_agg(int4send(busy::int4), ''::bytea order by id),
    string_agg(int4send(coalesce(array_position(%(heating)s::text[], heating), 0) - 1), ''::bytea order by id),
    string_agg(int4send(coalesce(array_position(%(tenures)s::text[], tenure), 0) - 1), ''::bytea order by id),
    string_agg(int4send(coalesce(deprivation_decile, 0)), ''::bytea order by id)
from found;

-- homes: where members of a trial live and since when, and what their home is, as known at an instant (else first)
select string_agg(int8send(t.id), ''::bytea order by t.id),
    string_agg(int8send(t.home_id), ''::bytea order by t.id),
    string_agg(int4send(t.from_day - date '1970-01-01'), ''::bytea order by t.id),
    string_agg(int4send(coalesce(array_position(%(heating)s::text[], d.heating), 0) - 1), ''::bytea order by t.id),
    string_agg(int4send(coalesce(array_position(%(tenures)s::text[], d.tenure), 0) - 1), ''::bytea order by t.id),
    string_agg(int4send(coalesce(d.deprivation_decile, 0)), ''::bytea order by t.id)
from personal.trial_member m
join personal.tenancy t on t.id = m.tenancy_id
left join lateral (
    select d.heating, d.tenure, d.deprivation_decile from personal.home_details d where d.home_id = t.home_id
    order by d.valid_from <= %(at)s desc,
        case when d.valid_from <= %(at)s then d.valid_from end desc nulls last, d.valid_from
    limit 1
) d on true
where m.trial_id = %(trial)s;

-- settled: the first day after the newest month of a fuel that has settled
select max(to_day) from personal.comparison_run where kind = 'month' and fuel = %s and settled_at is not null
