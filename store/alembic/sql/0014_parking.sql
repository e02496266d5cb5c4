-- Parking: the register of bays, what holds in them when, and what their sensors' readings come to.

create table personal.bay (
    id text primary key,
    street text not null,
    zone text not null,
    kind text not null,
    spaces int not null check (spaces > 0),
    off_street boolean not null,
    lon double precision not null check (lon between -180 and 180),
    lat double precision not null check (lat between -90 and 90),
    length double precision check (length > 0),
    geometry jsonb check (jsonb_typeof(geometry) = 'object'),
    personal boolean not null,
    -- the one whose bay it is, where that is known: an erasure of a tenancy takes the bay's days and stays of its time
    home_id bigint references personal.home (id) on delete set null check (personal or home_id is null),
    origin text not null check (origin in ('real', 'simulated')),
    from_day date,
    to_day date check (to_day > from_day),
    attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
    registered_at timestamptz not null default now()
);
create index bay_zone on personal.bay (zone);
comment on table personal.bay is 'Every parking bay; public.bay shows those that are of no household.';

create table personal.bay_restriction (
    bay_id text not null references personal.bay (id) on delete cascade,
    number int not null,
    from_day date,
    to_day date check (to_day > from_day),
    days smallint not null check (days between 1 and 127),
    start_minute smallint not null check (start_minute between 0 and 1439),
    end_minute smallint not null check (end_minute <= 1440 and end_minute > start_minute),
    maximum_stay int check (maximum_stay > 0),
    no_return int check (no_return > 0),
    bank_holidays text not null check (bank_holidays in ('as-usual', 'off', 'only')),
    event_days text not null check (event_days in ('any', 'only', 'not')),
    primary key (bay_id, number)
);
comment on table personal.bay_restriction is
    'When a bay may be used how long: local days and minutes; days has bit 0 for Monday. No two hold at once.';

create table personal.bay_sensor (
    bay_id text not null references personal.bay (id) on delete cascade,
    device_id text not null references personal.device (id),
    start timestamptz not null,
    stop timestamptz check (stop > start),
    primary key (bay_id, start)
);
create index bay_sensor_device on personal.bay_sensor (device_id);
comment on table personal.bay_sensor is 'Which sensor lies in which bay, between instants (stop not included).';

create table personal.bay_suspension (
    bay_id text not null references personal.bay (id) on delete cascade,
    start timestamptz not null,
    stop timestamptz not null check (stop > start),
    reason text not null,
    primary key (bay_id, start)
);
comment on table personal.bay_suspension is 'Bays that nobody may use for a time.';

create table personal.bay_permit (
    bay_id text not null references personal.bay (id) on delete cascade,
    start timestamptz not null,
    stop timestamptz not null check (stop > start),
    kind text not null,
    primary key (bay_id, start)
);
comment on table personal.bay_permit is 'Bays whose restrictions do not hold for a time, for who stands there may.';

create table public.event_day (
    zone text not null,
    day date not null,
    name text not null,
    primary key (zone, day)
);
comment on table public.event_day is 'Local days on which a zone''s event restrictions hold.';

-- Bays of which something changed that days depend on, for whoever keeps days and stays: all their days are computed
-- again, and those of the zone that a bay has left.
create table personal.touched_bay (
    id bigint generated always as identity primary key,
    bay_id text not null,
    zone text
);

create table personal.parking_record (
    one boolean primary key default true check (one),
    recorded_to timestamptz not null,
    rules text not null
);
comment on table personal.parking_record is
    'How far the days of bays are computed (not included): one microsecond after the newest reading that was seen. '
    'rules: settings and bank holidays that they were computed by; where these change, all are computed again.';

create table personal.bay_day (
    bay_id text not null references personal.bay (id) on delete cascade,
    day date not null,
    quarters bytea not null,
    arrivals int not null,
    repeated int not null,
    carry_state smallint not null,
    carry_since timestamptz,
    carry_heard timestamptz,
    carry_device text,
    primary key (bay_id, day)
);
create index bay_day_day on personal.bay_day (day);
-- few days of few bays
create index bay_day_repeated on personal.bay_day (day) include (bay_id, repeated) where repeated > 0;
comment on table personal.bay_day is
    'Each bay''s local day: quarters has, for each of its 92 to 100 quarter hours, occupied, free and suspended '
    'milliseconds as big-endian int4; what is left is unknown. carry_ is how the day ends.';

create table personal.stay (
    bay_id text not null references personal.bay (id) on delete cascade,
    arrival timestamptz not null,
    departure timestamptz check (departure >= arrival),
    begins text not null check (begins in ('reading', 'unknown')),
    ends text not null check (ends in ('reading', 'silent', 'swapped', 'stuck', 'lasts')),
    over_from timestamptz,
    over_seconds int not null,
    suspended_seconds int not null,
    primary key (bay_id, arrival)
);
create index stay_arrival on personal.stay (arrival);
create index stay_lasts on personal.stay (bay_id) where ends = 'lasts';
comment on table personal.stay is
    'Who stood where: departure is null while it lasts. over_seconds is the time beyond what is permitted, over_from where it begins.';

create table public.zone_day (
    zone text not null,
    day date not null,
    bays int not null,
    quarters bytea not null,
    arrivals bytea not null,
    primary key (zone, day)
);
comment on table public.zone_day is
    'Each zone''s local day without bays of households: for each quarter hour occupied, free, suspended and unknown '
    'bay-seconds as big-endian int4, and arrivals as big-endian int4.';

create table public.zone_forecast (
    zone text not null,
    minutes int not null,
    at timestamptz not null,
    occupancy double precision,
    error double precision,
    persistence_error double precision,
    hour_of_week_error double precision,
    shown boolean not null,
    tested_day date not null,
    tested_days int not null,
    primary key (zone, minutes)
);
comment on table public.zone_forecast is
    'The occupancy of zones in the quarter hour that ends at an instant, told so many minutes before; its mean absolute '
    'error in a rolling test, and those of persistence and of the hour of the week. shown: it is better than both.';

create table personal.visit_outcome (
    token text primary key,
    bay_id text not null references personal.bay (id) on delete cascade,
    arrival timestamptz not null,
    at timestamptz not null default now(),
    account_id bigint references personal.account (id) on delete set null,
    outcome text not null check (outcome in ('permit-seen', 'blue-badge', 'confirmed', 'gone', 'sensor-wrong')),
    minutes_over int not null
);
create index visit_outcome_bay on personal.visit_outcome (bay_id, at);
comment on table personal.visit_outcome is
    'What an officer found at a bay that was called overstayed; token is of the form, so that it counts once.';

create table public.place (
    kind text not null check (kind in ('postcode', 'area')),
    name text not null,
    lon double precision not null check (lon between -180 and 180),
    lat double precision not null check (lat between -90 and 90),
    primary key (kind, name)
);
comment on table public.place is 'Postcodes (without blanks, capitals) and areas, as the Office for National Statistics publishes them.';

create view public.bay as
    select id, street, zone, kind, spaces, off_street, lon, lat, length, geometry, origin, from_day, to_day, attributes
    from personal.bay
    where not personal;
comment on view public.bay is 'Parking bays that are of no household.';

-- What days depend on: the register, the restrictions, the links.
create function personal.touch_bay() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        insert into personal.touched_bay (bay_id) values (old.bay_id);
    end if;
    if tg_op <> 'DELETE' then
        insert into personal.touched_bay (bay_id) values (new.bay_id);
    end if;
    return null;
end $$;
create trigger touch_bay after insert or update or delete on personal.bay_restriction
    for each row execute function personal.touch_bay();
create trigger touch_bay after insert or update or delete on personal.bay_sensor
    for each row execute function personal.touch_bay();
create trigger touch_bay after insert or update or delete on personal.bay_suspension
    for each row execute function personal.touch_bay();
create trigger touch_bay after insert or update or delete on personal.bay_permit
    for each row execute function personal.touch_bay();

-- A bay that changes its zone, becomes a household's or goes leaves the figures of its old zone, which count its bays.
create function personal.touch_bay_itself() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into personal.touched_bay (bay_id) values (new.id);
    elsif tg_op = 'DELETE' or (old.zone, old.spaces, old.personal, old.from_day, old.to_day)
        is distinct from (new.zone, new.spaces, new.personal, new.from_day, new.to_day)
    then
        insert into personal.touched_bay (bay_id, zone) values (old.id, old.zone);
    end if;
    return null;
end $$;
create trigger touch_bay after insert or update or delete on personal.bay
    for each row execute function personal.touch_bay_itself();

create function personal.touch_event_day() returns trigger language plpgsql as $$
begin
    insert into personal.touched_bay (bay_id)
    select id from personal.bay where zone = case tg_op when 'DELETE' then old.zone else new.zone end;
    return null;
end $$;
create trigger touch_event_day after insert or delete on public.event_day
    for each row execute function personal.touch_event_day();

-- How long a sensor may be silent is said by its device.
create function personal.touch_heartbeat() returns trigger language plpgsql as $$
begin
    insert into personal.touched_bay (bay_id)
    select distinct bay_id from personal.bay_sensor where device_id = new.id;
    return null;
end $$;
create trigger touch_heartbeat after update on personal.device
    for each row when ((old.attributes ->> 'heartbeat') is distinct from (new.attributes ->> 'heartbeat'))
    execute function personal.touch_heartbeat();
