-- tenancy: who it is
select t.id, t.from_day, t.to_day, t.name, t.occupants, t.electric_vehicle, t.medical_equipment, t.large_print,
       t.letters, t.registered_at, t.home_id
from personal.tenancy t where t.id = %(tenancy)s;

-- home: where it lives
select h.id, h.uprn, h.address, h.lon, h.lat, h.registered_at from personal.home h where h.id = %(home)s;

-- details: what the home is, from when on, and who said so
select valid_from, dwelling, heating, heat_network, floor_area, bedrooms, epc, tenure, deprivation_decile, source
from personal.home_details where home_id = %(home)s order by valid_from;

-- consents: what it agreed to
select purpose, given_at, withdrawn_at, channel from personal.consent where tenancy_id = %(tenancy)s order by given_at;

-- tariffs: its prices
select fuel, from_day, name, payment, standing_charge, registers
from personal.tariff where tenancy_id = %(tenancy)s order by fuel, from_day;

-- meters: its meters
select d.id as device, d.family, d.model, d.origin, d.attributes, d.lon, d.lat, d.registered_at, d.retired_at
from personal.device d where d.id = any(%(devices)s) order by d.id;

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
  and minutes > 0
order by fuel, day;

-- comparisons: what it was told
select c.kind, c.from_day, r.to_day, c.fuel, c.own, c.estimated_days, c.missing_days, c.before, c.state, c.reason,
       c.average, c.efficient, c.homes, c.tenths, c.carbon, c.cost, c.tariff, c.tariff_own, c.revision,
       r.published_at, r.settled_at
from personal.comparison c
join personal.comparison_run r using (kind, from_day, fuel)
where c.tenancy_id = %(tenancy)s order by c.from_day, c.kind, c.fuel;

-- late: what readings that came too late would have changed
select l.kind, l.from_day, l.fuel, l.was, l.would_be, l.noted_at
from personal.comparison_late l
join personal.comparison_run r using (kind, from_day, fuel)
where l.home_id = %(home)s
  and daterange(r.from_day, r.to_day) && daterange(%(from_day)s, %(to_day)s) order by l.id;

-- cells: which homes it is compared with, by quarter
select m.quarter, c.dwelling, c.heating, c.heat_network, c.homes, c.floor_area, c.step
from personal.cell_member m
join personal.cell c using (quarter, cell)
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

-- exports: files with what was exported of it
select path, made_at from personal.kept_file where kind = 'export' and tenancy_id = %(tenancy)s order by made_at;

-- keep: note a file with what was exported
insert into personal.kept_file (path, kind, tenancy_id) values (%s, 'export', %s)
on conflict (path) do update set kind = 'export', tenancy_id = excluded.tenancy_id, made_at = now()
