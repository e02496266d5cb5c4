-- one: one comparison of a tenancy
select c.tenancy_id, c.home_id, c.kind, c.from_day, r.to_day, c.fuel, c.own, c.estimated_days, c.missing_days, c.before,
    c.state, c.reason, c.average, c.efficient, c.homes, c.tenths, c.carbon, c.cost, c.tariff, c.tariff_own, c.revision,
    r.quarter, r.settled_at is not null
from personal.comparison c
join personal.comparison_run r using (kind, from_day, fuel)
where c.tenancy_id = %s and c.kind = %s and c.from_day = %s and c.fuel = %s

-- of_tenancy: a tenancy's comparisons, the newest first
select c.tenancy_id, c.home_id, c.kind, c.from_day, r.to_day, c.fuel, c.own, c.estimated_days, c.missing_days, c.before,
    c.state, c.reason, c.average, c.efficient, c.homes, c.tenths, c.carbon, c.cost, c.tariff, c.tariff_own, c.revision,
    r.quarter, r.settled_at is not null
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
