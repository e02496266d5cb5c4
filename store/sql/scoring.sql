-- series: ids of (device, property) pairs in the order asked for, null where there is none; nothing is created
select s.id
from unnest(%s::text[], %s::text[]) with ordinality k (device_id, property, place)
left join personal.series s on s.device_id = k.device_id and s.property = k.property
order by k.place;

-- latest: the newest reading of each series and when it was written, in no order
select series_id, (extract(epoch from time) * 1000000)::int8, (extract(epoch from arrival) * 1000000)::int8
from public.latest
where series_id = any(%s::int4[]);

-- rejections: kept rejections of these devices since an instant, by property and reason
select device, property, reason, count(*)
from public.rejected
where more is null and arrival >= %s::timestamptz and device = any(%s::text[])
group by device, property, reason;

-- kept: how many rejections of these devices are kept one by one, by hour
select device, date_trunc('hour', arrival), count(*)
from public.rejected
where more is null and arrival >= date_trunc('hour', %s::timestamptz) and device = any(%s::text[])
group by 1, 2;

-- counted: how many there were, by hour
select device, hour, sum(count)::int8
from public.rejected_flood
where hour >= date_trunc('hour', %s::timestamptz) and device = any(%s::text[])
group by device, hour;

-- stays: what is recorded of stays at bays that arrived in a time: place of the bay, arrival, departure, end, time over
select (k.place - 1)::int4, (extract(epoch from s.arrival) * 1000000)::int8,
       (extract(epoch from s.departure) * 1000000)::int8, s.ends, s.over_seconds
from unnest(%s::text[]) with ordinality k (id, place)
join personal.stay s on s.bay_id = k.id and s.arrival >= %s and s.arrival < %s;

-- watched: in which registered homes sensors hang or hung: place of the simulated home, home
select distinct k.place, s.home_id
from unnest(%s::text[], %s::int8[]) k (id, place)
join personal.home_sensor s on s.device_id = k.id;

-- alerts: quiet spells of homes that were noted before an instant and not over by another: place, noted, ended, shadow
select k.place, (extract(epoch from q.noted_at) * 1000000)::int8, (extract(epoch from q.ended_at) * 1000000)::int8,
       q.shadow
from unnest(%s::int8[], %s::int8[]) k (home_id, place)
join personal.quiet_alert q on q.home_id = k.home_id
where q.kind = 'quiet' and q.noted_at < %s and (q.ended_at is null or q.ended_at > %s)
order by q.id;
