-- lock_records: nobody writes days of bays, hours of air, digests or counts of readings which are being deleted
select pg_advisory_xact_lock(-5148271906531809), pg_advisory_xact_lock(-5148271906531820),
    pg_advisory_xact_lock_shared(-5148271906531818);

-- touched_bay: what is left of a bay in which a device lay in a period is computed again
insert into personal.touched_bay (bay_id)
select distinct bay_id from personal.bay_sensor
where device_id = %(device)s and tstzrange(start, stop) && tstzrange(%(start)s, %(stop)s);

-- visit_outcome: what officers found in a period at a bay in which the device lay
delete from personal.visit_outcome o
using personal.bay_sensor s
where s.bay_id = o.bay_id and s.device_id = %(device)s
  and o.at >= greatest(s.start, %(start)s) and o.arrival < least(s.stop, %(stop)s);

-- stay: stays that have time in which the device told of the bay, in a period
delete from personal.stay t
using personal.bay_sensor s
where s.bay_id = t.bay_id and s.device_id = %(device)s
  and t.arrival < least(s.stop, %(stop)s) and coalesce(t.departure, 'infinity') >= greatest(s.start, %(start)s);

-- bay_day: local days on which the device lay in the bay, in a period
delete from personal.bay_day y
using personal.day_zone z
where y.day >= (%(start)s::timestamptz at time zone z.zone)::date
  and y.day <= ((%(stop)s::timestamptz - interval '1 microsecond') at time zone z.zone)::date
  and (y.carry_device = %(device)s or exists (
      select from personal.bay_sensor s
      where s.bay_id = y.bay_id and s.device_id = %(device)s
        and y.day >= (s.start at time zone z.zone)::date
        and y.day <= coalesce(((s.stop - interval '1 microsecond') at time zone z.zone)::date, 'infinity')
  ));

-- bay_sensor: where devices that go lay
delete from personal.bay_sensor where device_id = any(%(gone)s::text[]);

-- touched_monitor: what is left of a monitor is computed again
insert into personal.touched_monitor (device_id)
select id from personal.device where id = %(device)s and family = 'air-monitor';

-- air_day: days (UTC) that have a part of a period
delete from public.air_day
where series_id = any(%(series)s::int4[]) and day >= (%(start)s::timestamptz at time zone 'UTC')::date - 1
  and day <= (%(stop)s::timestamptz at time zone 'UTC')::date + 1;

-- air_index_day: local days that have a part of a period, in any zone
delete from public.air_index_day
where device_id = %(device)s and day >= (%(start)s::timestamptz at time zone 'UTC')::date - 1
  and day <= (%(stop)s::timestamptz at time zone 'UTC')::date + 1;

-- forget_monitor: a monitor that is gone is not computed any more
delete from personal.touched_monitor where device_id = any(%(gone)s::text[]);

-- tenancy: who is to be erased, and whether the home has another tenancy
select t.id, t.home_id, h.uprn, t.from_day, t.to_day,
       not exists (select from personal.tenancy o where o.home_id = t.home_id and o.id <> t.id)
from personal.tenancy t
join personal.home h on h.id = t.home_id
where t.id = %s;

-- lock_tenancy: from here on whoever would add something of the tenancy does not (`for key share skip locked`)
select from personal.tenancy where id = %(tenancy)s for update;

-- lock_home: the same for a home that goes
select from personal.home where id = %(home)s and %(last)s for update;

-- lock_import: an import that runs is waited for, and the next one sees what is left
select pg_advisory_xact_lock(-2981146012987351);

-- lock_devices: the same for meters that go; whoever would add a series waits
select from personal.device where id = any(%(gone)s::text[]) order by id for update;

-- meters: the meters and movement sensors of a tenancy with their days in it, and whether no other tenancy was or is measured by them
select m.device_id, d.attributes->>'topic', d.family, d.model, greatest(m.from_day, t.from_day), least(m.to_day, t.to_day),
       not exists (
           select from personal.home_device om
           join personal.tenancy o on o.home_id = om.home_id
           where om.device_id = m.device_id and o.id <> t.id
             and daterange(om.from_day, om.to_day) && daterange(o.from_day, o.to_day)
       )
from personal.tenancy t
join personal.home_device m on m.home_id = t.home_id
    and daterange(m.from_day, m.to_day) && daterange(t.from_day, t.to_day)
join personal.device d on d.id = m.device_id
where t.id = %s
order by 1, 5;

-- bays: the sensors of a tenancy's own bays in it; the bays are the council's and stay, and so do their sensors
select s.device_id, d.family, d.model, greatest(s.start, %(start)s), least(s.stop, %(stop)s)
from personal.bay b
join personal.bay_sensor s on s.bay_id = b.id
    and tstzrange(s.start, s.stop) && tstzrange(%(start)s, %(stop)s)
join personal.device d on d.id = s.device_id
where b.home_id = %(home)s
order by 1, 4;

-- every_tenancy: all tenancies, for a restored database in which some must be erased again
select t.id, h.uprn, t.from_day from personal.tenancy t join personal.home h on h.id = t.home_id order by t.id;

-- every_device: all devices, for the same
select id, family, model, attributes->>'topic' from personal.device order by id;

-- series: the series of a device
select id from personal.series where device_id = %s order by id;

-- letters: files with letters of a tenancy
select path, merged_path from personal.letter where tenancy_id = %s;

-- exports: files with what was exported of a tenancy
select path from personal.kept_file where kind = 'export' and tenancy_id = %s;

-- late_rejections: rejections with bytes of a device that stays, from an instant on: they may speak of earlier days
select r.id, coalesce(t.topic, r.topic), coalesce(o.bytes, p.bytes), (extract(epoch from r.arrival) * 1000000)::int8
from public.rejected r
left join personal.rejected_text t on t.id = r.id
left join public.rejected_bytes o on o.id = r.message
left join personal.rejected_bytes p on p.id = r.message
where (r.device = %(device)s or string_to_array(coalesce(t.topic, r.topic), '/') && array[%(device)s::text])
  and coalesce(o.bytes, p.bytes) is not null;

-- note_files: files that are to be removed after the commit
insert into personal.erasure_file select unnest(%s::text[]) on conflict do nothing;

-- files: files that are yet to be removed
select path from personal.erasure_file order by path;

-- file_gone: one is removed
delete from personal.erasure_file where path = %s;

-- kept_files: files that may hold readings of any home
select path, kind from personal.kept_file where kind in ('ledger', 'recording') order by path;

-- keep_folder: a folder with ledgers or recordings, all of which erasure looks into
insert into personal.kept_file (path, kind) values (%s, %s) on conflict do nothing;

-- reading: readings of some series in a period
delete from public.reading where series_id = any(%(series)s::int4[]) and time >= %(start)s and time < %(stop)s;

-- latest: the newest readings of some series where they are in a period
delete from public.latest where series_id = any(%(series)s::int4[]) and time >= %(start)s and time < %(stop)s;

-- superseded: what corrections put aside
delete from public.superseded where series_id = any(%(series)s::int4[]) and time >= %(start)s and time < %(stop)s;

-- reading_digest: digests of days in a period, of a series that was open when they were made
delete from public.reading_digest
where series_id = any(%(series)s::int4[]) and day >= (%(start)s::timestamptz at time zone 'UTC')::date
  and day <= (%(stop)s::timestamptz at time zone 'UTC')::date;

-- observation_queue: what was queued for subscribers while the series was open
delete from public.observation_queue
where series_id = any(%(series)s::int4[]) and time >= %(start)s and time < %(stop)s;

-- reading_count: counts of some series in a period; what else was counted with them is counted anew
with due as (
    select c.series_id, c.span_id
    from public.reading_count c
    left join public.counted_span k on k.id = c.span_id
    where c.series_id = any(%(series)s::int4[])
      and (k.id is null or k.day + k.days > (%(start)s::timestamptz at time zone 'UTC')::date
           and k.day <= (%(stop)s::timestamptz at time zone 'UTC')::date)
), spans as (
    delete from public.counted_span where id in (select span_id from due)
)
delete from public.reading_count c using due where c.series_id = due.series_id and c.span_id = due.span_id;

-- touched_day: whose readings were written to days that lie in a period
update public.touched_day t
set series = array(select s.number from unnest(t.series) as s (number) where s.number <> all(%(series)s::int4[]))
where t.series && %(series)s::int4[] and t.day::timestamp at time zone 'UTC' >= %(start)s
  and (t.day + 1)::timestamp at time zone 'UTC' <= %(stop)s;

-- rejected: rejections of a device that arrived in a period, and others by their numbers; their bytes go with the last
delete from public.rejected r
where (device = %(device)s
       or string_to_array(coalesce((select t.topic from personal.rejected_text t where t.id = r.id), topic), '/')
          && array[%(device)s::text])
  and (arrival >= %(start)s and arrival < %(stop)s or id = any(%(rejections)s::int8[]));

-- candidates: rejections whose texts or kept bytes hold a word; whether it is named there shows only when it is read
select r.id, t.words, b.bytes
from public.rejected r
cross join lateral (
    select concat_ws(E'\n', r.topic, r.device, r.property, r.detail, p.topic, p.property, p.detail) as words
    from (select) one left join personal.rejected_text p on p.id = r.id
) t
left join lateral (
    select bytes from public.rejected_bytes where id = r.message
    union all
    select bytes from personal.rejected_bytes where id = r.message
) b on true
where exists (
    select from unnest(%(words)s::text[]) w (word)
    where position(w.word in t.words) > 0 or position(convert_to(w.word, 'UTF8') in b.bytes) > 0
);

-- flooded: ids under which rejections are counted and that hold a word
select distinct device from public.rejected_flood
where exists (select from unnest(%(words)s::text[]) w (word) where position(w.word in device) > 0);

-- flood_naming: their counts
delete from public.rejected_flood where device = any(%s::text[]);

-- naming: rejections by their numbers; the bytes of a message go with the last of its rejections
delete from public.rejected where id = any(%s::int8[]);

-- rejected_flood: how many rejections a device had
delete from public.rejected_flood
where device = %(device)s and hour > %(start)s::timestamptz - interval '1 hour' and hour < %(stop)s;

-- sequence: the message numbers of a device
delete from public.sequence where device = %(device)s and last_time >= %(start)s and first_time < %(stop)s;

-- daily_use: months without a day, or all of a home that goes
delete from personal.daily_use u
where u.home_id = %(home)s
  and (%(last)s or u.watt_hours = decode(repeat('ffffffff', octet_length(u.watt_hours) / 4), 'hex')
                   and u.minutes = decode(repeat('0000', octet_length(u.minutes) / 2), 'hex'));

-- comparison: what the household was told
delete from personal.comparison where tenancy_id = %(tenancy)s;

-- comparison_late: what late readings would have changed, in periods that the tenancy had a day of
delete from personal.comparison_late l
where l.home_id = %(home)s
  and (%(last)s or exists (
      select from personal.comparison_run r
      where (r.kind, r.from_day, r.fuel) = (l.kind, l.from_day, l.fuel)
        and daterange(r.from_day, r.to_day) && daterange(%(from_day)s, %(to_day)s)
  ));

-- cell_member: its place in the cells; their figures stay
delete from personal.cell_member where tenancy_id = %(tenancy)s or %(last)s and home_id = %(home)s;

-- consent: what it agreed to
delete from personal.consent where tenancy_id = %(tenancy)s;

-- tariff: its prices
delete from personal.tariff where tenancy_id = %(tenancy)s;

-- contact_stop: what others stopped of it; what it stopped goes with how it is reached
delete from personal.contact_stop s
where s.thread <> '' and (
    exists (select from personal.stop_token t
            where t.tenancy_id = %(tenancy)s and (t.kind, t.thread) = (s.kind, s.thread))
    or exists (select from personal.message m
               where m.tenancy_id = %(tenancy)s and (m.kind, m.thread) = (s.kind, s.thread)));

-- stop_token: links in what others were told of it
delete from personal.stop_token where tenancy_id = %(tenancy)s;

-- message: what it was told, and what others were told of it
delete from personal.message m
where m.tenancy_id = %(tenancy)s or m.contact_id in (
    select c.id from personal.contact c left join personal.account a on a.id = c.account_id
    where c.tenancy_id = %(tenancy)s or a.tenancy_id = %(tenancy)s);

-- contact: how it is reached, by itself and by who signed in for it
delete from personal.contact c
where c.tenancy_id = %(tenancy)s
   or c.account_id in (select a.id from personal.account a where a.tenancy_id = %(tenancy)s);

-- nudge: what it was told of its months
delete from personal.nudge where tenancy_id = %(tenancy)s;

-- nudge_way: by which ways
delete from personal.nudge_way where tenancy_id = %(tenancy)s;

-- session: its sign-ins
delete from personal.session s using personal.account a where a.id = s.account_id and a.tenancy_id = %(tenancy)s;

-- account: who signed in for it
delete from personal.account where tenancy_id = %(tenancy)s;

-- sign_in_code: codes of its letters
delete from personal.sign_in_code where tenancy_id = %(tenancy)s;

-- access: who looked at it
delete from personal.access where tenancy_id = %(tenancy)s;

-- letter: its letters
delete from personal.letter where tenancy_id = %(tenancy)s;

-- merged: a print run that goes as a whole is in nobody's list any more
update personal.letter set merged_path = null where merged_path = any(%(merged)s::text[]);

-- complaint: its complaints that were answered
delete from personal.complaint where tenancy_id = %(tenancy)s and answered_at is not null;

-- open_complaint: those that must still be answered stay until they are, as nobody's (docs/reference/complaints.md)
update personal.complaint set tenancy_id = null, erased_at = now() where tenancy_id = %(tenancy)s;

-- kept_file: its exports
delete from personal.kept_file where kind = 'export' and tenancy_id = %(tenancy)s;

-- publication: what was posted to it
delete from public.publication where strpos(reference, %(tenancy)s::text) > 0;

-- home_meter: its meters, where nobody else of the home was or is measured by them
delete from personal.home_meter m
where m.device_id = any(%(gone)s::text[])
   or m.home_id = %(home)s and (%(last)s or daterange(m.from_day, m.to_day) && daterange(%(from_day)s, %(to_day)s))
      and not exists (
          select from personal.tenancy o
          where o.home_id = m.home_id and o.id <> %(tenancy)s
            and daterange(o.from_day, o.to_day) && daterange(m.from_day, m.to_day)
      );

-- home_sensor: its movement sensors, where nobody else of the home was or is seen by them
delete from personal.home_sensor m
where m.device_id = any(%(gone)s::text[])
   or m.home_id = %(home)s and (%(last)s or daterange(m.from_day, m.to_day) && daterange(%(from_day)s, %(to_day)s))
      and not exists (
          select from personal.tenancy o
          where o.home_id = m.home_id and o.id <> %(tenancy)s
            and daterange(o.from_day, o.to_day) && daterange(m.from_day, m.to_day)
      );

-- usual_spell: what was usual in it
delete from personal.usual_spell where tenancy_id = %(tenancy)s;

-- alert_notice: who was told of its spells, and what its own sign-ins were told of others'
delete from personal.alert_notice n
where exists (select from personal.quiet_alert q where q.id = n.alert_id and q.tenancy_id = %(tenancy)s)
   or exists (
       select from personal.care_link l join personal.account a on a.id = l.account_id
       where l.id = n.link_id and a.tenancy_id = %(tenancy)s
   );

-- quiet_alert: its spells without movement, silent sensors and cold rooms
delete from personal.quiet_alert where tenancy_id = %(tenancy)s;

-- care_code: codes for its carers
delete from personal.care_code c using personal.care_link l where l.id = c.link_id and l.tenancy_id = %(tenancy)s;

-- care_link: its carers, and whose carer somebody of it was
delete from personal.care_link l
where l.tenancy_id = %(tenancy)s
   or exists (select from personal.account a where a.id = l.account_id and a.tenancy_id = %(tenancy)s);

-- trial_member: its place in trials; the database counts how many of an arm were erased, as nobody's
delete from personal.trial_member where tenancy_id = %(tenancy)s;

-- delete_tenancy: the tenancy itself
delete from personal.tenancy where id = %(tenancy)s;

-- home_details: what the home is, with its last tenancy
delete from personal.home_details where home_id = %(home)s and %(last)s;

-- touched_home: what was to be computed of a home that goes
delete from personal.touched_home where home_id = %(home)s and %(last)s;

-- home: the home with its UPRN and address, with its last tenancy
delete from personal.home where id = %(home)s and %(last)s;

-- correction: corrections of a meter that goes do not name it any more
update public.correction set device = '(erased)' where device = any(%(gone)s::text[]);

-- delete_series: the series of meters that go
delete from personal.series where device_id = any(%(gone)s::text[]);

-- device: meters that go
delete from personal.device where id = any(%(gone)s::text[]);

-- allow: this transaction may take the tenancy's rows out of the log of access
select set_config('borough.erasing', %s::bigint::text, true);

-- alone: one erasure at a time; two would write the same files
select pg_try_advisory_lock(-5148271906531808);

-- unlinked: whether a meter or movement sensor is linked to no home
select not exists (select from personal.home_device where device_id = %s);

-- chunks: parts of the table of readings that hold something from an instant on
select format('%%I.%%I', chunk_schema, chunk_name)
from timescaledb_information.chunks
where hypertable_schema = 'public' and hypertable_name = 'reading' and range_end > %s
order by range_start
