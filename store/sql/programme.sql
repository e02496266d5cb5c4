-- months: the newest months that have settled, by fuel
select from_day, fuel, quarter
from personal.comparison_run
where kind = 'month' and settled_at is not null
order by from_day desc, fuel
limit %s;

-- counted: homes that counted in a month, and their use, one array a column
select string_agg(int8send(home_id), ''::bytea order by home_id), string_agg(int8send(own), ''::bytea order by home_id)
from personal.comparison
where kind = 'month' and from_day = %s and fuel = %s and own is not null
    and coalesce(reason, '') not in ('no-consent', 'coverage', 'no-cell', 'other-origin', 'empty');

-- figures: what was published of a month
select dwelling, homes, average, reason from personal.programme_figure where from_day = %s and fuel = %s;

-- of_other_origin: months in which a home counted that is not of an origin; a home is simulated where any meter of it is
select distinct c.from_day, c.fuel
from (
    select m.home_id
    from personal.home_meter m
    join personal.device d on d.id = m.device_id
    group by m.home_id
    having bool_or(d.origin = 'simulated') <> (%(origin)s = 'simulated')
) h
join personal.comparison c on c.home_id = h.home_id
where c.kind = 'month' and c.own is not null
    and coalesce(c.reason, '') not in ('no-consent', 'coverage', 'no-cell', 'other-origin', 'empty');

-- publish: figures of a month, unless another process was first
insert into personal.programme_figure (from_day, fuel, dwelling, homes, average, reason)
values (%s, %s, %s, %s, %s, %s)
on conflict do nothing;

-- dwellings: what homes each cell of a quarter is made of, by the number of the cell
select dwelling from personal.cell where quarter = %s order by cell;
