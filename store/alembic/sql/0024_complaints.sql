-- Complaints about how somebody's data were used (Data (Use and Access) Act 2025): what was said, how to answer, and
-- what was sent. Times and accounts of who looked stand beside each.

create table personal.complaint (
    id bigint generated always as identity primary key,
    reference text not null unique,
    secret bytea not null,
    form bytea not null unique,
    received_at timestamptz not null,
    noted_at timestamptz not null default now(),
    channel text not null check (channel in ('page', 'telephone', 'post', 'email')),
    tenancy_id bigint references personal.tenancy (id) on delete set null,
    about text not null check (about in ('energy', 'parking', 'air', 'movement', 'other')),
    text text not null,
    name text not null default '',
    answer_by text not null check (answer_by in ('email', 'post', 'none')),
    address text not null default '',
    acknowledged_at timestamptz,
    answered_at timestamptz,
    -- the household was erased while this was open: it goes soon after its answer
    erased_at timestamptz,
    check ((answer_by = 'none') = (address = '')),
    check (answered_at is null or acknowledged_at is not null)
);
create index complaint_open on personal.complaint (received_at) where acknowledged_at is null;
create index complaint_received on personal.complaint (noted_at);
create index complaint_tenancy on personal.complaint (tenancy_id) where tenancy_id is not null;
comment on table personal.complaint is 'What somebody complained of, and how they wish to be answered; a row each.';
comment on column personal.complaint.secret is 'SHA-256 of what opens its page together with the reference.';
comment on column personal.complaint.form is 'SHA-256 of the number of the form that it was sent with: sent twice, it is one.';
comment on column personal.complaint.received_at is 'When it reached the council, by whatever channel: its 30 days begin here.';
comment on column personal.complaint.address is 'An e-mail address, or lines of a postal one; empty where no answer is wished.';

create table personal.complaint_letter (
    id bigint generated always as identity primary key,
    complaint_id bigint not null references personal.complaint (id) on delete cascade,
    kind text not null check (kind in ('receipt', 'acknowledgement', 'answer')),
    way text not null check (way in ('email', 'post', 'page')),
    text text not null,
    at timestamptz not null,
    account_id bigint references personal.account (id) on delete set null,
    message_id bigint
);
create index complaint_letter_complaint on personal.complaint_letter (complaint_id);
create index complaint_letter_account on personal.complaint_letter (account_id) where account_id is not null;
comment on table personal.complaint_letter is 'What was sent about a complaint, as it was sent.';
comment on column personal.complaint_letter.message_id is 'In the outbox, where it went by e-mail.';

create table personal.complaint_access (
    id bigint generated always as identity primary key,
    complaint_id bigint not null references personal.complaint (id) on delete cascade,
    at timestamptz not null,
    account_id bigint,
    role text not null,
    action text not null
);
create index complaint_access_complaint on personal.complaint_access (complaint_id);
comment on table personal.complaint_access is 'Who looked at a complaint or changed it; its tenancy''s own log has this too.';
