-- one: one comparison of a tenancy
select c.tenancy_id, c.home_id, c.kind, c.from_day, r.to_day, c.fuel, c.own, c.estimated_days, c.missing_days, c.before,
    c.state, c.reason, c.average, c.efficient, c.homes, c.tenths, c.carbon, c.cost, c.tariff, c.tariff_own, c.revision,
    r.quarter, r.settled_at is not null, c.sight
from personal.comparison c
join personal.comparison_run r using (kind, from_day, fuel)
where c.tenancy_id = %s and c.kind = %s and c.from_day = %s and c.fuel = %s

-- of_tenancy: a tenancy's comparisons, the newest first
select c.tenancy_id, c.home_id, c.kind, c.from_day, r.to_day, c.fuel, c.own, c.estimated_days, c.missing_days, c.before,
    c.state, c.reason, c.average, c.efficient, c.homes, c.tenths, c.carbon, c.cost, c.tariff, c.tariff_own, c.revision,
    r.quarter, r.settled_at is not null, c.sight
from personal.comparison c
join personal.comparison_run r using (kind, from_day, fuel)
where c.tenancy_id = %(tenancy)s
    and (%(kind)s::text is null or c.kind = %(kind)s::text)
    and (%(fuel)s::text is null or c.fuel = %(fuel)s::text)
order by r.to_day desc, c.kind, c.fuel
limit %(limit)s

-- neighbourhood: about the cell of a home and the cells that join it
select c.quarter, c.dwelling, c.heating, c.heat_network, c.step, c.homes,
    c.homes - 1 + coalesce((
        select sum(other.homes) from personal.cell other
        where other.quarter = c.quarter and other.cell = any(c.joined)
    ), 0)::integer,
    c.reach, c.floor_area
from personal.cell_member m
join personal.cell c on c.quarter = m.quarter and c.cell = m.cell
where m.home_id = %(home)s and m.quarter = %(quarter)s

-- months: which fuels have daily use in which months; steps from key to key, so that homes are not read
with recursive key as (
    (select fuel, month from personal.daily_use order by fuel, month limit 1)
    union all
    select next.fuel, next.month from key cross join lateral (
        select d.fuel, d.month from personal.daily_use d
        where (d.fuel, d.month) > (key.fuel, key.month)
        order by d.fuel, d.month limit 1
    ) next
)
select fuel, month from key order by fuel, month

-- runs: every period that was compared
select kind, from_day, to_day, fuel, quarter, program, published_at, settled_at
from personal.comparison_run order by from_day, kind, fuel

-- add_run: a period is published
insert into personal.comparison_run (kind, from_day, to_day, fuel, quarter, program, published_at, settled_at, members)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)

-- settle_run: a period is settled: nothing of it changes any more
update personal.comparison_run set settled_at = %s, program = %s
where kind = %s and from_day = %s and fuel = %s and settled_at is null

-- figures: what a period's households were told of others, one array a column, and who counted then
select r.members, c.tenancy, c.average, c.efficient, c.homes, c.tenths, c.sight
from personal.comparison_run r
cross join lateral (
    select string_agg(int8send(tenancy_id), ''::bytea order by tenancy_id) as tenancy,
        string_agg(int8send(coalesce(average, -1)), ''::bytea order by tenancy_id) as average,
        string_agg(int8send(coalesce(efficient, -1)), ''::bytea order by tenancy_id) as efficient,
        string_agg(int8send(coalesce(homes, -1)::int8), ''::bytea order by tenancy_id) as homes,
        string_agg(int8send(coalesce(tenths, -1)::int8), ''::bytea order by tenancy_id) as tenths,
        string_agg(int8send((array_position(%(sights)s::text[], sight) - 1)::int8), ''::bytea order by tenancy_id)
            as sight
    from personal.comparison c where c.kind = r.kind and c.from_day = r.from_day and c.fuel = r.fuel
) c
where r.kind = %(kind)s and r.from_day = %(from_day)s and r.fuel = %(fuel)s

-- write: rows of a period that are new or changed
insert into personal.comparison as c (
    tenancy_id, kind, from_day, fuel, home_id, own, estimated_days, missing_days, before, state, reason, average,
    efficient, homes, tenths, carbon, cost, tariff, tariff_own, sight
)
select r.tenancy, %(kind)s, %(from_day)s, %(fuel)s, r.home, nullif(r.own, -1), r.estimated, r.missing,
    nullif(r.before, -1), (%(states)s::text[])[r.state + 1], (%(reasons)s::text[])[r.reason + 1],
    nullif(r.average, -1), nullif(r.efficient, -1), nullif(r.homes, -1), nullif(r.tenths, -1), nullif(r.carbon, -1),
    nullif(r.cost, -1), (%(tariffs)s::text[])[r.tariff + 1], r.own_tariff = 1,
    (%(sights)s::text[])[r.sight + 1]
from unnest(%(tenancy)s::int8[], %(home)s::int8[], %(own)s::int8[], %(estimated)s::int4[], %(missing)s::int4[],
    %(before)s::int8[], %(state)s::int4[], %(reason)s::int4[], %(average)s::int8[], %(efficient)s::int8[],
    %(homes)s::int4[], %(tenths)s::int4[], %(carbon)s::int8[], %(cost)s::int4[], %(tariff)s::int4[],
    %(own_tariff)s::int4[], %(sight)s::int4[])
    as r (tenancy, home, own, estimated, missing, before, state, reason, average, efficient, homes, tenths, carbon, cost,
          tariff, own_tariff, sight)
on conflict (tenancy_id, kind, from_day, fuel) do update set
    home_id = excluded.home_id, own = excluded.own, estimated_days = excluded.estimated_days,
    missing_days = excluded.missing_days, before = excluded.before, state = excluded.state, reason = excluded.reason,
    average = excluded.average, efficient = excluded.efficient, homes = excluded.homes, tenths = excluded.tenths,
    carbon = excluded.carbon, cost = excluded.cost, tariff = excluded.tariff, tariff_own = excluded.tariff_own,
    sight = excluded.sight,
    revision = 2
where (c.home_id, c.own, c.estimated_days, c.missing_days, c.before, c.state, c.reason, c.average, c.efficient, c.homes,
       c.tenths, c.carbon, c.cost, c.tariff, c.tariff_own)
    is distinct from
    (excluded.home_id, excluded.own, excluded.estimated_days, excluded.missing_days, excluded.before, excluded.state,
     excluded.reason, excluded.average, excluded.efficient, excluded.homes, excluded.tenths, excluded.carbon,
     excluded.cost, excluded.tariff, excluded.tariff_own)

-- hide: take out of rows what their households, as members of trials, may not see; nothing is ever put back
with member as materialized (
    select tenancy_id, sight from personal.trial_sight(%(today)s) where sight <> 'all'
)
update personal.comparison c set
    sight = m.sight, average = null, homes = null, tenths = null,
    efficient = case m.sight when 'zone' then c.efficient end,
    state = case
        when c.state <> all(%(judged)s::text[]) then c.state
        when m.sight = 'own' or c.efficient is null then 'suppressed'
        when c.own <= c.efficient then 'great'
        else 'above-zone'
    end,
    reason = case
        when m.sight = 'own' and (c.state = any(%(judged)s::text[]) or c.reason in ('few-homes', 'dominated'))
            then 'trial'
        when c.state = any(%(judged)s::text[]) and c.efficient is null then 'few-homes'
        else c.reason
    end
from member m
where c.tenancy_id = m.tenancy_id and (c.sight = 'all' or c.sight = 'zone' and m.sight = 'own')

-- drop_others: rows of a period whose tenancies have none any more
delete from personal.comparison
where kind = %s and from_day = %s and fuel = %s and tenancy_id <> all(%s::int8[])

-- late: what a settled period's own uses would be; one that is as it was again leaves the list
with new as (
    select r.home, nullif(r.would_be, -1) as would_be, c.own as was
    from unnest(%(home)s::int8[], %(would_be)s::int8[]) as r (home, would_be)
    -- by way of their tenancies: a comparison is found by its own, and not among all of its period
    left join (personal.tenancy t join personal.comparison c on c.tenancy_id = t.id
            and c.kind = %(kind)s and c.from_day = %(from_day)s and c.fuel = %(fuel)s)
        on t.home_id = r.home and c.home_id = r.home
), gone as (
    delete from personal.comparison_late l using new
    where l.kind = %(kind)s and l.from_day = %(from_day)s and l.fuel = %(fuel)s and l.home_id = new.home
        and new.was is not distinct from new.would_be
)
insert into personal.comparison_late as l (kind, from_day, fuel, home_id, was, would_be, noted_at)
select %(kind)s, %(from_day)s, %(fuel)s, home, was, would_be, %(now)s from new where was is distinct from would_be
on conflict (kind, from_day, fuel, home_id) do update set would_be = excluded.would_be, noted_at = excluded.noted_at
where l.would_be is distinct from excluded.would_be

-- late_of_home: what came too late for a home's period
select kind, from_day, fuel, was, would_be, noted_at
from personal.comparison_late where home_id = %s and kind = %s and from_day = %s order by fuel

-- periods: which periods of which fuels a tenancy was told of, the newest first
select c.kind, c.from_day, r.to_day, c.fuel
from personal.comparison c
join personal.comparison_run r using (kind, from_day, fuel)
where c.tenancy_id = %s
order by r.to_day desc, c.kind, c.fuel
limit %s

-- examples: one household for each state and reason of the newest week of electricity
with newest as (
    select max(from_day) as from_day from personal.comparison_run where kind = 'week' and fuel = 'electricity'
),
one as (
    select distinct on (c.state, c.reason) c.state, c.reason, c.tenancy_id
    from personal.comparison c
    join newest using (from_day)
    where c.kind = 'week' and c.fuel = 'electricity'
    order by c.state, c.reason, c.tenancy_id
)
select state, reason, tenancy_id
from one
order by array_position(array['great', 'good', 'more', 'above-zone', 'neutral', 'suppressed'], state), reason
