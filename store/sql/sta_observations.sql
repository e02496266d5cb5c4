-- series: one open series of an origin: its device and what its readings stand for
select s.device_id, s.length from (
    select s.id, s.device_id,
           case when w.kind = 'interval' then
               case when pg_input_is_valid(coalesce(d.attributes ->> 'interval', 'PT30M'), 'interval')
                    then coalesce(d.attributes ->> 'interval', 'PT30M')::interval else interval '30 minutes' end
           end as length
    from personal.series s
    join personal.device d on d.id = s.device_id
    left join unnest(%(word_families)s::text[], %(word_properties)s::text[], %(kinds)s::text[])
         as w (family, property, kind) on w.family = d.family and w.property = s.property
    where s.id = %(id)s and not s.personal and not d.personal and d.origin = %(origin)s
) s

-- all: the open series of an origin, or those of one device, in their order
select s.id from personal.series s
join personal.device d on d.id = s.device_id
where not s.personal and not d.personal and d.origin = %(origin)s
  and (%(device)s::text is null or d.id = %(device)s)
order by s.id;

-- behind_rising: when readings are that come behind an instant by resultTime; a length of months is no fixed time
{t}.time >= {value} - coalesce({t}.length, interval '0')
    - case when extract(year from {t}.length) <> 0 or extract(month from {t}.length) <> 0 then interval '4 days'
           else interval '0' end;

-- behind_falling: the same the other way
{t}.time <= {value} - coalesce({t}.length, interval '0')
    + case when extract(year from {t}.length) <> 0 or extract(month from {t}.length) <> 0 then interval '4 days'
           else interval '0' end;

-- first_of_all: of the first of each series the first
select {listed} from ({each}) as q (o, {listed}) order by {order} {rest}
