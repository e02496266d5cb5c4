-- list: rejections, newest first, from one id downwards
select id, arrival, topic, family, device, property, reason, detail, retried_at
from public.rejected
where (%(before)s::int8 is null or id < %(before)s)
  and (%(family)s::text is null or family = %(family)s)
  and (%(device)s::text is null or device = %(device)s)
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(since)s::timestamptz is null or arrival >= %(since)s)
  and (%(waiting)s::bool is not true or retried_at is null)
order by id desc
limit %(limit)s;

-- count: rejections by family and reason
select family, reason, count(*)
from public.rejected
where (%(family)s::text is null or family = %(family)s)
  and (%(device)s::text is null or device = %(device)s)
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(since)s::timestamptz is null or arrival >= %(since)s)
  and (%(waiting)s::bool is not true or retried_at is null)
group by family, reason
order by family, reason;

-- get: one rejection with its bytes, wherever they stand
select r.id, r.arrival, r.topic, r.family, r.device, r.property, r.reason, r.detail, r.retried_at,
       coalesce(o.bytes, p.bytes), p.id is not null
from public.rejected r
left join public.rejected_bytes o on o.id = r.id
left join personal.rejected_bytes p on p.id = r.id
where r.id = %s
