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
order by array_position(array['great', 'good', 'more', 'neutral', 'suppressed'], state), reason
