-- list: rejections, newest first, from one id downwards; texts that are personal from where they stand
select r.id, r.arrival, coalesce(t.topic, r.topic), r.family, r.device, coalesce(t.property, r.property), r.reason,
       coalesce(t.detail, r.detail), r.retried_at, r.more
from public.rejected r
left join personal.rejected_text t on t.id = r.id
where (%(before)s::int8 is null or r.id < %(before)s)
  and (%(family)s::text is null or family = %(family)s)
  and (%(device)s::text is null or device = %(device)s)
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(since)s::timestamptz is null or arrival >= %(since)s)
  and (%(waiting)s::bool is not true or retried_at is null)
order by r.id desc
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
select r.id, r.arrival, coalesce(t.topic, r.topic), r.family, r.device, coalesce(t.property, r.property), r.reason,
       coalesce(t.detail, r.detail), r.retried_at, r.more,
       coalesce(o.bytes, p.bytes), p.id is not null, r.message, coalesce(o.size, p.size)
from public.rejected r
left join personal.rejected_text t on t.id = r.id
left join public.rejected_bytes o on o.id = r.message
left join personal.rejected_bytes p on p.id = r.message
where r.id = %s
