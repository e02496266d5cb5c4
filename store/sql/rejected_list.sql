-- list: rejections, newest first, from one id downwards; what may name a household is left out
select {columns}
from {rows}
where (%(before)s::int8 is null or r.id < %(before)s)
  and (%(family)s::text is null or r.family = %(family)s)
  and (%(device)s::text is null or r.device = %(device)s)
  and (%(reason)s::text is null or r.reason = %(reason)s)
  and (%(since)s::timestamptz is null or r.arrival >= %(since)s)
  and (%(until)s::timestamptz is null or r.arrival < %(until)s)
  and (%(waiting)s::bool is not true or r.retried_at is null)
order by r.id desc
limit %(limit)s;

-- one: one rejection
select {columns}
from {rows}
where r.id = %(id)s;

-- of_message: all rejections of a message
select {columns}
from {rows}
where r.message = %(message)s
order by r.id;

-- messages: messages with such rejections, the newest first, from one number downwards, and what of their bytes is kept
select k.message, coalesce(octet_length(o.bytes), octet_length(p.bytes), 0)
from (
    select distinct r.message
    from public.rejected r
    where (%(before)s::int8 is null or r.message < %(before)s)
      and {which}
    order by r.message desc
    limit %(limit)s
) k
left join public.rejected_bytes o on o.id = k.message
left join personal.rejected_bytes p on p.id = k.message
order by k.message desc;

-- oldest: the same, the oldest first, behind one number and up to another
select k.message, coalesce(octet_length(o.bytes), octet_length(p.bytes), 0)
from (
    select distinct r.message
    from public.rejected r
    where r.message > %(after)s::int8 and r.message <= %(last)s::int8
      and {which}
    order by r.message
    limit %(limit)s
) k
left join public.rejected_bytes o on o.id = k.message
left join personal.rejected_bytes p on p.id = k.message
order by k.message;

-- count_messages: how many messages have such rejections
select count(distinct r.message)
from public.rejected r
where (%(before)s::int8 is null or r.message < %(before)s)
  and {which};

-- whole: all rejections of some messages with their bytes, and whether they are personal
select r.id, r.arrival, coalesce(t.topic, r.topic), r.family, r.device, coalesce(t.property, r.property), r.reason,
       coalesce(t.detail, r.detail), r.retried_at, r.more, coalesce(o.bytes, p.bytes), p.id is not null, r.message,
       coalesce(o.size, p.size), {personal}
from {rows}
left join public.rejected_bytes o on o.id = r.message
where r.message = any(%(messages)s::int8[])
order by r.message desc, r.id;

-- is_open: whether a device is registered and no household's
select exists (
    select from personal.device d
    where d.id = %(device)s and not d.personal and d.family <> all(%(families)s::text[])
);

-- households: who lived, on any of some days, where a meter or movement sensor then was
select distinct t.id
from personal.home_device m
join personal.tenancy t on t.home_id = m.home_id
where m.device_id = %(device)s
  and daterange(m.from_day, m.to_day) * daterange(t.from_day, t.to_day) && daterange(%(first)s::date, %(last)s::date, '[]')
order by t.id
