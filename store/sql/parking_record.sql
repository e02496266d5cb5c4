-- hold: until the transaction ends nobody else computes or erases days of bays
select pg_advisory_xact_lock(-5148271906531809);

-- recorded: how far the days are computed, and by what
select timestamptz_send(recorded_to), rules from personal.parking_record;

-- keep_recorded: how far they are now
insert into personal.parking_record (recorded_to, rules) values (%s, %s)
on conflict (one) do update set recorded_to = excluded.recorded_to, rules = excluded.rules;

-- newest: the newest reading that any bay's sensor ever gave
select timestamptz_send(max(l.time))
from personal.device d
join personal.series s on s.device_id = d.id and s.property = 'occupied'
join public.latest l on l.series_id = s.id
where d.family = 'parking-bay';

-- touched_bays: bays all of whose days must be computed again, and zones that lost one
select id, bay_id, zone from personal.touched_bay order by id;

-- forget_bays: what was seen of them and is computed now
delete from personal.touched_bay where id = any(%s::int8[]);

-- touch_bays: have all days of every bay computed again
insert into personal.touched_bay (bay_id) select id from personal.bay order by id;

-- touch_day: have a day (UTC) of all bays computed again
insert into public.touched_day (family, day) values ('parking-bay', %s);

-- empty_days: nothing is computed
delete from personal.bay_day;

-- empty_stays: nothing is computed
delete from personal.stay;

-- empty_zones: nothing is computed
delete from public.zone_day;

-- empty_recorded: nothing is computed
delete from personal.parking_record;

-- carries: how a local day ends in some bays
select string_agg(int4send(k.place::int4), ''::bytea), string_agg(int2send(d.carry_state), ''::bytea),
       string_agg(timestamptz_send(coalesce(d.carry_since, '-infinity')), ''::bytea),
       string_agg(timestamptz_send(coalesce(d.carry_heard, '-infinity')), ''::bytea),
       array_agg(d.carry_device)
from unnest(%(bays)s::text[]) with ordinality k (id, place)
join personal.bay_day d on d.bay_id = k.id and d.day = %(day)s;

-- first_days: the first local day of some bays that is stored
select min(d.day)
from unnest(%s::text[]) k (id)
cross join lateral (select day from personal.bay_day where bay_id = k.id order by day limit 1) d;

-- first_zone_day: the first local day of some zones that is stored
select min(day) from public.zone_day where zone = any(%s::text[]);

-- make_stage: where computed days of bays wait
create temporary table if not exists bay_day_stage (
    place int4 not null, quarters bytea not null, arrivals int4 not null, repeated int4 not null,
    carry_state int2 not null, carry_since timestamptz not null, carry_heard timestamptz not null,
    carry_device int4 not null
) on commit delete rows;

-- empty_stage: for the next day
delete from pg_temp.bay_day_stage;

-- copy_stage: computed days into the stage
copy pg_temp.bay_day_stage (
    place, quarters, arrivals, repeated, carry_state, carry_since, carry_heard, carry_device
) from stdin (format binary);

-- merge_stage: from the stage into the table, what differs; places of the bays that did
with bay as (select id, place from unnest(%(bays)s::text[]) with ordinality k (id, place)),
device as (select id, place from unnest(%(devices)s::text[]) with ordinality k (id, place)),
changed as (
    insert into personal.bay_day (
        bay_id, day, quarters, arrivals, repeated, carry_state, carry_since, carry_heard, carry_device
    )
    select b.id, %(day)s, s.quarters, s.arrivals, s.repeated, s.carry_state, nullif(s.carry_since, '-infinity'),
           nullif(s.carry_heard, '-infinity'), d.id
    from pg_temp.bay_day_stage s
    join bay b on b.place = s.place + 1
    left join device d on d.place = s.carry_device + 1
    left join personal.bay_day o on o.bay_id = b.id and o.day = %(day)s
    -- a row in conflict is locked, and so written, also where nothing of it changes
    where (o.quarters, o.arrivals, o.repeated, o.carry_state, o.carry_since, o.carry_heard, o.carry_device)
        is distinct from
          (s.quarters, s.arrivals, s.repeated, s.carry_state, nullif(s.carry_since, '-infinity'),
           nullif(s.carry_heard, '-infinity'), d.id)
    on conflict (bay_id, day) do update
    set quarters = excluded.quarters, arrivals = excluded.arrivals, repeated = excluded.repeated,
        carry_state = excluded.carry_state, carry_since = excluded.carry_since, carry_heard = excluded.carry_heard,
        carry_device = excluded.carry_device
    returning bay_id
)
select string_agg(int4send((b.place - 1)::int4), ''::bytea) from changed c join bay b on b.id = c.bay_id;

-- remove_days: days of some bays that are none of theirs (any more); the places of these
with gone as (
    delete from personal.bay_day d using unnest(%(bays)s::text[]) with ordinality k (id, place)
    where d.bay_id = k.id and d.day = %(day)s and not (k.place - 1) = any(%(keep)s::int4[])
    returning (k.place - 1)::int4 as place
)
select string_agg(int4send(place), ''::bytea) from gone;

-- stays_at: what is stored of single stays: place in the question, how it begins and ends, when it ends
select string_agg(int4send((k.place - 1)::int4), ''::bytea),
       string_agg(int4send(array_position(%(begin_words)s::text[], s.begins) - 1), ''::bytea),
       string_agg(int4send(array_position(%(end_words)s::text[], s.ends) - 1), ''::bytea),
       string_agg(timestamptz_send(coalesce(s.departure, '-infinity')), ''::bytea)
from unnest(%(bay)s::int4[], %(arrival)s::timestamptz[]) with ordinality k (bay, arrival, place)
join unnest(%(bays)s::text[]) with ordinality b (id, place) on b.place = k.bay + 1
join personal.stay s on s.bay_id = b.id and s.arrival = k.arrival;

-- stays_of: stays of some bays that arrived in a time, as they are stored
select string_agg(int4send((k.place - 1)::int4), ''::bytea), string_agg(timestamptz_send(s.arrival), ''::bytea),
       string_agg(timestamptz_send(coalesce(s.departure, '-infinity')), ''::bytea),
       string_agg(int4send(array_position(%(begin_words)s::text[], s.begins) - 1), ''::bytea),
       string_agg(int4send(array_position(%(end_words)s::text[], s.ends) - 1), ''::bytea),
       string_agg(timestamptz_send(coalesce(s.over_from, '-infinity')), ''::bytea),
       string_agg(int4send(s.over_seconds), ''::bytea), string_agg(int4send(s.suspended_seconds), ''::bytea)
from unnest(%(bays)s::text[]) with ordinality k (id, place)
join personal.stay s on s.bay_id = k.id and s.arrival >= %(start)s and s.arrival < %(stop)s;

-- remove_stays: single stays
delete from personal.stay s
using unnest(%(place)s::int4[], %(arrival)s::timestamptz[]) k (place, arrival)
join unnest(%(bays)s::text[]) with ordinality b (id, place) on b.place = k.place + 1
where s.bay_id = b.id and s.arrival = k.arrival;

-- write_stays: stays as computed, where they differ; a moment before 1970 is none. Which did: bay's place, arrival
with bay as (select id, place from unnest(%(bays)s::text[]) with ordinality k (id, place)),
changed as (
    insert into personal.stay as old (
        bay_id, arrival, departure, begins, ends, over_from, over_seconds, suspended_seconds
    )
    select b.id, k.arrival, nullif(k.departure, %(none)s), (%(begin_words)s::text[])[k.begins + 1],
           (%(end_words)s::text[])[k.ends + 1], nullif(k.over_from, %(none)s), k.over, k.suspended
    from unnest(
        %(place)s::int4[], %(arrival)s::timestamptz[], %(departure)s::timestamptz[], %(begins)s::int4[], %(ends)s::int4[],
        %(over_from)s::timestamptz[], %(over)s::int4[], %(suspended)s::int4[]
    ) k (place, arrival, departure, begins, ends, over_from, over, suspended)
    join bay b on b.place = k.place + 1
    on conflict (bay_id, arrival) do update
    set departure = excluded.departure, begins = excluded.begins, ends = excluded.ends, over_from = excluded.over_from,
        over_seconds = excluded.over_seconds, suspended_seconds = excluded.suspended_seconds
    where (old.departure, old.begins, old.ends, old.over_from, old.over_seconds, old.suspended_seconds) is distinct from
          (excluded.departure, excluded.begins, excluded.ends, excluded.over_from, excluded.over_seconds,
           excluded.suspended_seconds)
    returning bay_id, arrival
)
select string_agg(int4send((b.place - 1)::int4), ''::bytea), string_agg(timestamptz_send(c.arrival), ''::bytea)
from changed c join bay b on b.id = c.bay_id;

-- zone_sums: of a day, the open bays of some zones: which zone each is in, and its quarter hours
select array_agg(b.zone), string_agg(d.quarters, ''::bytea)
from personal.bay b
join personal.bay_day d on d.bay_id = b.id and d.day = %(day)s
where b.zone = any(%(zones)s::text[]) and not b.personal;

-- zone_bays: how many open bays of these zones have a sensor in a time
select b.zone, count(distinct b.id)::int4
from personal.bay b
join personal.bay_sensor s on s.bay_id = b.id and s.start < %(stop)s and coalesce(s.stop, 'infinity') > %(start)s
where b.zone = any(%(zones)s::text[]) and not b.personal
group by b.zone;

-- zone_arrivals: when whoever was seen to arrive did, by zone
select array_agg(b.zone), string_agg(timestamptz_send(s.arrival), ''::bytea)
from personal.stay s
join personal.bay b on b.id = s.bay_id
where s.arrival >= %(start)s and s.arrival < %(stop)s and s.begins = 'reading'
  and b.zone = any(%(zones)s::text[]) and not b.personal;

-- write_zones: a day of zones, where it differs
insert into public.zone_day as old (zone, day, bays, quarters, arrivals)
select k.zone, %(day)s, k.bays, k.quarters, k.arrivals
from unnest(%(zones)s::text[], %(bays)s::int4[], %(quarters)s::bytea[], %(arrivals)s::bytea[])
    k (zone, bays, quarters, arrivals)
on conflict (zone, day) do update
set bays = excluded.bays, quarters = excluded.quarters, arrivals = excluded.arrivals
where (old.bays, old.quarters, old.arrivals) is distinct from (excluded.bays, excluded.quarters, excluded.arrivals);

-- remove_zones: zones that have no bay with a day any more
delete from public.zone_day where day = %s and zone = any(%s::text[]);
