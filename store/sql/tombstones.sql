-- lock: whoever writes tombstones waits until every writer of readings has committed, and they wait for it
select pg_advisory_xact_lock(-5148271906531806);

-- share: a writer of readings: until its transaction ends no tombstone is written
select pg_advisory_xact_lock_shared(-5148271906531806);

-- version: rises with every tombstone that is written or changed
select coalesce(max(changed), 0) from personal.tombstone;

-- changed: tombstones that changed after a mark
select kind, mark, (extract(epoch from from_time) * 1000000)::int8, (extract(epoch from to_time) * 1000000)::int8,
       family, model, gone, key_mark, changed
from personal.tombstone
where changed > %s
order by changed;

-- put: write tombstones; one that is there keeps the end that it has, and gets one if it has none
insert into personal.tombstone as t (kind, mark, from_time, to_time, family, model, gone, key_mark)
select k.kind, k.mark, k.from_time, k.to_time, k.family, k.model, k.gone, %s
from unnest(%s::text[], %s::bytea[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::bool[])
     as k (kind, mark, from_time, to_time, family, model, gone)
on conflict (kind, mark, from_time) do update
set to_time = coalesce(t.to_time, excluded.to_time), family = excluded.family, model = excluded.model,
    gone = excluded.gone, files_pending = true, changed = default;

-- open: the marks of meters whose tombstones have no end yet
select mark from personal.tombstone where kind = 'meter' and to_time is null;

-- close: the next tenancy of a home begins: what its meters say from then on is its own
update personal.tombstone t
set to_time = greatest(%(at)s, t.from_time + interval '1 microsecond'), gone = false, changed = default
where t.kind = 'meter' and t.mark = any(%(marks)s) and t.to_time is null
returning kind, mark, (extract(epoch from from_time) * 1000000)::int8, (extract(epoch from to_time) * 1000000)::int8,
       family, model, gone, key_mark, changed;

-- tenancies: marks of erased tenancies, so that none is imported again
select mark from personal.tombstone where kind = 'tenancy';

-- pending: tombstones whose files were not all gone through yet
select kind, mark, (extract(epoch from from_time) * 1000000)::int8, (extract(epoch from to_time) * 1000000)::int8,
       family, model, gone, key_mark, changed
from personal.tombstone
where files_pending;

-- files_done: every file was gone through for these
update personal.tombstone t set files_pending = false
from unnest(%s::text[], %s::bytea[], %s::timestamptz[]) as k (kind, mark, from_time)
where t.kind = k.kind and t.mark = k.mark and t.from_time = k.from_time;

-- links: meters and movement sensors of new tenancies, sensors of their own bays, and the day from which they are theirs
select m.device_id, greatest(m.from_day, t.from_day)
from personal.tenancy t
join personal.home_device m on m.home_id = t.home_id
    and daterange(m.from_day, m.to_day) && daterange(t.from_day, t.to_day)
where t.id = any(%s::int8[])
union
select s.device_id, greatest(s.start::date, t.from_day)
from personal.tenancy t
join personal.bay b on b.home_id = t.home_id
join personal.bay_sensor s on s.bay_id = b.id and coalesce(s.stop, 'infinity') > t.from_day
where t.id = any(%s::int8[]);

-- bay_sensors: sensors that lie in bays which are of no household, or of a home that somebody lives in
select s.device_id
from personal.bay_sensor s
join personal.bay b on b.id = s.bay_id
where s.start <= %(at)s and coalesce(s.stop, 'infinity') > %(at)s
  and exists (select from personal.tombstone t where t.kind = 'meter' and t.to_time is null)
  and (not b.personal or exists (
      select from personal.tenancy n
      where n.home_id = b.home_id and daterange(n.from_day, n.to_day) @> %(at)s::date
  ));
