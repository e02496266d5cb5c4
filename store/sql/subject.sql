-- tenancy: who it is
select t.id, t.from_day, t.to_day, t.name, t.occupants, t.electric_vehicle, t.medical_equipment, t.large_print,
       t.letters, t.registered_at, t.home_id
from personal.tenancy t where t.id = %(tenancy)s;

-- home: where it lives
select h.id, h.uprn, h.address, h.lon, h.lat, h.registered_at from personal.home h where h.id = %(home)s;

-- details: what the home was known to be while it lived there, or what was known first; what households before it and
-- after it said is theirs
select valid_from, dwelling, heating, heat_network, floor_area, bedrooms, epc, tenure, deprivation_decile, source
from personal.home_details d
where home_id = %(home)s
  and valid_from >= coalesce((select max(o.valid_from) from personal.home_details o
                              where o.home_id = d.home_id and o.valid_from <= %(start)s), '-infinity')
  and (valid_from < %(stop)s or not exists (select from personal.home_details o
                                            where o.home_id = d.home_id and o.valid_from < d.valid_from))
order by valid_from;

-- consents: what it agreed to
select purpose, given_at, withdrawn_at, channel from personal.consent where tenancy_id = %(tenancy)s order by given_at;

-- tariffs: its prices
select fuel, from_day, name, payment, standing_charge, registers
from personal.tariff where tenancy_id = %(tenancy)s order by fuel, from_day;

-- meters: its meters
select d.id as device, d.family, d.model, d.origin, d.attributes, d.lon, d.lat, d.registered_at, d.retired_at
from personal.device d where d.id = any(%(devices)s) order by d.id;

-- sensors: where its movement sensors hang and hung
select s.device_id as device, coalesce(nullif(s.room, ''), d.attributes ->> 'room', '') as room,
       greatest(s.from_day, %(from_day)s) as from_day, least(s.to_day, %(to_day)s::date) as to_day
from personal.home_sensor s
join personal.device d on d.id = s.device_id
where s.home_id = %(home)s and daterange(s.from_day, s.to_day) && daterange(%(from_day)s, %(to_day)s::date)
order by s.device_id, s.from_day;

-- usual_movement: what is usual in it
select day, learned_at, days, limits as limits_seconds, begun as begun_seconds, away as away_seconds, active as active_percent
from personal.usual_spell where tenancy_id = %(tenancy)s;

-- trials: trials that it is or was a member of, with the arm that it was drawn for
select t.name as trial, t.fuel, m.number as number_in_the_trial, m.arm, t.strata[m.listed + 1] as stratum, t.assigned_at,
       t.begins, least(m.withdrew_on, n.to_day) as left_on, t.ended_on
from personal.trial_member m
join personal.trial t on t.id = m.trial_id
join personal.tenancy n on n.id = m.tenancy_id
where m.tenancy_id = %(tenancy)s order by t.id;

-- carers: whom it named; who they are is theirs to say
select l.rank, l.kind, l.carer, l.home, l.named_at, l.taken_at, l.withdrawn_at, l.withdrawn_by
from personal.care_link l where l.tenancy_id = %(tenancy)s order by l.id;

-- movement_notices: what was noted of its movement, and who was told
select q.kind, q.device_id as device, q.since, q.usual_seconds, q.noted_at, q.ended_at, q.shadow, q.acknowledged_at,
       a.carer as acknowledged_by,
       (select coalesce(jsonb_agg(jsonb_build_object('carer', l.carer, 'way', n.way, 'noted_at', n.noted_at)
                                  order by n.noted_at, n.way), '[]')
        from personal.alert_notice n join personal.care_link l on l.id = n.link_id where n.alert_id = q.id) as told
from personal.quiet_alert q
left join personal.care_link a on a.id = q.acknowledged_by
where q.tenancy_id = %(tenancy)s order by q.id;

-- carer_of: whose carers its own sign-ins are, as these call their homes
select l.home, l.kind, l.rank, l.taken_at, l.withdrawn_at
from personal.care_link l join personal.account a on a.id = l.account_id
where a.tenancy_id = %(tenancy)s order by l.id;

-- bays: its own parking bays, as they are registered now
select id as bay, street, zone, kind, spaces, lon, lat, registered_at from personal.bay where home_id = %(home)s order by id;

-- bay_days: what is recorded of their days
select d.bay_id as bay, d.day, d.arrivals, d.repeated, encode(d.quarters, 'hex') as quarters_hex
from personal.bay_day d join personal.bay b on b.id = d.bay_id
where b.home_id = %(home)s and d.day >= %(from_day)s and (%(to_day)s::date is null or d.day < %(to_day)s)
order by d.bay_id, d.day;

-- bay_stays: who stood there, as far as that is within the tenancy
select t.bay_id as bay, greatest(t.arrival, %(start)s) as arrival,
       case when %(to_day)s::date is null then t.departure else least(coalesce(t.departure, %(stop)s), %(stop)s) end
           as departure,
       t.begins, t.ends, t.over_from, t.over_seconds, t.suspended_seconds
from personal.stay t join personal.bay b on b.id = t.bay_id
where b.home_id = %(home)s and t.arrival < %(stop)s and coalesce(t.departure, 'infinity') > %(start)s
order by t.bay_id, t.arrival;

-- bay_visits: what officers found there
select o.bay_id as bay, o.at, o.outcome, o.minutes_over
from personal.visit_outcome o join personal.bay b on b.id = o.bay_id
where b.home_id = %(home)s and o.at >= %(start)s and o.at < %(stop)s
order by o.bay_id, o.at;

-- series: the series of a meter
select s.id, s.property, p.unit
from personal.series s
join personal.device d on d.id = s.device_id
left join public.property p on p.family = d.family and p.name = s.property
where s.device_id = %(device)s order by s.property;

-- readings: the next readings of a series in a period
select time, value from public.reading
where series_id = %(series)s and time >= %(start)s and time < %(stop)s order by time limit %(limit)s;

-- latest: its newest reading, also where readings are not kept
select time, value, arrival from public.latest
where series_id = %(series)s and time >= %(start)s and time < %(stop)s;

-- superseded: the next values that corrections and restatements changed, of whole instants
select correction_id, time, old_value, new_value, arrival, source, reason from (
    select * from public.superseded
    where series_id = %(series)s and time >= %(start)s and time < %(stop)s order by time
    fetch first %(limit)s rows with ties) found
order by time, correction_id, arrival;

-- rejected_ids: messages of a meter that could not be taken
select r.id from public.rejected r
left join personal.rejected_text t on t.id = r.id
where (r.device = %(device)s or string_to_array(coalesce(t.topic, r.topic), '/') && array[%(device)s::text])
  and r.arrival >= %(start)s and r.arrival < %(stop)s
order by r.arrival, r.id;

-- rejected: some of them, with their bytes while these are kept
select r.arrival, coalesce(t.topic, r.topic) as topic, coalesce(t.property, r.property) as property, r.reason,
       coalesce(t.detail, r.detail) as detail, r.more,
       encode(coalesce(o.bytes, p.bytes), 'hex') as bytes_hex
from public.rejected r
left join personal.rejected_text t on t.id = r.id
left join public.rejected_bytes o on o.id = r.message
left join personal.rejected_bytes p on p.id = r.message
where r.id = any(%(ids)s)
order by r.arrival, r.id;

-- sequences: unbroken runs of a meter's message numbers
select first, last, first_time, last_time from public.sequence
where device = %(device)s and last_time >= %(start)s and first_time < %(stop)s order by first;

-- days: energy by fuel and local day
select fuel, day, watt_hours, minutes from personal.daily
where home_id = %(home)s and day >= %(from_day)s and (%(to_day)s::date is null or day < %(to_day)s)
  and (minutes > 0 or watt_hours is not null)
order by fuel, day;

-- comparisons: what it was told
select c.kind, c.from_day, r.to_day, c.fuel, c.own, c.estimated_days, c.missing_days, c.before, c.state, c.reason,
       c.average, c.efficient, c.homes, c.tenths, c.carbon, c.cost, c.tariff, c.tariff_own, c.revision,
       c.sight, r.published_at, r.settled_at
from personal.comparison c
join personal.comparison_run r using (kind, from_day, fuel)
where c.tenancy_id = %(tenancy)s order by c.from_day, c.kind, c.fuel;

-- late: what readings that came too late would have changed
select l.kind, l.from_day, l.fuel, l.was, l.would_be, l.noted_at
from personal.comparison_late l
join personal.comparison_run r using (kind, from_day, fuel)
where l.home_id = %(home)s
  and daterange(r.from_day, r.to_day) && daterange(%(from_day)s, %(to_day)s) order by l.id;

-- cells: which homes it is compared with, by quarter; what is of them goes to no member of a trial that may see only its own
select m.quarter, c.dwelling, c.heating, c.heat_network, case when s.tenancy_id is null then c.homes end as homes,
       case when s.tenancy_id is null then c.floor_area end as floor_area, c.step
from personal.cell_member m
join personal.cell c using (quarter, cell)
left join personal.trial_sight s on s.tenancy_id = m.tenancy_id and s.sight = 'own'
where m.tenancy_id = %(tenancy)s order by m.quarter;

-- accesses: the next who looked at it
select id, at, role, action, detail from personal.access
where tenancy_id = %(tenancy)s and id > %(after)s order by id limit %(limit)s;

-- sign_ins: who signed in for it
select a.issuer, a.subject, a.bound_at, a.bound_by, a.registered_at,
       (select count(*) from personal.session s where s.account_id = a.id) as sessions
from personal.account a where a.tenancy_id = %(tenancy)s order by a.id;

-- codes: one-time codes that were made for it; the codes themselves are not known
select purpose, made_at, expires_at, used_at from personal.sign_in_code where tenancy_id = %(tenancy)s order by made_at;

-- letters: letters that were made
select kind, from_day, made_at, path from personal.letter where tenancy_id = %(tenancy)s order by made_at, id;

-- complaints: what it complained of, with what was sent about it and who looked
select c.reference, c.received_at, c.channel, c.about, c.text, c.name, c.answer_by, c.address, c.acknowledged_at,
       c.answered_at,
       (select coalesce(jsonb_agg(jsonb_build_object('kind', l.kind, 'way', l.way, 'text', l.text, 'at', l.at)
                                  order by l.at, l.id), '[]')
        from personal.complaint_letter l where l.complaint_id = c.id) as letters,
       (select coalesce(jsonb_agg(jsonb_build_object('at', a.at, 'role', a.role, 'action', a.action) order by a.id), '[]')
        from personal.complaint_access a where a.complaint_id = c.id) as accesses
from personal.complaint c where c.tenancy_id = %(tenancy)s order by c.received_at, c.id;

-- contacts: how it is reached, and what it stopped
select c.id as contact, c.channel, c.address, c.made_at, c.confirmed_at, c.bounced_at, c.bounce,
       (select jsonb_agg(jsonb_build_object('kind', s.kind, 'thread', s.thread, 'stopped_at', s.stopped_at)
                         order by s.stopped_at)
        from personal.contact_stop s where s.contact_id = c.id) as stopped
from personal.contact c left join personal.account a on a.id = c.account_id
where c.tenancy_id = %(tenancy)s or a.tenancy_id = %(tenancy)s order by c.id;

-- messages: what it was told, and what others were told of it: to whom that went is theirs
select case when c.tenancy_id = %(tenancy)s or a.tenancy_id = %(tenancy)s then m.contact_id end as contact,
       m.kind, m.subject, m.text, m.made_at, m.due_at, m.state, m.reason, m.settled_at
from personal.message m
join personal.contact c on c.id = m.contact_id
left join personal.account a on a.id = c.account_id
where (m.tenancy_id = %(tenancy)s or c.tenancy_id = %(tenancy)s or a.tenancy_id = %(tenancy)s)
  and not m.id = any(%(hidden)s::int8[])
order by m.id;

-- exports: files with what was exported of it
select path, made_at from personal.kept_file where kind = 'export' and tenancy_id = %(tenancy)s order by made_at;

-- keep: note a file with what was exported
insert into personal.kept_file (path, kind, tenancy_id) values (%s, 'export', %s)
on conflict (path) do update set kind = 'export', tenancy_id = excluded.tenancy_id, made_at = now()

-- nudges: what it was told of its months, and what that rests on
select n.kind, n.from_day, n.to_day, n.fuel, n.facts, n.subject, n.text, n.actions, n.made_at, n.arm
from personal.nudge n where n.tenancy_id = %(tenancy)s and n.kind = any(%(kinds)s::text[]) order by n.id;

-- nudge_ways: by which ways it wants to be told
select w.channel, c.address, w.asked_at, w.confirmed_at
from personal.nudge_way w join personal.contact c on c.id = w.contact_id
where w.tenancy_id = %(tenancy)s order by w.channel;
