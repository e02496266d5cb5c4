-- Movement sensors of homes, the carers whom a resident names, what is usual, and what carers are told.
-- All of it belongs to a household and stands in the schema personal.

alter table personal.consent drop constraint consent_purpose_check;
alter table personal.consent add constraint consent_purpose_check
    check (purpose in ('comparison', 'evaluation', 'messages', 'finer-storage', 'care'));

create table personal.home_sensor (
    device_id text not null references personal.device (id),
    from_day date not null,
    to_day date check (to_day > from_day),
    home_id bigint not null references personal.home (id),
    room text not null default '',
    primary key (device_id, from_day)
);
create index home_sensor_home on personal.home_sensor (home_id);
comment on table personal.home_sensor is
    'Which movement sensor hangs in which home, between local days (to_day not included).';

create view personal.home_device with (security_barrier) as
    select device_id, from_day, to_day, home_id from personal.home_meter
    union all
    select device_id, from_day, to_day, home_id from personal.home_sensor;
comment on view personal.home_device is 'What tells of a home: its meters and movement sensors, between local days.';

create table personal.care_link (
    id bigint generated always as identity primary key,
    tenancy_id bigint not null references personal.tenancy (id) on delete cascade,
    account_id bigint references personal.account (id) on delete cascade,
    kind text not null check (kind in ('family', 'practitioner')),
    rank smallint not null check (rank between 1 and 3),
    carer text not null check (carer <> ''),
    home text not null check (home <> ''),
    contact_id bigint references personal.contact (id) on delete set null,
    named_at timestamptz not null,
    taken_at timestamptz,
    withdrawn_at timestamptz,
    withdrawn_by text check (withdrawn_by in ('resident', 'carer', 'consent', 'end')),
    check ((account_id is null) = (taken_at is null) or withdrawn_at is not null),
    check ((withdrawn_at is null) = (withdrawn_by is null)),
    -- looked at when the transaction ends, so that two may change places
    constraint care_link_rank exclude using btree (tenancy_id with =, rank with =) where (withdrawn_at is null)
        deferrable initially deferred
);
create unique index care_link_account on personal.care_link (tenancy_id, account_id) where withdrawn_at is null;
create index care_link_of_account on personal.care_link (account_id);
comment on table personal.care_link is 'Whom a resident named as a carer; it counts once the carer has entered its code.';
comment on column personal.care_link.rank is 'In this order they are told; the next one only where nobody answers.';
comment on column personal.care_link.carer is 'What the resident calls the carer.';
comment on column personal.care_link.home is 'What the carer reads as the name of the home: the resident''s words.';
comment on column personal.care_link.contact_id is 'Where messages go; null: told on the page alone.';

create table personal.care_code (
    code bytea primary key,
    link_id bigint not null references personal.care_link (id) on delete cascade,
    contact_id bigint references personal.contact (id) on delete cascade,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index care_code_link on personal.care_code (link_id);
create index care_code_contact on personal.care_code (contact_id);
comment on column personal.care_code.code is 'SHA-256 of what the resident hands over, or of what was sent to the carer.';
comment on column personal.care_code.contact_id is 'The address that it was sent to, which entering it confirms; null: of the link.';

create table personal.usual_spell (
    tenancy_id bigint primary key references personal.tenancy (id) on delete cascade,
    home_id bigint not null references personal.home (id) on delete cascade,
    day date not null,
    learned_at timestamptz not null,
    days smallint not null,
    limits integer[] not null check (cardinality(limits) = 96),
    away integer not null,
    active smallint[] not null check (cardinality(active) = 96)
);
comment on table personal.usual_spell is
    'What is usual in a home by kind of day (Monday to Friday; other days) and half-hour of the clock, of its last weeks.';
comment on column personal.usual_spell.day is 'The local day on which it was learnt; learnt again each day.';
comment on column personal.usual_spell.days is 'Days that it was learnt from.';
comment on column personal.usual_spell.limits is 'Seconds without movement that are usual at most; -1: too little known.';
comment on column personal.usual_spell.away is 'Seconds after the door without movement that are usual at most; -1: none.';
comment on column personal.usual_spell.active is 'Of how many of a hundred days there was movement; -1: too little known.';

create table personal.quiet_alert (
    id bigint generated always as identity primary key,
    tenancy_id bigint not null references personal.tenancy (id) on delete cascade,
    home_id bigint not null references personal.home (id) on delete cascade,
    kind text not null check (kind in ('quiet', 'silent', 'gateway', 'cold')),
    device_id text not null default '',
    since timestamptz not null,
    usual_seconds integer,
    noted_at timestamptz not null,
    ended_at timestamptz,
    shadow boolean not null,
    acknowledged_at timestamptz,
    acknowledged_by bigint references personal.care_link (id) on delete set null
);
create unique index quiet_alert_open on personal.quiet_alert (tenancy_id, kind, device_id) where ended_at is null;
create unique index quiet_alert_same on personal.quiet_alert (tenancy_id, kind, device_id, since);
create index quiet_alert_noted on personal.quiet_alert (noted_at);
comment on table personal.quiet_alert is
    'Spells without movement beyond what is usual, sensors that are not heard, cold rooms. No state of a person.';
comment on column personal.quiet_alert.shadow is 'Nobody was named: computed and counted, told to nobody.';
comment on column personal.quiet_alert.usual_seconds is 'How long a spell is usual at that time; null of another kind.';

create table personal.alert_notice (
    alert_id bigint not null references personal.quiet_alert (id) on delete cascade,
    link_id bigint not null references personal.care_link (id) on delete cascade,
    way text not null check (way in ('begun', 'ended')),
    noted_at timestamptz not null,
    message_id bigint references personal.message (id) on delete set null,
    primary key (alert_id, link_id, way)
);
create index alert_notice_link on personal.alert_notice (link_id);
comment on table personal.alert_notice is 'To whom an alert was told, in what order, and its end.';
comment on column personal.alert_notice.message_id is 'The message in the outbox; null: on the page alone.';

create table personal.movement_gateway (
    gateway text primary key,
    homes integer not null,
    since timestamptz not null,
    noted_at timestamptz not null,
    back_at timestamptz
);
comment on column personal.movement_gateway.back_at is 'Heard again since; it is remembered for some days.';
comment on table personal.movement_gateway is
    'Gateways of homes that are not heard, which is the operator''s concern and alarms nobody about a person.';

create index alert_notice_message on personal.alert_notice (message_id);
create index care_link_contact on personal.care_link (contact_id);

-- Whichever way a link ends: what is not sent yet is not sent, and its code opens nothing.
create function personal.end_link() returns trigger language plpgsql as $$
begin
    -- also what is taken and not begun, and what an operator might try again
    update personal.message set void = 'withdrawn'
    where kind in ('care-alert', 'care-note') and thread = 'care:' || new.id and state <> 'sent' and void is null;
    delete from personal.care_code where link_id = new.id and used_at is null;
    return null;
end $$;
create trigger end_link after update of withdrawn_at on personal.care_link for each row
    when (old.withdrawn_at is null and new.withdrawn_at is not null)
    execute function personal.end_link();

-- Whichever way the consent ends, on a page, on paper, by a file: nothing of the sensors is looked at from then on.
create function personal.end_care() returns trigger language plpgsql as $$
begin
    -- in the order in which whoever tells of an alert locks them
    update personal.quiet_alert set ended_at = greatest(new.withdrawn_at, noted_at)
    where tenancy_id = new.tenancy_id and ended_at is null;
    update personal.care_link set withdrawn_at = greatest(new.withdrawn_at, named_at), withdrawn_by = 'consent'
    where tenancy_id = new.tenancy_id and withdrawn_at is null;
    delete from personal.usual_spell where tenancy_id = new.tenancy_id;
    return null;
end $$;
create trigger end_care after update of withdrawn_at on personal.consent for each row
    when (new.purpose = 'care' and old.withdrawn_at is null and new.withdrawn_at is not null)
    execute function personal.end_care();

revoke all on all tables in schema personal from public;
