-- note: days that this transaction writes to; series as the text of an array, null: anybody's
insert into public.touched_day (family, day, series)
select family, day, series::int4[] from unnest(%s::text[], %s::date[], %s::text[]) as k (family, day, series);

-- days: the notes of a family, held until the transaction ends: none that is thought of here takes another's place
select id, day, series from public.touched_day where family = %s order by id for update;

-- forget: what was seen of them and is computed now
delete from public.touched_day where id = any(%s::int8[]);

-- homes_of: which homes some series measure or measured
select s.id, m.home_id
from personal.series s
join personal.home_meter m on m.device_id = s.device_id
where s.id = any(%s::int4[]);

-- keep: no names out of one note into another until the transaction ends: an erasure that waits for a note that is being
-- thinned would find it gone, and not see that what it said is in one that had not named it
select pg_advisory_xact_lock(-5148271906531833);

-- thin: make one note of some that name the same day: the newest, with everybody's series if it names few, else none.
-- Notes that somebody computes by at the moment are held and left alone, so that what one of them says is never put
-- into a note that is about to be taken away.
with often as (
    select family, day from public.touched_day group by family, day having count(*) > 1
), held as materialized (
    select t.id, t.family, t.day, t.series
    from public.touched_day t join often using (family, day)
    order by t.family, t.day, t.id
    limit %(rows)s
    for update of t skip locked
), one as (
    select family, day, max(id) as id, bool_and(series is not null) as named
    from held group by family, day having count(*) > 1
), named as (
    select o.id, array_agg(distinct s.number order by s.number) as series
    from one o
    join held h using (family, day)
    cross join lateral unnest(h.series) as s (number)
    where o.named
    group by o.id
), kept as (
    update public.touched_day t
    -- of notes that name nobody any more none has a number, and one that does not name means everybody
    set series = case when o.named and coalesce(cardinality(n.series), 0) <= %(few)s then coalesce(n.series, '{}') end
    from one o left join named n using (id)
    where t.id = o.id and t.series is not null
)
delete from public.touched_day t using held h, one o
where t.id = h.id and o.family = h.family and o.day = h.day and h.id < o.id;
