-- told: messages with their households as known today, by postcode
select m.id, m.subject, m.text,
    t.id, t.home_id, t.from_day, t.to_day, t.name, t.occupants, t.electric_vehicle, t.medical_equipment,
    t.large_print, t.letters,
    h.id, h.uprn, h.address, h.lon, h.lat,
    d.dwelling, d.heating, d.heat_network, d.floor_area, d.bedrooms, d.epc, d.tenure, d.deprivation_decile
from personal.message m
join personal.contact c on c.id = m.contact_id and c.channel = 'letter'
join personal.tenancy t on t.id = c.tenancy_id
join personal.home h on h.id = t.home_id
cross join lateral (
    select * from personal.home_details d where d.home_id = h.id order by d.valid_from desc limit 1
) d
where m.id = any(%(messages)s::int8[]) and (t.to_day is null or t.to_day > %(today)s)
order by h.address[cardinality(h.address)], h.address, t.id, m.id;

-- printed_in: messages by letter whose letters stand in a folder, and that may be sent still
select m.id
from personal.message m
join personal.contact c on c.id = m.contact_id and c.channel = 'letter'
where m.state = 'sent' and exists (
    select from personal.letter l
    where l.tenancy_id = c.tenancy_id and l.path = %(folder)s || '/message-' || m.id || '.pdf')
  and not exists (select from personal.contact_stop s
                  where s.contact_id = m.contact_id and s.kind = m.kind and s.thread in ('', m.thread))
  and (not m.kind = any(%(agreed)s::text[]) or exists (
      select from personal.consent n join personal.tenancy t on t.id = n.tenancy_id and t.letters
      where n.tenancy_id = c.tenancy_id and n.purpose = 'messages' and n.withdrawn_at is null))
order by m.id;

-- living: these tenancies as far as they are there; nobody erases them meanwhile
select t.id from personal.tenancy t
where t.id = any(%(tenancies)s::int8[]) and (t.to_day is null or t.to_day > %(today)s)
order by t.id
for key share of t;

-- settle: it is printed, or cannot be
with done as (
    update personal.message
    set state = %(state)s, reason = %(reason)s, settled_at = %(now)s, tries = tries + 1
    where id = %(id)s and state = 'waiting'
    returning id, tries
)
insert into personal.message_attempt (message_id, number, at, stage, answer)
select id, tries, %(now)s, %(stage)s, %(answer)s from done;
