-- Nudges: what each household was told of a month, as told and with what it rests on; and by which ways it is told.

create table personal.nudge (
    id bigint generated always as identity primary key,
    tenancy_id bigint not null references personal.tenancy (id) on delete cascade,
    kind text not null check (kind in ('compare', 'zone', 'own', 'help')),
    from_day date not null,
    to_day date not null check (to_day > from_day),
    fuel text not null check (fuel in ('electricity', 'gas', 'heat')),
    facts jsonb not null,
    subject text not null,
    text text not null,
    html text not null,
    actions jsonb not null,
    made_at timestamptz not null,
    messages bigint[] not null default '{}',
    publication_id bigint,
    trial_id bigint,
    arm text,
    -- one nudge a household and month, whoever looks how often
    unique (tenancy_id, from_day),
    check ((trial_id is null) = (arm is null))
);
create index nudge_publication on personal.nudge (publication_id) where publication_id is not null;
create index nudge_period on personal.nudge (from_day);
comment on table personal.nudge is 'What a household was told of a month, as told. Nothing of it changes any more.';
comment on column personal.nudge.facts is 'What its words rest on (analytics.nudges.facts): watt-hours, pence, watts.';
comment on column personal.nudge.actions is 'What it named to do, with estimate, reason and source.';
comment on column personal.nudge.messages is 'Its messages of the outbox, one a way; they are kept for a shorter time.';
comment on column personal.nudge.publication_id is 'Its row of publication, by which a correction of its days lists it.';
comment on column personal.nudge.trial_id is 'The trial that the household was in then, and arm: what it was drawn for.';

create table personal.nudge_way (
    tenancy_id bigint not null references personal.tenancy (id) on delete cascade,
    channel text not null check (channel in ('email', 'letter')),
    contact_id bigint not null references personal.contact (id) on delete cascade,
    asked_at timestamptz not null,
    code bytea,
    code_until timestamptz,
    tries smallint not null default 0,
    confirmed_at timestamptz,
    primary key (tenancy_id, channel),
    check ((code is null) = (code_until is null)),
    check (channel = 'email' or confirmed_at is not null)
);
create index nudge_way_contact on personal.nudge_way (contact_id);
comment on table personal.nudge_way is 'By which ways, beside its page, a household wants nudges: an e-mail, a letter.';
comment on column personal.nudge_way.code is 'SHA-256 of the code that shows that the address is theirs; null once it was entered.';
comment on column personal.nudge_way.tries is 'Wrong codes since this one was sent: after a few it is worth nothing.';

revoke all on personal.nudge, personal.nudge_way from public;
