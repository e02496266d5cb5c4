-- home: one home with what is known of it today
select h.id, h.uprn, h.address, h.lon, h.lat,
    d.dwelling, d.heating, d.heat_network, d.floor_area, d.bedrooms, d.epc, d.tenure, d.deprivation_decile
from personal.home h
cross join lateral (
    select * from personal.home_details d where d.home_id = h.id order by d.valid_from desc limit 1
) d
where h.id = %s

-- by_uprn: the same by its UPRN, of several spellings that are stored the shortest
select h.id, h.uprn, h.address, h.lon, h.lat,
    d.dwelling, d.heating, d.heat_network, d.floor_area, d.bedrooms, d.epc, d.tenure, d.deprivation_decile
from personal.home h
cross join lateral (
    select * from personal.home_details d where d.home_id = h.id order by d.valid_from desc limit 1
) d
where h.uprn = any(%s)
order by length(h.uprn) limit 1

-- all_homes: every home of these UPRNs with what is known of it today, the longest spellings first
select h.id, h.uprn, h.address, h.lon, h.lat,
    d.dwelling, d.heating, d.heat_network, d.floor_area, d.bedrooms, d.epc, d.tenure, d.deprivation_decile
from personal.home h
cross join lateral (
    select * from personal.home_details d where d.home_id = h.id order by d.valid_from desc limit 1
) d
where h.uprn = any(%s)
order by length(h.uprn) desc

-- tenancy: one tenancy
select id, home_id, from_day, to_day, name, occupants, electric_vehicle, medical_equipment, large_print, letters
from personal.tenancy
where id = %s

-- tenancies: all tenancies of a home
select id, home_id, from_day, to_day, name, occupants, electric_vehicle, medical_equipment, large_print, letters
from personal.tenancy
where home_id = %s
order by from_day

-- all_tenancies: all tenancies of these homes
select id, home_id, from_day, to_day, name, occupants, electric_vehicle, medical_equipment, large_print, letters
from personal.tenancy
where home_id = any(%s)
order by from_day

-- current_tenancy: who lives in a home on a day
select id, home_id, from_day, to_day, name, occupants, electric_vehicle, medical_equipment, large_print, letters
from personal.tenancy
where home_id = %s and from_day <= %s and (to_day is null or to_day > %s)

-- meters: the meters of a home
select device_id, home_id, from_day, to_day from personal.home_meter where home_id = %s order by from_day, device_id

-- all_meters: where these meters are and were
select device_id, home_id, from_day, to_day from personal.home_meter where device_id = any(%s) order by from_day

-- consents: what a tenancy agreed to
select tenancy_id, purpose, given_at, channel, withdrawn_at
from personal.consent
where tenancy_id = %s
order by given_at, purpose

-- all_consents: what these tenancies agreed to
select tenancy_id, purpose, given_at, channel, withdrawn_at from personal.consent where tenancy_id = any(%s)

-- give_consent: agree to a purpose, unless it is agreed to, or the tenancy is being erased
insert into personal.consent (tenancy_id, purpose, given_at, channel)
select t.id, k.purpose, k.given_at, k.channel
from (values (%s::bigint, %s, %s::timestamptz, %s)) as k (tenancy_id, purpose, given_at, channel)
join personal.tenancy t on t.id = k.tenancy_id
for key share of t skip locked
on conflict do nothing

-- withdraw_consent: end it; one given at this very moment lasted no time
update personal.consent
set withdrawn_at = greatest(given_at, %s)
where tenancy_id = %s and purpose = %s and withdrawn_at is null

-- change_details: what a home is, from an instant on, unless it is being erased
insert into personal.home_details (
    home_id, valid_from, dwelling, heating, heat_network, floor_area, bedrooms, epc, tenure, deprivation_decile, source
)
select h.id, k.valid_from, k.dwelling, k.heating, k.heat_network, k.floor_area, k.bedrooms, k.epc, k.tenure, k.decile,
    k.source
from (values (%s::bigint, %s::timestamptz, %s, %s, %s, %s::float8, %s::int2, %s, %s, %s::int2, %s))
    as k (home_id, valid_from, dwelling, heating, heat_network, floor_area, bedrooms, epc, tenure, decile, source)
join personal.home h on h.id = k.home_id
for key share of h skip locked
on conflict (home_id, valid_from) do update set
    dwelling = excluded.dwelling, heating = excluded.heating, heat_network = excluded.heat_network,
    floor_area = excluded.floor_area, bedrooms = excluded.bedrooms, epc = excluded.epc, tenure = excluded.tenure,
    deprivation_decile = excluded.deprivation_decile, source = excluded.source

-- change_tenancy: what a household says of itself
update personal.tenancy
set name = %s, occupants = %s, electric_vehicle = %s, medical_equipment = %s, large_print = %s, letters = %s
where id = %s

-- tariffs: prices that a tenancy told us
select fuel, from_day, name, payment, standing_charge, registers
from personal.tariff
where tenancy_id = %s
order by fuel, from_day

-- all_tariffs: prices of these tenancies
select tenancy_id, fuel, from_day, name, payment, standing_charge, registers
from personal.tariff
where tenancy_id = any(%s)
order by fuel, from_day

-- set_tariff: a price from a day on, unless the tenancy is being erased
insert into personal.tariff (tenancy_id, fuel, from_day, name, payment, standing_charge, registers)
select t.id, k.fuel, k.from_day, k.name, k.payment, k.standing_charge, k.registers
from (values (%s::bigint, %s, %s::date, %s, %s, %s::float8, %s::jsonb))
    as k (tenancy_id, fuel, from_day, name, payment, standing_charge, registers)
join personal.tenancy t on t.id = k.tenancy_id
for key share of t skip locked
on conflict (tenancy_id, fuel, from_day) do update set
    name = excluded.name, payment = excluded.payment, standing_charge = excluded.standing_charge,
    registers = excluded.registers

-- remove_tariff: take a price away
delete from personal.tariff where tenancy_id = %s and fuel = %s and from_day = %s

-- lock_import: one import at a time
select pg_advisory_xact_lock(-2981146012987351)

-- devices: which of these meters are registered, and of which family
select id, family from personal.device where id = any(%s)

-- add_home: a new home
insert into personal.home (id, uprn, address, lon, lat) values (%s, %s, %s, %s, %s)

-- move_home: a better address or place
update personal.home set address = %s, lon = %s, lat = %s where id = %s

-- add_tenancy: a new tenancy
insert into personal.tenancy (
    id, home_id, from_day, to_day, name, occupants, electric_vehicle, medical_equipment, large_print, letters
) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)

-- end_tenancy: when a tenancy ends
update personal.tenancy set to_day = %s where id = %s

-- add_meter: link a meter to a home
insert into personal.home_meter (device_id, home_id, from_day, to_day) values (%s, %s, %s, %s)

-- end_meter: when a meter left a home
update personal.home_meter set to_day = %s where device_id = %s and from_day = %s

-- all_sensors: where these movement sensors hang and hung
select device_id, home_id, from_day, to_day, room from personal.home_sensor where device_id = any(%s) order by from_day

-- add_sensor: link a movement sensor to a home
insert into personal.home_sensor (device_id, home_id, from_day, to_day, room) values (%s, %s, %s, %s, %s)

-- change_sensor: when a sensor left a home, or in which room it hangs
update personal.home_sensor set to_day = %s, room = %s where device_id = %s and from_day = %s

-- count: homes, tenancies of today and meters linked today
select (select count(*) from personal.home),
    (select count(*) from personal.tenancy where from_day <= %(day)s and (to_day is null or to_day > %(day)s)),
    (select count(*) from personal.home_meter where from_day <= %(day)s and (to_day is null or to_day > %(day)s))
