-- residents: tenancies that last over whole periods, one array a column
select string_agg(int8send(t.home_id), ''::bytea order by t.home_id),
    string_agg(int8send(t.id), ''::bytea order by t.home_id),
    string_agg(int4send(t.from_day - date '1970-01-01'), ''::bytea order by t.home_id),
    string_agg(int4send(exists (
        select from personal.consent c
        where c.tenancy_id = t.id and c.purpose = 'comparison' and c.withdrawn_at is null and c.given_at < %(over)s
    )::int4), ''::bytea order by t.home_id)
from personal.tenancy t
where t.from_day <= %(start)s and (t.to_day is null or t.to_day >= %(stop)s)

-- residents_of: the same of some homes
select string_agg(int8send(t.home_id), ''::bytea order by t.home_id),
    string_agg(int8send(t.id), ''::bytea order by t.home_id),
    string_agg(int4send(t.from_day - date '1970-01-01'), ''::bytea order by t.home_id),
    string_agg(int4send(exists (
        select from personal.consent c
        where c.tenancy_id = t.id and c.purpose = 'comparison' and c.withdrawn_at is null and c.given_at < %(over)s
    )::int4), ''::bytea order by t.home_id)
from unnest(%(homes)s::int8[]) as k (home_id)
join personal.tenancy t using (home_id)
where t.from_day <= %(start)s and (t.to_day is null or t.to_day >= %(stop)s)

-- origins: homes with meters, and whether any of them is a simulated one
select string_agg(int8send(h.home_id), ''::bytea order by h.home_id),
    string_agg(int4send(h.simulated::int4), ''::bytea order by h.home_id)
from (
    select m.home_id, bool_or(d.origin = 'simulated') as simulated
    from personal.home_meter m join personal.device d on d.id = m.device_id
    group by m.home_id
) h

-- candidates: homes for the cells of a quarter: details at its start (else the first), tenancy at its start (else the
-- first in it), with consent to comparison given before its end
with resident as (
    select distinct on (t.home_id) t.home_id, t.id
    from personal.tenancy t
    where t.from_day < %(stop)s and (t.to_day is null or t.to_day > %(start)s)
    order by t.home_id, t.from_day
), home as (
    select h.id, r.id as tenancy_id, h.lon, h.lat, d.dwelling, d.heating, d.heat_network, d.floor_area
    from personal.home h
    join resident r on r.home_id = h.id
    cross join lateral (
        select * from personal.home_details d where d.home_id = h.id
        order by d.valid_from <= %(begin)s desc,
            case when d.valid_from <= %(begin)s then d.valid_from end desc nulls last, d.valid_from
        limit 1
    ) d
    where exists (
        select from personal.consent c
        where c.tenancy_id = r.id and c.purpose = 'comparison' and c.withdrawn_at is null and c.given_at < %(over)s
    )
), numbered as (
    select *, dense_rank() over (order by dwelling, heating, coalesce(heat_network, '')) as number from home
)
select string_agg(int8send(id), ''::bytea order by id),
    string_agg(int8send(tenancy_id), ''::bytea order by id),
    string_agg(int8send(number), ''::bytea order by id),
    string_agg(float8send(lon), ''::bytea order by id),
    string_agg(float8send(lat), ''::bytea order by id),
    string_agg(float8send(coalesce(floor_area, 'NaN')), ''::bytea order by id),
    (select json_agg(json_build_array(dwelling, heating, heat_network) order by number)
     from (select distinct number, dwelling, heating, heat_network from numbered) kinds)
from numbered

-- kinds: what homes are, as known at an instant (else the first): places of their words, floor areas
select string_agg(int8send(h.id), ''::bytea order by h.id),
    string_agg(int4send(coalesce(array_position(%(heating)s::text[], d.heating), 0) - 1), ''::bytea order by h.id),
    string_agg(int4send(coalesce(array_position(%(dwellings)s::text[], d.dwelling), 0) - 1), ''::bytea order by h.id),
    string_agg(float8send(coalesce(d.floor_area, 'NaN')), ''::bytea order by h.id)
from personal.home h
cross join lateral (
    select d.heating, d.dwelling, d.floor_area from personal.home_details d where d.home_id = h.id
    order by d.valid_from <= %(begin)s desc,
        case when d.valid_from <= %(begin)s then d.valid_from end desc nulls last, d.valid_from
    limit 1
) d

-- version: whether a quarter has its cells
select made_at, program, homes from personal.cell_version where quarter = %s

-- add_version: the cells of a quarter are made
insert into personal.cell_version (quarter, program, homes) values (%s, %s, %s)

-- add_cells: cells by array; lists of joined cells as text
insert into personal.cell (
    quarter, cell, dwelling, heating, heat_network, homes, floor_area, x, y, step, joined, reach
)
select %(quarter)s, c.cell, k.dwelling, k.heating, k.heat_network, c.homes, c.area, c.x, c.y,
    (%(steps)s::text[])[c.step + 1],
    coalesce((%(joined)s::int4[])[c.start + 1:c.stop], '{}'), c.reach
from unnest(%(cell)s::int4[], %(kind)s::int4[], %(homes)s::int4[], %(area)s::float8[], %(x)s::float8[], %(y)s::float8[],
    %(step)s::int4[], %(start)s::int4[], %(stop)s::int4[], %(reach)s::float8[])
    as c (cell, kind, homes, area, x, y, step, start, stop, reach)
join unnest(%(dwelling)s::text[], %(heating)s::text[], %(network)s::text[]) with ordinality
    as k (dwelling, heating, heat_network, number) on k.number = c.kind

-- add_members: which home is in which cell
insert into personal.cell_member (quarter, home_id, tenancy_id, cell)
select %s, m.home_id, m.tenancy_id, m.cell
from unnest(%s::int8[], %s::int8[], %s::int4[]) as m (home_id, tenancy_id, cell)

-- cells: the cells of a quarter, one array a column; the number of joined cells beside their lists
select string_agg(int4send(c.cell), ''::bytea order by c.cell),
    string_agg(int4send(c.number::int4), ''::bytea order by c.cell),
    string_agg(int4send(c.homes), ''::bytea order by c.cell),
    string_agg(float8send(c.floor_area), ''::bytea order by c.cell),
    string_agg(float8send(c.x), ''::bytea order by c.cell),
    string_agg(float8send(c.y), ''::bytea order by c.cell),
    string_agg(int4send(coalesce(array_position(%(steps)s::text[], c.step), 0) - 1), ''::bytea order by c.cell),
    string_agg(int4send(cardinality(c.joined)), ''::bytea order by c.cell),
    string_agg(coalesce(j.cells, ''::bytea), ''::bytea order by c.cell),
    string_agg(float8send(c.reach), ''::bytea order by c.cell)
from (
    select *, dense_rank() over (order by dwelling, heating, coalesce(heat_network, '')) as number
    from personal.cell where quarter = %(quarter)s
) c
cross join lateral (
    select string_agg(int4send(u.cell), ''::bytea order by u.place) as cells
    from unnest(c.joined) with ordinality u (cell, place)
) j

-- members: the homes of a quarter's cells
select string_agg(int8send(m.home_id), ''::bytea order by m.home_id),
    string_agg(int8send(m.tenancy_id), ''::bytea order by m.home_id),
    string_agg(int4send(m.cell), ''::bytea order by m.home_id)
from personal.cell_member m where m.quarter = %s

-- tariffs: prices of a fuel that hold before a day, the newest last
select tenancy_id, fuel, from_day, name, payment, standing_charge, registers
from personal.tariff where fuel = %s and from_day < %s order by tenancy_id, from_day
