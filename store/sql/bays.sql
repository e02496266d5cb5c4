-- bays: every bay, with the UPRN of the home whose it is
select b.id, b.street, b.zone, b.kind, b.lon, b.lat, b.spaces, b.off_street, b.length, b.geometry, b.personal, h.uprn,
    b.origin, b.from_day, b.to_day, b.attributes
from personal.bay b
left join personal.home h on h.id = b.home_id
order by b.id collate "C"

-- restrictions: every bay's hours, in the order of the bays
select bay_id, days, start_minute, end_minute, maximum_stay, no_return, bank_holidays, event_days, from_day, to_day
from personal.bay_restriction
order by bay_id collate "C", number

-- sensors: which sensor lies in which bay, and lay
select bay_id, device_id, start, stop from personal.bay_sensor order by bay_id collate "C", start

-- of_households: of these devices those that lie or lay in a bay of a household, and that bay
select device_id, min(s.bay_id) from personal.bay_sensor s
join personal.bay b on b.id = s.bay_id
where b.personal and s.device_id = any(%s)
group by device_id
order by device_id collate "C"

-- suspensions: bays that nobody may use for a time
select bay_id, start, stop, reason from personal.bay_suspension order by bay_id collate "C", start

-- permits: bays whose restrictions do not hold for a time
select bay_id, start, stop, kind from personal.bay_permit order by bay_id collate "C", start

-- events: days of zones
select zone, day, name from public.event_day order by zone collate "C", day

-- lock_import: one import at a time
select pg_advisory_xact_lock(-2981146012987352)

-- devices: of these devices the family and the class
select id, family, personal from personal.device where id = any(%s)

-- homes: the homes of these UPRNs, the longest spellings first
select uprn, id from personal.home where uprn = any(%s) order by length(uprn) desc

-- save_bay: a new bay, or what is known of it now
insert into personal.bay (
    id, street, zone, kind, lon, lat, spaces, off_street, length, geometry, personal, home_id, origin, from_day, to_day,
    attributes
) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s::jsonb)
on conflict (id) do update set
    street = excluded.street, zone = excluded.zone, kind = excluded.kind, lon = excluded.lon, lat = excluded.lat,
    spaces = excluded.spaces, off_street = excluded.off_street, length = excluded.length, geometry = excluded.geometry,
    personal = excluded.personal, home_id = excluded.home_id, origin = excluded.origin, from_day = excluded.from_day,
    to_day = excluded.to_day, attributes = excluded.attributes

-- remove_restrictions: before these bays get others
delete from personal.bay_restriction where bay_id = any(%s)

-- add_restriction: hours of a bay
insert into personal.bay_restriction (
    bay_id, number, days, start_minute, end_minute, maximum_stay, no_return, bank_holidays, event_days, from_day, to_day
) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)

-- save_sensors: a sensor in a bay from an instant on
insert into personal.bay_sensor (bay_id, device_id, start, stop) values (%s, %s, %s, %s)
on conflict (bay_id, start) do update set device_id = excluded.device_id, stop = excluded.stop

-- save_suspensions: a bay that is closed from an instant on
insert into personal.bay_suspension (bay_id, start, stop, reason) values (%s, %s, %s, %s)
on conflict (bay_id, start) do update set stop = excluded.stop, reason = excluded.reason

-- save_permits: a bay whose restrictions do not hold from an instant on
insert into personal.bay_permit (bay_id, start, stop, kind) values (%s, %s, %s, %s)
on conflict (bay_id, start) do update set stop = excluded.stop, kind = excluded.kind

-- save_events: a day of a zone
insert into public.event_day (zone, day, name) values (%s, %s, %s)
on conflict (zone, day) do update set name = excluded.name

-- remove_sensors: what should not have been noted
delete from personal.bay_sensor where bay_id = %s and start = %s

-- remove_suspensions: what should not have been noted, or was called off
delete from personal.bay_suspension where bay_id = %s and start = %s

-- remove_permits: what should not have been noted, or was called off
delete from personal.bay_permit where bay_id = %s and start = %s

-- remove_events: what should not have been noted, or was called off
delete from public.event_day where zone = %s and day = %s

-- unlinked: sensors of open bays in use that never lay in a bay, with the instant of their registration
select id, family, model, lon, lat, origin, personal, retired_at is not null,
       case when attributes <> '{}' then attributes::text end, registered_at
from personal.device d
where family = 'parking-bay' and not personal and retired_at is null
    and not exists (select from personal.bay_sensor s where s.device_id = d.id)
order by id collate "C"
