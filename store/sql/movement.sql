-- sensors: the movement sensors of homes whose tenancy agrees and lives there on a day, with what was heard of each.
-- A reading of the time to come is none yet. A motion of 0 that repeats is no movement, nor a contact that repeats: the
-- newest 1, and the newest that differs from the one before it, are looked for among the readings.
with home as (
    select t.id as tenancy_id, t.home_id, t.from_day
    from personal.tenancy t
    where t.from_day <= %(day)s and (t.to_day is null or t.to_day > %(day)s)
      and (%(tenancy)s::bigint is null or t.id = %(tenancy)s::bigint)
      and exists (
          select from personal.consent k
          where k.tenancy_id = t.id and k.purpose = 'care' and k.withdrawn_at is null
      )
), sensor as (
    select h.tenancy_id, h.home_id, d.id as device_id, d.origin, d.attributes, d.registered_at,
           coalesce(nullif(s.room, ''), d.attributes ->> 'room', '') as room,
           (greatest(s.from_day, h.from_day)::timestamp at time zone %(zone)s) as start
    from home h
    join personal.home_sensor s on s.home_id = h.home_id
        and s.from_day <= %(day)s and (s.to_day is null or s.to_day > %(day)s)
    join personal.device d on d.id = s.device_id and d.retired_at is null
)
select s.tenancy_id, s.home_id, s.device_id, s.room, s.origin, s.attributes ->> 'gateway', s.attributes ->> 'heartbeat',
       greatest(s.registered_at, s.start), n.heard, m.motion, m.moved, m.still, c.contact, c.opened, n.battery,
       n.temperature
from sensor s
cross join lateral (
    select max(least(l.time, l.arrival)) filter (where least(l.time, l.arrival) <= %(now)s) as heard,
           max(l.value) filter (where e.property = 'battery') as battery,
           max(e.id) filter (where e.property = 'temperature') as temperature
    from personal.series e
    join public.latest l on l.series_id = e.id
    where e.device_id = s.device_id and l.time >= s.start
) n
left join lateral (
    select e.id as motion, moved.time as moved, still.time as still
    from personal.series e
    left join lateral (
        select r.time from public.reading r
        where r.series_id = e.id and r.value <> 0
          and r.time <= %(now)s and r.time >= greatest(s.start, %(since)s) and r.time >= %(since)s
        order by r.time desc limit 1
    ) moved on true
    left join lateral (
        select r.time from public.reading r
        where r.series_id = e.id and r.value = 0 and r.time > moved.time
          and r.time <= %(now)s and r.time >= %(since)s
        order by r.time limit 1
    ) still on true
    where e.device_id = s.device_id and e.property = 'motion'
) m on true
left join lateral (
    select e.id as contact, edge.time as opened
    from personal.series e
    left join lateral (
        select r.value from public.reading r
        where r.series_id = e.id
          and r.time <= %(now)s and r.time >= greatest(s.start, %(since)s) and r.time >= %(since)s
        order by r.time desc limit 1
    ) newest on true
    left join lateral (
        select r.time from public.reading r
        where r.series_id = e.id and r.value <> newest.value
          and r.time <= %(now)s and r.time >= greatest(s.start, %(since)s) and r.time >= %(since)s
        order by r.time desc limit 1
    ) other on true
    left join lateral (
        select r.time from public.reading r
        where r.series_id = e.id and r.time > other.time and r.time <= %(now)s and r.time >= %(since)s
        order by r.time limit 1
    ) edge on true
    where e.device_id = s.device_id and e.property = 'contact'
) c on true
order by s.tenancy_id, s.device_id;

-- due: homes whose tenancy agrees and of which nothing, or too little, was learnt on a local day
select t.id
from personal.tenancy t
where t.from_day <= %(day)s and (t.to_day is null or t.to_day > %(day)s)
  and exists (
      select from personal.consent k where k.tenancy_id = t.id and k.purpose = 'care' and k.withdrawn_at is null
  )
  and exists (select from personal.home_sensor s where s.home_id = t.home_id)
  -- while too little is known it is looked for again: a history may be on its way
  and not exists (
      select from personal.usual_spell u
      where u.tenancy_id = t.id and u.day >= %(day)s and (u.days >= %(enough)s or u.learned_at > %(before)s)
  )
order by t.id;

-- series: series of the sensors of tenancies, with the local days that each hung there while they lived there
select t.id, s.device_id, coalesce(nullif(s.room, ''), d.attributes ->> 'room', ''), d.attributes ->> 'heartbeat',
       e.property, e.id, greatest(s.from_day, t.from_day), least(s.to_day, t.to_day), d.origin
from personal.tenancy t
join personal.home_sensor s on s.home_id = t.home_id
    and daterange(s.from_day, s.to_day) && daterange(t.from_day, t.to_day)
    and daterange(s.from_day, s.to_day) && daterange(%(first)s, %(end)s)
join personal.device d on d.id = s.device_id
join personal.series e on e.device_id = s.device_id
where t.id = any(%(tenancies)s::int8[])
  and exists (
      select from personal.consent k where k.tenancy_id = t.id and k.purpose = 'care' and k.withdrawn_at is null
  )
order by t.id, s.device_id, e.property, s.from_day;

-- put_usual: what is usual from a day on, of a tenancy that still agrees and is not being erased
insert into personal.usual_spell as u (tenancy_id, home_id, day, learned_at, days, limits, begun, away, active)
select t.id, t.home_id, %(day)s, %(now)s, %(days)s, %(limits)s, %(begun)s, %(away)s, %(active)s
from personal.tenancy t
where t.id = %(tenancy)s
  and exists (
      select from personal.consent k where k.tenancy_id = t.id and k.purpose = 'care' and k.withdrawn_at is null
  )
for key share of t skip locked
on conflict (tenancy_id) do update
set home_id = excluded.home_id, day = excluded.day, learned_at = excluded.learned_at, days = excluded.days,
    limits = excluded.limits, begun = excluded.begun, away = excluded.away, active = excluded.active;

-- usual: what is usual in homes
select tenancy_id, day, learned_at, days, limits, begun, away, active
from personal.usual_spell
where tenancy_id = any(%(tenancies)s::int8[]);
