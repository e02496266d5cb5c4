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
  and (%(until)s::timestamptz is null or arrival < %(until)s)
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
  and (%(until)s::timestamptz is null or arrival < %(until)s)
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
where r.id = %s;

-- flood: count rejections by device, hour and reason, and say how many each has now
insert into public.rejected_flood as f (device, hour, reason, family, count)
select * from unnest(%s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::int8[])
     as k (device, hour, reason, family, count) order by 1, 2, 3
on conflict (device, hour, reason) do update set count = f.count + excluded.count
returning device, (extract(epoch from hour) * 1000000)::int8, reason, count;

-- left_out: so many of those just counted are not kept
update public.rejected_flood f set left_out = f.left_out + k.count
from unnest(%s::text[], %s::timestamptz[], %s::text[], %s::int8[]) as k (device, hour, reason, count)
where (f.device, f.hour, f.reason) = (k.device, k.hour, k.reason);

-- count_left_out: what floods left out, by family and reason, of the hours from that of an instant on
select family, reason, sum(left_out)::int8
from public.rejected_flood
where left_out > 0
  and (%(family)s::text is null or family = %(family)s)
  and (%(device)s::text is null or device = %(device)s)
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(since)s::timestamptz is null or hour >= date_trunc('hour', %(since)s::timestamptz))
  and (%(until)s::timestamptz is null or hour < %(until)s)
group by family, reason
order by family, reason;

-- reject: rejections; the bytes of a message once, a household's apart, and its texts where others are named in them
with given as (
    -- the name in a subquery: looked up once and not for every row; the arrays go in binary: as text bytes are twice as long
    select nextval((select pg_get_serial_sequence('public.rejected', 'id'))) as id, k.*
    from unnest(%s::int4[], %s::timestamptz[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
                %s::int4[], %b::bytea[], %s::int4[], %b::bool[], %b::bool[])
         with ordinality
         as k (first, arrival, topic, family, device, property, reason, detail, more, bytes, size, personal, hidden, row)
), numbered as (
    select given.*, leader.id as message from given join given leader on leader.row = given.first
), kept as (
    insert into public.rejected (id, message, arrival, topic, family, device, property, reason, detail, more)
    select id, message, arrival, case when hidden then '(personal)' else topic end, family, device,
           case when hidden and property is not null then '(personal)' else property end, reason,
           case when hidden then '(personal)' else detail end, more
    from numbered
), texts as (
    insert into personal.rejected_text (id, topic, property, detail)
    select id, topic, property, detail from numbered where hidden
), open_bytes as (
    insert into public.rejected_bytes (id, bytes, size)
    select id, bytes, size from numbered where row = first and not personal
)
insert into personal.rejected_bytes (id, bytes, size)
select id, bytes, size from numbered where row = first and personal;

-- existing: which of some rejections there are
select id from public.rejected where id = any(%s::int8[]);

-- mark_retried: these were tried again now
update public.rejected set retried_at = now() where id = any(%s::int8[]);

-- delete: rejections, with the last of a message its bytes
delete from public.rejected where id = any(%s::int8[])
