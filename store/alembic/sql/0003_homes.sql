-- Homes and who lives in them, their use by day, cells of neighbours, comparisons, sign-in, access, erasure, letters.
-- Everything here belongs to a household and stands in the schema personal.

-- ---------------------------------------------------------------- homes and tenancies

create table personal.home (
    id bigint primary key,
    uprn text not null unique check (uprn ~ '^[0-9]{1,12}$'),
    address text[] not null default '{}',
    lon double precision not null check (lon between -180 and 180),
    lat double precision not null check (lat between -90 and 90),
    registered_at timestamptz not null default now()
);
comment on table personal.home is 'Who knows a UPRN or an address finds the pseudonym (id) here and nowhere else.';
comment on column personal.home.address is 'Lines as on an envelope, the postcode last.';

create table personal.home_details (
    home_id bigint not null references personal.home (id) on delete cascade,
    valid_from timestamptz not null,
    dwelling text not null,
    heating text not null,
    heat_network text,
    floor_area double precision check (floor_area between 5 and 5000),
    bedrooms smallint check (bedrooms between 0 and 50),
    epc text check (epc ~ '^[A-G]$'),
    tenure text,
    deprivation_decile smallint check (deprivation_decile between 1 and 10),
    source text not null check (source in ('import', 'resident', 'assist')),
    primary key (home_id, valid_from)
);
comment on table personal.home_details is
    'What a home is, from an instant on. Cells of a quarter use what was known at its start, or the first that is.';

create table personal.tenancy (
    id bigint primary key,
    home_id bigint not null references personal.home (id),
    from_day date not null,
    to_day date check (to_day > from_day),
    name text,
    occupants smallint check (occupants between 0 and 50),
    electric_vehicle boolean,
    medical_equipment boolean,
    large_print boolean not null default false,
    letters boolean not null default true,
    registered_at timestamptz not null default now(),
    unique (home_id, from_day)
);
comment on table personal.tenancy is
    'Who lives in a home between two local days (to_day not included): the subject of consent, sign-in and erasure.';

create function personal.tenancy_alone() returns trigger language plpgsql as $$
begin
    -- a row's lock takes no room of the lock table: a borough is imported in one transaction
    perform from personal.home h where h.id = new.home_id for no key update;
    if exists (
        select from personal.tenancy t
        where t.home_id = new.home_id and t.id <> new.id
            and daterange(t.from_day, t.to_day) && daterange(new.from_day, new.to_day)
    ) then
        raise exception 'another tenancy of this home covers some of these days'
            using errcode = 'exclusion_violation', constraint = 'tenancy_alone';
    end if;
    return new;
end $$;
create trigger tenancy_alone before insert or update of home_id, from_day, to_day on personal.tenancy
    for each row execute function personal.tenancy_alone();

create table personal.consent (
    tenancy_id bigint not null references personal.tenancy (id) on delete cascade,
    purpose text not null check (purpose in ('comparison', 'evaluation', 'messages', 'finer-storage')),
    given_at timestamptz not null,
    withdrawn_at timestamptz check (withdrawn_at >= given_at),
    channel text not null check (channel in ('import', 'page', 'paper', 'assist', 'telephone')),
    primary key (tenancy_id, purpose, given_at)
);
create unique index consent_current on personal.consent (tenancy_id, purpose) where withdrawn_at is null;
comment on table personal.consent is 'Each purpose is agreed to alone; withdrawn_at is null while it lasts.';

create table personal.home_meter (
    device_id text not null references personal.device (id),
    from_day date not null,
    to_day date check (to_day > from_day),
    home_id bigint not null references personal.home (id),
    primary key (device_id, from_day)
);
create index home_meter_home on personal.home_meter (home_id);
comment on table personal.home_meter is 'Which meter measures which home, between local days (to_day not included).';

create table personal.tariff (
    tenancy_id bigint not null references personal.tenancy (id) on delete cascade,
    fuel text not null check (fuel in ('electricity', 'gas', 'heat')),
    from_day date not null,
    name text not null,
    payment text not null check (payment in ('direct-debit', 'on-receipt', 'prepayment')),
    standing_charge double precision not null check (standing_charge >= 0),
    registers jsonb not null check (jsonb_typeof(registers) = 'array'),
    primary key (tenancy_id, fuel, from_day)
);
comment on column personal.tariff.standing_charge is 'Pence a day, with tax.';
comment on column personal.tariff.registers is
    '[{"name", "rate" (pence/kWh), "from", "to" (local HH:MM; both left out: all day)}], the first that fits counts.';

-- ---------------------------------------------------------------- use by day, neighbours, comparisons

create table personal.daily_use (
    fuel text not null check (fuel in ('electricity', 'gas', 'heat', 'export')),
    month date not null check (extract(day from month) = 1),
    home_id bigint not null references personal.home (id) on delete cascade,
    watt_hours bytea not null,
    minutes bytea not null,
    primary key (fuel, month, home_id),
    check (octet_length(watt_hours) = 4 * ((month + interval '1 month')::date - month)),
    check (octet_length(minutes) = 2 * ((month + interval '1 month')::date - month))
);
-- Bytes and not arrays: a year of 100,000 homes is read three times as fast (18 against 6 million days a second).
comment on table personal.daily_use is
    'Energy of each local day of a month, one big-endian number a day; personal.daily shows it day by day.';
comment on column personal.daily_use.watt_hours is 'int4 of each whole day; -1 where too little was measured to say.';
comment on column personal.daily_use.minutes is
    'int2: how many of the day''s minutes (1380, 1440 or 1500) were measured; where fewer, watt_hours is an estimate.';

create view personal.daily with (security_barrier) as
    select u.fuel, u.home_id, u.month + n.day as day,
           nullif(('x' || encode(substr(u.watt_hours, 4 * n.day + 1, 4), 'hex'))::bit(32)::integer, -1) as watt_hours,
           ('x' || encode(substr(u.minutes, 2 * n.day + 1, 2), 'hex'))::bit(16)::integer as minutes
    from personal.daily_use u
    cross join lateral generate_series(0, octet_length(u.minutes) / 2 - 1) as n (day);
comment on view personal.daily is 'Energy by home and local day; watt_hours is null where too little was measured.';

-- Like touched_day, of a home: its meters, who lives there, or what its meters are has changed.
create table personal.touched_home (
    id bigint generated always as identity primary key,
    home_id bigint not null references personal.home (id) on delete cascade
);
create index touched_home_home on personal.touched_home (home_id);
comment on table personal.touched_home is
    'Homes whose days must all be computed again. The analytics runner deletes the ids that it has seen.';

create function personal.touch_home() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        insert into personal.touched_home (home_id) values (old.home_id);
    end if;
    if tg_op = 'INSERT' or (tg_op = 'UPDATE' and new.home_id <> old.home_id) then
        insert into personal.touched_home (home_id) values (new.home_id);
    end if;
    return null;
end $$;
create trigger touch_home after insert or delete or update of device_id, from_day, to_day, home_id
    on personal.home_meter for each row execute function personal.touch_home();
create trigger touch_home after insert or delete or update of from_day, to_day, home_id
    on personal.tenancy for each row execute function personal.touch_home();

create function personal.touch_home_of_meter() returns trigger language plpgsql as $$
begin
    insert into personal.touched_home (home_id)
    select distinct home_id from personal.home_meter where device_id = new.id;
    return null;
end $$;
create trigger touch_home after update of attributes, retired_at on personal.device for each row
    when (old.attributes -> 'interval' is distinct from new.attributes -> 'interval'
        or old.attributes -> 'supply' is distinct from new.attributes -> 'supply'
        or old.retired_at is distinct from new.retired_at)
    execute function personal.touch_home_of_meter();

create table personal.cell_version (
    quarter date primary key,
    made_at timestamptz not null default now(),
    program text not null,
    homes integer not null
);
create table personal.cell (
    quarter date not null references personal.cell_version (quarter) on delete cascade,
    cell integer not null,
    dwelling text not null,
    heating text not null,
    heat_network text,
    homes integer not null,
    floor_area double precision not null,
    x double precision not null,
    y double precision not null,
    step text not null check (step in ('area-15', 'area-30', 'any-area', 'few', 'none')),
    joined integer[] not null,
    reach double precision not null,
    primary key (quarter, cell)
);
comment on table personal.cell is 'Cells of similar homes nearby, fixed for a calendar quarter.';
comment on column personal.cell.floor_area is 'Median, m2.';
comment on column personal.cell.x is 'Centroid, metres east of the middle of all homes; y: north.';
comment on column personal.cell.joined is 'The other cells whose homes are neighbours of this cell''s, nearest first.';
comment on column personal.cell.reach is 'Metres to the centroid of the farthest joined cell.';

create table personal.cell_member (
    quarter date not null references personal.cell_version (quarter) on delete cascade,
    home_id bigint not null references personal.home (id) on delete cascade,
    tenancy_id bigint not null,
    cell integer not null,
    primary key (quarter, home_id)
);

create table personal.comparison_run (
    kind text not null check (kind in ('week', 'month', 'four-weeks')),
    from_day date not null,
    to_day date not null,
    fuel text not null,
    quarter date not null,
    program text not null,
    published_at timestamptz not null,
    settled_at timestamptz,
    members bytea not null default '',
    primary key (kind, from_day, fuel)
);
-- Only where the same homes count as then may a figure of others be revised (analytics.differencing).
comment on column personal.comparison_run.members is
    'A number by cell (int8, big-endian) that tells whether the same homes count in it as when this was published.';
comment on table personal.comparison_run is 'Each period that was compared. After settled_at nothing of it changes.';

create table personal.comparison (
    tenancy_id bigint not null references personal.tenancy (id) on delete cascade,
    kind text not null,
    from_day date not null,
    fuel text not null,
    home_id bigint not null,
    own bigint,
    estimated_days smallint not null,
    missing_days smallint not null,
    before bigint,
    state text not null check (state in ('great', 'good', 'more', 'neutral', 'suppressed')),
    reason text,
    average bigint,
    efficient bigint,
    homes smallint,
    tenths smallint check (tenths between 0 and 10),
    carbon bigint,
    cost integer,
    tariff text,
    tariff_own boolean not null default false,
    revision smallint not null default 1,
    primary key (tenancy_id, kind, from_day, fuel),
    foreign key (kind, from_day, fuel) references personal.comparison_run (kind, from_day, fuel) on delete cascade
);
create index comparison_period on personal.comparison (kind, from_day, fuel);
comment on table personal.comparison is
    'What a household is told of one period, just as it is shown: figures about others have passed the disclosure rules.';
comment on column personal.comparison.own is 'Watt-hours of the period; null where too little was measured.';
comment on column personal.comparison.average is 'Watt-hours as shown (two significant figures); efficient likewise.';
comment on column personal.comparison.homes is 'About how many neighbours, to tens.';
comment on column personal.comparison.tenths is 'So many tenths of the neighbours used less.';
comment on column personal.comparison.carbon is 'Grams CO2e.';
comment on column personal.comparison.cost is 'Pence; by a reference tariff where tariff_own is false.';

create table personal.programme_figure (
    from_day date not null,
    fuel text not null,
    dwelling text not null,
    homes integer,
    average bigint,
    reason text not null,
    made_at timestamptz not null default now(),
    primary key (from_day, fuel, dwelling)
);
comment on table personal.programme_figure is
    'Groups of homes in a month, as published: made once, when it has settled. A second version would tell who left.';
comment on column personal.programme_figure.homes is 'To tens; null with a reason, like average (watt-hours).';

create table personal.comparison_late (
    id bigint generated always as identity primary key,
    kind text not null,
    from_day date not null,
    fuel text not null,
    home_id bigint not null references personal.home (id) on delete cascade,
    was bigint,
    would_be bigint,
    noted_at timestamptz not null default now(),
    unique (kind, from_day, fuel, home_id)
);
comment on table personal.comparison_late is
    'What readings that came after a period had settled would change of a home''s own use (watt-hours).';

-- ---------------------------------------------------------------- sign-in and access

create table personal.account (
    id bigint generated always as identity primary key,
    issuer text not null,
    subject text not null,
    tenancy_id bigint references personal.tenancy (id) on delete cascade,
    bound_at timestamptz,
    bound_by text check (bound_by in ('claim', 'code', 'demo')),
    registered_at timestamptz not null default now(),
    unique (issuer, subject)
);
comment on table personal.account is 'Who signed in, as the issuer names them, and the one tenancy that is theirs.';

create table personal.session (
    token bytea primary key,
    account_id bigint not null references personal.account (id) on delete cascade,
    roles text[] not null,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null
) with (fillfactor = 50);
create index session_account on personal.session (account_id);
comment on column personal.session.token is 'SHA-256 of what the cookie holds.';

create table personal.sign_in_code (
    code bytea primary key,
    tenancy_id bigint references personal.tenancy (id) on delete cascade,
    purpose text not null check (purpose in ('bind', 'slip', 'demo')),
    roles text[] not null default '{}', -- of a demo's sign-in, which may be nobody's home
    made_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    check (purpose = 'demo' or (tenancy_id is not null and roles = '{}'))
);
comment on column personal.sign_in_code.code is 'SHA-256 of a one-time code; the code itself stands in a letter only.';

create table personal.access (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    tenancy_id bigint not null references personal.tenancy (id),
    account_id bigint,
    role text not null,
    action text not null,
    detail text
);
create index access_tenancy on personal.access (tenancy_id, id);
comment on table personal.access is
    'Who looked at or changed a home''s data. Rows are only added; the home''s erasure alone takes them away.';

create function personal.access_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('borough.erasing', true) = old.tenancy_id::text then
        return old;
    end if;
    raise exception 'the log of access is never changed' using errcode = 'insufficient_privilege';
end $$;
create trigger access_append_only before update or delete on personal.access
    for each row execute function personal.access_append_only();
create function personal.access_no_truncate() returns trigger language plpgsql as $$
begin
    raise exception 'the log of access is never emptied' using errcode = 'insufficient_privilege';
end $$;
create trigger access_no_truncate before truncate on personal.access
    for each statement execute function personal.access_no_truncate();

-- ---------------------------------------------------------------- letters and erasure

create table personal.letter (
    id bigint generated always as identity primary key,
    tenancy_id bigint not null references personal.tenancy (id) on delete cascade,
    kind text not null,
    from_day date not null,
    made_at timestamptz not null default now(),
    path text not null,
    merged_path text
);
create index letter_tenancy on personal.letter (tenancy_id);
comment on table personal.letter is 'Letters that were made and the files that they are in, so that erasure finds them.';

create table personal.kept_file (
    path text primary key,
    kind text not null check (kind in ('ledger', 'recording', 'export')),
    tenancy_id bigint,
    made_at timestamptz not null default now()
);
comment on table personal.kept_file is 'Files outside the database that hold readings of homes; erasure looks into each.';

create table personal.tombstone (
    kind text not null check (kind in ('meter', 'tenancy')),
    mark bytea not null,
    from_time timestamptz not null,
    to_time timestamptz check (to_time > from_time),
    family text,
    model text,
    gone boolean not null default false,
    files_pending boolean not null default true,
    key_mark bytea not null,
    made_at timestamptz not null default now(),
    changed bigint generated always as identity,
    primary key (kind, mark, from_time)
);
create index tombstone_changed on personal.tombstone (changed);
comment on table personal.tombstone is
    'What was erased and must not come back. mark: HMAC-SHA256 of a device id, or of UPRN and first day, whose key stands '
    'outside the database; to_time is null until the next tenancy of the home begins.';
comment on column personal.tombstone.gone is 'The device itself was erased: none of its messages is taken any more.';
comment on column personal.tombstone.files_pending is 'Files outside the database were not all gone through yet.';
comment on column personal.tombstone.key_mark is 'Tells whether a key is the one that the mark was made with.';
comment on column personal.tombstone.changed is
    'Rises with every change in the order of the commits; writers of readings compare it within their transaction.';

create table personal.erasure_file (
    path text primary key
);
comment on table personal.erasure_file is 'Files that an erasure has yet to remove; empty when it is done.';

revoke all on all tables in schema personal from public;
