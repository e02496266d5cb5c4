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

-- publish: figures of a month, unless another process was first
insert into personal.programme_figure (from_day, fuel, dwelling, homes, average, reason)
values (%s, %s, %s, %s, %s, %s)
on conflict do nothing;

-- dwellings: what homes each cell of a quarter is made of, by the number of the cell
select dwelling from personal.cell where quarter = %s order by cell;
