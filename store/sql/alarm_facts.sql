-- heard: families with devices in service, and the minute in which something came from them last, as far back as asked;
-- what a retry takes has come long before
select f.family, l.minute
from (select distinct family from personal.device where retired_at is null) f
cross join lateral (
    select a.minute from public.accounting a
    where a.family = f.family and a.messages_received > 0 and a.collector <> %(retry)s and a.minute > %(since)s and a.minute <= %(now)s
    order by a.minute desc limit 1
) l
order by f.family;

-- usual: minutes in which something came from a family in the time before its last one, cut into windows back from there
select min(minute), array(
    select count(distinct floor(extract(epoch from %(last)s::timestamptz - h.minute) / extract(epoch from w.length)))
    from unnest(%(windows)s::interval[]) with ordinality as w (length, place)
    cross join (
        select distinct minute from public.accounting
        where family = %(family)s and messages_received > 0 and collector <> %(retry)s
          and minute > %(since)s and minute <= %(last)s
    ) h
    group by w.place order by w.place
)
from public.accounting
where family = %(family)s and messages_received > 0 and collector <> %(retry)s
  and minute > %(since)s and minute <= %(last)s;

-- rejections: what came and what was rejected of it since an instant, all collectors together
select family, sum(messages_received)::int8, sum(messages_rejected)::int8
from public.accounting
where minute >= %s and collector <> %s
group by family
order by family;

-- waiting: notes of written days that nobody has taken away, of families whose days are computed here
select t.family, min(t.id), count(*)
from public.touched_day t
where (t.family = 'smart-meter' and exists (select from personal.home_meter))
   or (t.family = 'parking-bay' and exists (select from personal.bay_sensor))
   or (t.family = 'air-monitor' and exists (select from public.device where family = 'air-monitor'))
group by t.family
order by t.family;

-- collectors: the minute that a collector wrote last, and in the minutes before this one: how long sessions were
-- subscribed, and what the broker threw away, which every collector hears of
select (select minute from public.flow_minute where minute <= %(now)s order by minute desc limit 1),
    coalesce((select sum(up) from public.flow_minute where minute >= %(subscribed)s and minute <= %(now)s), 0),
    coalesce((select sum(dropped)::int8 from (
        select max(broker_dropped) as dropped from public.flow_minute
        where minute >= %(recent)s and minute <= %(now)s group by minute) minutes), 0);

-- lags: readings by lag, of minutes from one on
select family, array_agg(count order by place)
from (
    select l.family, c.place, sum(c.count)::int8 as count
    from public.lag_minute l, unnest(l.counts) with ordinality as c (count, place)
    where l.minute >= %(since)s and l.minute <= %(until)s
    group by l.family, c.place
) counts
group by family
order by family;

-- usual_lags: the same, of hours
select family, array_agg(count order by place)
from (
    select l.family, c.place, sum(c.count)::int8 as count
    from public.lag_hour l, unnest(l.counts) with ordinality as c (count, place)
    where l.hour >= %(since)s and l.hour <= %(until)s
    group by l.family, c.place
) counts
group by family
order by family;

-- archives: collectors that could not archive lately
select collector, missed from public.archive_failure where at >= %s order by collector;

-- note_archive: that a collector cannot archive
insert into public.archive_failure (collector, missed, at) values (%s, %s, now())
on conflict (collector) do update set missed = excluded.missed, at = excluded.at;
