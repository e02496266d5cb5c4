-- Air alerts: who asked to be told that a place's air reaches a band, and the episodes of it. A subscription hangs on
-- the contact that its address stands in, and goes with it.

create table personal.air_subscription (
    id bigint generated always as identity primary key,
    contact_id bigint not null references personal.contact (id) on delete cascade,
    place text not null check (length(place) between 1 and 200),
    lon float8 not null check (lon between -180 and 180),
    lat float8 not null check (lat between -90 and 90),
    whole boolean not null,
    band text not null check (band in ('moderate', 'high', 'very-high')),
    tell_end boolean not null,
    token bytea not null unique check (octet_length(token) = 32),
    asked_at timestamptz not null,
    confirmed_at timestamptz,
    unique (contact_id, place, band)
);
create index air_subscription_unconfirmed on personal.air_subscription (asked_at) where confirmed_at is null;
comment on table personal.air_subscription is
    'Somebody asked to be told that the air of a place reaches a band; unconfirmed ones are deleted after two days.';
comment on column personal.air_subscription.whole is
    'An area, of which the highest index counts; else a point, of which the nearest monitor''s does.';
comment on column personal.air_subscription.tell_end is 'Whether they wish to be told of an episode''s end too.';
comment on column personal.air_subscription.token is 'SHA-256 of what the link holds that confirms it.';

create table personal.air_episode (
    id bigint generated always as identity primary key,
    subscription_id bigint not null references personal.air_subscription (id) on delete cascade,
    begin_hour timestamptz not null,
    last_hour timestamptz not null,
    end_hour timestamptz,
    how text check (how in ('below', 'unknown', 'withdrawn')),
    final boolean not null,
    highest smallint not null check (highest between 1 and 10),
    seen_hour timestamptz not null,
    noted_at timestamptz not null,
    told_at timestamptz,
    message_id bigint references personal.message (id) on delete set null,
    end_told_at timestamptz,
    check (begin_hour <= last_hour),
    check ((end_hour is null) = (how is null)),
    check (end_told_at is null or told_at is not null)
);
create index air_episode_subscription on personal.air_episode (subscription_id, begin_hour);
create index air_episode_open on personal.air_episode (subscription_id) where end_hour is null;
create index air_episode_message on personal.air_episode (message_id) where message_id is not null;
comment on table personal.air_episode is
    'A time in which the index of a subscription''s place was in its band, and whether its person was told: once at most.';
comment on column personal.air_episode.begin_hour is 'Hours are named by their beginning; end_hour is the first that is not its own.';
comment on column personal.air_episode.how is
    'below: the index fell; unknown: it was known no more; withdrawn: readings that came late showed that there was none.';
comment on column personal.air_episode.final is 'Nothing that comes can make it go on; its end is told then.';
comment on column personal.air_episode.message_id is 'In the outbox, which told of its beginning.';
comment on column personal.air_episode.seen_hour is 'The newest hour that was looked at.';

revoke all on personal.air_subscription, personal.air_episode from public;
