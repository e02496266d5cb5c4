-- monitors: air monitors of no household with what they measure, by id. Grouped, for a look-up each is dear with hundreds.
select d.id, d.lon, d.lat, d.origin, d.attributes, d.retired_at is not null, s.properties, s.heard
from public.device d
left join (
    select s.device_id, array_agg(s.property) as properties, max(l.time) as heard
    from public.series s
    left join public.latest l on l.series_id = s.id
    where s.property = any(%(properties)s::text[])
        and (%(devices)s::text[] is null or s.device_id = any(%(devices)s::text[]))
    group by s.device_id
) s on s.device_id = d.id
where d.family = 'air-monitor' and (%(origin)s::text is null or d.origin = %(origin)s)
    and (%(devices)s::text[] is null or d.id = any(%(devices)s::text[]))
order by d.id;

-- hours: days (UTC) of some monitors as the bytes of arrays; places count from 1
select string_agg(int4send(k.place::int4), ''::bytea),
       string_agg(int4send(array_position(%(properties)s::text[], s.property)), ''::bytea),
       string_agg(int4send(a.day - '1970-01-01'), ''::bytea),
       string_agg(a.means, ''::bytea), string_agg(a.captured, ''::bytea),
       string_agg(coalesce(a.indices, decode(repeat('00', 24), 'hex')), ''::bytea)
from unnest(%(devices)s::text[]) with ordinality k (id, place)
join public.series s on s.device_id = k.id and s.property = any(%(properties)s::text[])
join public.air_day a on a.series_id = s.id and a.day >= %(first)s and a.day <= %(last)s;

-- quarters: sulphur dioxide by 15 minutes of some monitors
select string_agg(int4send(k.place::int4), ''::bytea), string_agg(int4send(a.day - '1970-01-01'), ''::bytea),
       string_agg(a.quarters, ''::bytea)
from unnest(%(devices)s::text[]) with ordinality k (id, place)
join public.series s on s.device_id = k.id and s.property = 'so2'
join public.air_day a on a.series_id = s.id and a.day >= %(first)s and a.day <= %(last)s
where a.quarters is not null;

-- days: the daily index of some monitors by local day
select string_agg(int4send(k.place::int4), ''::bytea), string_agg(int4send(a.day - '1970-01-01'), ''::bytea),
       string_agg(int2send(a.index), ''::bytea),
       string_agg(int2send(a.indices[1]) || int2send(a.indices[2]) || int2send(a.indices[3]) || int2send(a.indices[4])
                  || int2send(a.indices[5]), ''::bytea)
from unnest(%(devices)s::text[]) with ordinality k (id, place)
join public.device d on d.id = k.id
join public.air_index_day a on a.device_id = k.id and a.day >= %(first)s and a.day < %(end)s;

-- span: the first local day and the last that some monitors have an index row of
select min(a.day), max(a.day)
from unnest(%(devices)s::text[]) k (id)
join public.device d on d.id = k.id
join public.air_index_day a on a.device_id = k.id;

-- plain_span: of pollutants without an index the first day (UTC) and the last that have a mean, with their hours
select f.day - '1970-01-01', f.means
from unnest(%(devices)s::text[]) k (id)
join public.series s on s.device_id = k.id and s.property = any(%(properties)s::text[])
cross join lateral (
    (select day, means from public.air_day where series_id = s.id and means <> %(none)s order by day limit 1)
    union all
    (select day, means from public.air_day where series_id = s.id and means <> %(none)s order by day desc limit 1)
) f;

-- newest: the newest reading of all pollutants of open monitors of an origin
select max(l.time)
from public.device d
join public.series s on s.device_id = d.id and s.property = any(%(properties)s::text[])
join public.latest l on l.series_id = s.id
where d.family = 'air-monitor' and (%(origin)s::text is null or d.origin = %(origin)s)
