-- families: the families of the registered devices
select distinct family from personal.device;

-- drop_chunks: whole chunks that end before an instant; quick, and gives the space back
select count(*) from drop_chunks('public.reading', older_than => %s::timestamptz);

-- expired: the series of a family that have readings older than an instant
select s.id
from personal.series s
join personal.device d on d.id = s.device_id
where d.family = %(family)s
  and exists (select from public.reading r where r.series_id = s.id and r.time < %(before)s)
order by s.id;

-- delete_readings: readings of some series older than an instant
delete from public.reading where series_id = any(%s::int4[]) and time < %s::timestamptz;

-- delete_latest: the newest readings of a family where even they are older than an instant
delete from public.latest l
using personal.series s join personal.device d on d.id = s.device_id
where l.series_id = s.id and d.family = %s and l.time < %s;

-- delete_bay_days: some local days of bays before a day
delete from personal.bay_day where ctid = any(array(
    select ctid from personal.bay_day where day < %(day)s limit %(rows)s
));

-- delete_stays: some stays that ended before an instant
delete from personal.stay where ctid = any(array(
    select ctid from personal.stay where arrival < %(before)s and departure < %(before)s limit %(rows)s
));

-- delete_bytes: bytes of rejections of personal and unknown devices that arrived before an instant
delete from personal.rejected_bytes b
where exists (select from public.rejected r where r.message = b.id and r.arrival < %s);

-- delete_texts: texts of rejections that name a household's device, as old
delete from personal.rejected_text t using public.rejected r where r.id = t.id and r.arrival < %s;

-- delete_flood: counts of hours in which nothing arrives any more, but where they say what was left out
delete from public.rejected_flood where hour < %s and left_out = 0;

-- expiring: that rows of the log of access may go; for this transaction
select set_config('borough.expiring', 'access', true);

-- delete_accesses: rows of the log of access before an instant
delete from personal.access where at < %s
