-- notes: months of a family that were written to after their end, with the notes that say so
select month, array_agg(id) from public.late_month where family = %s group by month order by month;

-- note: a month is to be looked at again
insert into public.late_month (family, month) values (%s, %s);

-- forget: notes that have been acted upon
delete from public.late_month where id = any(%s::bigint[]);

-- know: revisions of a dataset's months that were made; of each month the greatest is kept
insert into public.snapshot_revision as k (dataset, month, revision)
select %(dataset)s, m.month, max(m.revision)
from unnest(%(months)s::date[], %(revisions)s::int4[]) m (month, revision)
group by m.month
on conflict (dataset, month) do update set revision = excluded.revision where k.revision < excluded.revision;

-- revision: the greatest of a month that is known, 0 where none is
select coalesce(max(revision), 0) from public.snapshot_revision where dataset = %s and month = %s;

-- thin: older notes of a month that has a newer one; who takes notes away meanwhile is not waited for
with newest as materialized (
    select family, month, max(id) as id from public.late_month group by family, month
), older as (
    select l.id
    from public.late_month l
    join newest n using (family, month)
    where l.id < n.id
    order by l.id
    limit %(rows)s
    for update of l skip locked
)
delete from public.late_month l using older where l.id = older.id;

-- span: when the readings of some series begin and end
select min(f.time), max(l.time)
from unnest(%s::int4[]) k (id)
left join lateral (select time from public.reading r where r.series_id = k.id order by time limit 1) f on true
left join lateral (select time from public.reading r where r.series_id = k.id order by time desc limit 1) l on true;

-- any_between: whether some series have a reading in a span of time
select exists (
    select from unnest(%s::int4[]) k (id)
    cross join lateral (
        select from public.reading r where r.series_id = k.id and r.time >= %s and r.time < %s limit 1
    ) r
);

-- having: of some series those that have a reading in a span of time
select k.id
from unnest(%s::int4[]) k (id)
where exists (select from public.reading r where r.series_id = k.id and r.time >= %s and r.time < %s)
order by k.id;

-- extent: open devices of a family and origin: how many, where they are, and the newest reading that is stored
select count(*), min(d.lon), min(d.lat), max(d.lon), max(d.lat)
from public.device d
where d.family = %(family)s and d.origin = %(origin)s;

-- bays: bays of no household on a day: how many, and where they are
select count(*), min(lon), min(lat), max(lon), max(lat)
from public.bay
where (from_day is null or from_day <= %(day)s) and (to_day is null or to_day > %(day)s)
  and origin = %(origin)s;

-- zone_days: the first and the last local day of zones that open_data.zone_days shows
select min(z.day), max(z.day)
from public.zone_day z
where z.zone in (select zone from public.bay group by zone having bool_and(origin = %(origin)s))
  and not exists (select from personal.touched_bay t where t.zone = z.zone)
  and not exists (
    select from public.bay b
    join personal.bay_sensor s on s.bay_id = b.id
    join personal.device d on d.id = s.device_id
    where b.zone = z.zone and d.origin <> %(origin)s
  );

-- places: open devices of these, retired ones too, and where they are
select id, model, lon, lat, attributes from public.device where id = any(%s) order by id collate "C";
