-- left_at: when a session last committed a batch; null where it never did
select at from public.collector where name = %s and batch is not null;

-- add: what a batch has of an absence, added to what came before
insert into public.absence as a (collector, back_at, family, lost_at, messages, readings)
values (%s, %s, %s, %s, %s, %s)
on conflict (collector, back_at, family)
do update set messages = a.messages + excluded.messages, readings = a.readings + excluded.readings;

-- drained: the last of the queue has come
update public.absence set drained_at = %s where collector = %s and back_at = %s;

-- recent: absences since an instant, newest first
select collector, family, lost_at, back_at, drained_at, messages, readings
from public.absence
where back_at >= %s and (%s = '' or family = %s)
order by back_at desc, collector, family;

-- delete: those before an instant
delete from public.absence where back_at < %s;
