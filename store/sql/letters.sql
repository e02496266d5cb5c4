-- recipients: who gets a letter of a period: lives there, agreed to messages, wants letters, and there is something to
-- tell; by postcode, as the post likes it
select t.id
from personal.tenancy t
join personal.home h on h.id = t.home_id
where t.letters
    and t.from_day <= %(today)s and (t.to_day is null or t.to_day > %(today)s)
    and (%(tenancy)s::bigint is null or t.id = %(tenancy)s::bigint)
    and exists (
        select from personal.consent c
        where c.tenancy_id = t.id and c.purpose = 'messages' and c.given_at <= %(now)s and c.withdrawn_at is null
    )
    and exists (
        select from personal.comparison c
        where c.tenancy_id = t.id and c.kind = %(kind)s and c.from_day = %(from_day)s and c.fuel = any(%(fuels)s)
            and c.own is not null and c.reason is distinct from 'other-origin'
    )
order by h.address[cardinality(h.address)], h.address, t.id

-- addressed: these tenancies with their homes as known today
select t.id, t.home_id, t.from_day, t.to_day, t.name, t.occupants, t.electric_vehicle, t.medical_equipment,
    t.large_print, t.letters,
    h.id, h.uprn, h.address, h.lon, h.lat,
    d.dwelling, d.heating, d.heat_network, d.floor_area, d.bedrooms, d.epc, d.tenure, d.deprivation_decile
from personal.tenancy t
join personal.home h on h.id = t.home_id
cross join lateral (
    select * from personal.home_details d where d.home_id = h.id order by d.valid_from desc limit 1
) d
where t.id = any(%(tenancies)s)

-- comparisons: what these tenancies are told of a period
select c.tenancy_id, c.home_id, c.kind, c.from_day, r.to_day, c.fuel, c.own, c.estimated_days, c.missing_days, c.before,
    c.state, c.reason, c.average, c.efficient, c.homes, c.tenths, c.carbon, c.cost, c.tariff, c.tariff_own, c.revision,
    r.quarter, r.settled_at is not null, c.sight
from personal.comparison c
join personal.comparison_run r using (kind, from_day, fuel)
where c.tenancy_id = any(%(tenancies)s) and c.kind = %(kind)s and c.from_day = %(from_day)s and c.fuel = any(%(fuels)s)
    and c.own is not null

-- neighbourhoods: about the cells of these tenancies' homes in the quarter in which a period begins
select m.home_id, c.quarter, c.dwelling, c.heating, c.heat_network, c.step, c.homes,
    c.homes - 1 + coalesce((
        select sum(other.homes) from personal.cell other
        where other.quarter = c.quarter and other.cell = any(c.joined)
    ), 0)::integer,
    c.reach, c.floor_area
from personal.tenancy t
join personal.cell_member m on m.home_id = t.home_id and m.quarter = %(quarter)s
join personal.cell c on c.quarter = m.quarter and c.cell = m.cell
where t.id = any(%(tenancies)s)

-- tariffs: what these tenancies pay
select tenancy_id, fuel, from_day, name, payment, standing_charge, registers
from personal.tariff
where tenancy_id = any(%(tenancies)s)
order by fuel, from_day

-- forget: letters that are about to be written anew, and those of files that are no more
delete from personal.letter
where path = any(%(paths)s) and tenancy_id = any(%(tenancies)s)
returning tenancy_id, path, merged_path

-- note: which files a letter is in
insert into personal.letter (tenancy_id, kind, from_day, made_at, path, merged_path)
select t.id, %(kind)s, %(from_day)s, %(now)s, given.path, given.merged_path
from unnest(%(tenancies)s::bigint[], %(paths)s::text[], %(merged)s::text[]) as given (tenancy_id, path, merged_path)
join personal.tenancy t on t.id = given.tenancy_id
for key share of t skip locked

-- later_than: an instant that no note in a folder has, so that a note's tells its run
select greatest(%(now)s::timestamptz, max(made_at) + interval '1 microsecond')
from personal.letter
where starts_with(path, %(folder)s)

-- staged: notes in a staging folder, and whether their files' own places were noted in the same run
select s.path, s.merged_path, exists (
    select from personal.letter f
    where f.tenancy_id = s.tenancy_id and f.made_at = s.made_at
        and f.path = %(folder)s || substr(s.path, length(%(staging)s) + 1)
)
from personal.letter s
where starts_with(s.path, %(staging)s)

-- unstage: files in a staging folder are no more
delete from personal.letter where starts_with(path, %(staging)s)

-- remaining: which of these tenancies there still are, and still agree to letters; nobody erases them meanwhile
select t.id
from personal.tenancy t
where t.id = any(%(tenancies)s) and t.letters
    and exists (
        select from personal.consent c
        where c.tenancy_id = t.id and c.purpose = 'messages' and c.withdrawn_at is null
    )
for key share of t
