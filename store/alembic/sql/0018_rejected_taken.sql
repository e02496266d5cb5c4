-- The account of rejections closes after a retry: rejected = kept + counted alone + taken since. And what a collector
-- reads each format with, so that nothing is taken by a decoder that the next message will not meet.

create table public.rejected_taken (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    account_id bigint,
    decoder text not null,
    family text not null,
    reason text not null,
    taken bigint not null check (taken >= 0),
    anew bigint not null check (anew >= 0)
);
create index rejected_taken_family on public.rejected_taken (family, reason);
comment on table public.rejected_taken is
    'What each retry took of the rejections of a family and reason, who asked for it, and what it was decoded with.';
comment on column public.rejected_taken.account_id is 'Who asked for it on the pages; null: a command.';
comment on column public.rejected_taken.taken is 'Rejections that are none any more, single readings counted one by one.';
comment on column public.rejected_taken.anew is 'Rejections that this retry made, of readings of messages that it took.';

alter table public.collector add column formats jsonb not null default '{}';
comment on column public.collector.formats is 'Name of each format that its subscriptions name: a fingerprint of its decoder.';
