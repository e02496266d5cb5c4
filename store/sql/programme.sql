-- months: the newest months that were compared, by fuel, with when they were published and settled
select from_day, to_day, fuel, quarter, published_at, settled_at
from personal.comparison_run
where kind = 'month'
order by from_day desc, fuel
limit %s;

-- counted: homes that counted in a month, and their use, one array a column
select string_agg(int8send(home_id), ''::bytea order by home_id), string_agg(int8send(own), ''::bytea order by home_id)
from personal.comparison
where kind = 'month' and from_day = %s and fuel = %s and own is not null
    and coalesce(reason, '') not in ('no-consent', 'coverage', 'no-cell', 'other-origin', 'empty');

-- dwellings: what homes each cell of a quarter is made of, by the number of the cell
select dwelling from personal.cell where quarter = %s order by cell;
