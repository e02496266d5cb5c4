-- The outbox: every message to a person, to whom, what became of it, and who wants no more of what.

create table personal.contact (
    id bigint generated always as identity primary key,
    channel text not null check (channel in ('email', 'page', 'letter')),
    address text check (length(address) between 3 and 254 and address !~ '[[:cntrl:][:space:]]'),
    origin text not null check (origin in ('real', 'simulated')),
    tenancy_id bigint references personal.tenancy (id) on delete cascade,
    account_id bigint references personal.account (id) on delete cascade,
    made_at timestamptz not null default now(),
    confirmed_at timestamptz,
    bounced_at timestamptz,
    bounce text,
    check ((channel = 'email') = (address is not null)),
    check (channel = 'email' or tenancy_id is not null or account_id is not null),
    check ((bounced_at is null) = (bounce is null))
);
create unique index contact_person on personal.contact
    (channel, lower(coalesce(address, '')), origin, coalesce(tenancy_id, 0), coalesce(account_id, 0));
create index contact_address on personal.contact (lower(address)) where address is not null;
create index contact_tenancy on personal.contact (tenancy_id) where tenancy_id is not null;
create index contact_account on personal.contact (account_id) where account_id is not null;
comment on table personal.contact is
    'How somebody is reached. It goes with its tenancy or account; one without both, with the subscription that made it.';
comment on column personal.contact.origin is 'simulated: of somebody who was made up, in a demo or a test.';
comment on column personal.contact.bounced_at is 'When a relay said that there is no such mailbox; nothing is sent there.';

create table personal.contact_stop (
    contact_id bigint not null references personal.contact (id) on delete cascade,
    kind text not null,
    thread text not null default '',
    stopped_at timestamptz not null,
    primary key (contact_id, kind, thread)
);
comment on table personal.contact_stop is 'What somebody wants no more of: a kind, or (thread not empty) one thread of it.';

create table personal.stop_token (
    token bytea primary key,
    contact_id bigint not null references personal.contact (id) on delete cascade,
    tenancy_id bigint references personal.tenancy (id) on delete cascade,
    kind text not null,
    thread text not null,
    made_at timestamptz not null
);
create index stop_token_contact on personal.stop_token (contact_id);
create index stop_token_tenancy on personal.stop_token (tenancy_id) where tenancy_id is not null;
comment on table personal.stop_token is 'Which link stops what. It lasts as long as the contact does.';
comment on column personal.stop_token.tenancy_id is 'The home that its message spoke of: what names its thread goes with it.';
comment on column personal.stop_token.token is 'SHA-256 of what the link holds.';

create table personal.message (
    id bigint generated always as identity primary key,
    key text not null unique check (length(key) between 1 and 200),
    contact_id bigint not null references personal.contact (id) on delete cascade,
    tenancy_id bigint references personal.tenancy (id) on delete cascade,
    kind text not null check (kind in ('air-confirm', 'air-alert', 'care-alert', 'care-note', 'complaint', 'code',
                                       'nudge', 'letter-notice')),
    thread text not null default '' check (length(thread) <= 200),
    origin text not null check (origin in ('real', 'simulated')),
    urgency smallint not null
        generated always as (case when kind in ('care-alert', 'code', 'air-confirm') then 0 else 1 end) stored,
    subject text not null check (length(subject) between 1 and 200 and subject !~ '[[:cntrl:]]'),
    text text not null,
    html text,
    made_at timestamptz not null default now(),
    due_at timestamptz not null,
    expires_at timestamptz not null,
    next_at timestamptz not null,
    state text not null default 'waiting'
        check (state in ('waiting', 'sending', 'sent', 'perhaps', 'failed', 'expired', 'withheld')),
    reason text,
    tries integer not null default 0,
    worker integer,
    handed_at timestamptz,
    settled_at timestamptz,
    void text,
    check (expires_at > due_at),
    check ((state = 'sending') = (worker is not null)),
    check (state <> 'perhaps' or handed_at is not null),
    check ((settled_at is null) = (state in ('waiting', 'sending')))
);
create index message_next on personal.message (urgency, next_at, id) where state = 'waiting';
create index message_expires on personal.message (expires_at) where state = 'waiting';
create index message_sending on personal.message (worker) where state = 'sending';
create index message_contact on personal.message (contact_id, kind, settled_at);
create index message_tenancy on personal.message (tenancy_id) where tenancy_id is not null;
create index message_settled on personal.message (settled_at) where settled_at is not null;
create index message_thread on personal.message (kind, thread) where thread <> '';
comment on table personal.message is 'Every message to a person, as it was made, and what became of it.';
comment on column personal.message.tenancy_id is 'The home that it speaks of, where it does: it goes with that too.';
comment on column personal.message.origin is 'Of what it tells: never is a real person told of a simulated home.';
comment on column personal.message.urgency is 'What is taken first: 0 before 1, whatever waits.';
comment on column personal.message.next_at is 'Not tried before: its due time, the end of quiet hours, or after a fault.';
comment on column personal.message.worker is 'Number of the advisory lock of the process that has it.';
comment on column personal.message.handed_at is
    'When the last dot was about to be sent. From then on the relay may have it, and it is never sent again by itself.';

comment on column personal.message.void is
    'Why it must not be sent any more, whatever became of it: what it tells is over, or its reader may not know it now.';

-- Whoever gives a message back, tries it again or finds it again after a fault: one that is void waits no more. What a
-- worker has taken is not begun until its last dot is noted.
create function personal.keep_void() returns trigger language plpgsql as $$
begin
    if new.state = 'waiting' or (new.state = 'sending' and new.handed_at is null) then
        new.state := 'withheld';
        new.reason := new.void;
        new.settled_at := coalesce(new.settled_at, now());
        new.worker := null;
    end if;
    return new;
end $$;
create trigger keep_void before update on personal.message for each row
    when (new.void is not null) execute function personal.keep_void();

create table personal.message_attempt (
    message_id bigint not null references personal.message (id) on delete cascade,
    number integer not null,
    at timestamptz not null,
    stage text not null check (stage in ('connect', 'sender', 'recipient', 'content', 'sent', 'lost')),
    code integer,
    enhanced text,
    answer text not null,
    primary key (message_id, number)
);
comment on table personal.message_attempt is 'What the relay said at each try; its words without the address.';

create table public.relay (
    one boolean primary key default true check (one),
    looked_at timestamptz not null,
    taken_at timestamptz,
    failing_since timestamptz,
    problem text
) with (fillfactor = 10);
comment on table public.relay is 'How the relay was reached last: what is wrong with it is wrong with no message.';

create table public.trigger_look (
    name text primary key,
    looked_at timestamptz not null
);
comment on table public.trigger_look is
    'When each cause of messages was looked at last without a fault; of one that never was, when it was tried first.';

revoke all on personal.contact, personal.contact_stop, personal.stop_token, personal.message, personal.message_attempt
    from public;
