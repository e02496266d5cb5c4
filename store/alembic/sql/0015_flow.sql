-- What a minute of the collectors was like: what the account does not know, for the engineers' pages. Kept for 30 days.

-- Rows are written again and again while their minute lasts, so pages keep room beside them.
create table public.flow_minute (
    minute timestamptz not null,
    collector text not null,
    batches bigint not null,
    messages bigint not null,
    write_seconds double precision not null,
    write_longest double precision not null,
    database_seconds double precision not null,
    in_flight_most bigint not null,
    held_bytes_most bigint not null,
    broker_queued bigint,
    broker_dropped bigint,
    up double precision not null,
    primary key (minute, collector)
) with (fillfactor = 50);
comment on table public.flow_minute is
    'One row a collector and minute in which it served, by the minute of the commit. A collector that is killed takes the last seconds with it.';
comment on column public.flow_minute.write_seconds is
    'From taking batches to their commits, building, waiting and further tries included; write_longest is the longest of one.';
comment on column public.flow_minute.database_seconds is 'Of it, within the transactions that were committed.';
comment on column public.flow_minute.in_flight_most is
    'The most messages that were received and not committed, and held_bytes_most their bytes, whenever it was looked.';
comment on column public.flow_minute.broker_queued is
    'What the broker said last of the messages that it keeps for sessions, of whatever client; null where it does not say.';
comment on column public.flow_minute.broker_dropped is
    'So many messages more the broker said it threw away, of whatever client; null where it does not say.';
comment on column public.flow_minute.up is 'Seconds in which the session was connected and subscribed.';

create table public.lag_minute (
    minute timestamptz not null,
    collector text not null,
    family text not null,
    counts bigint[] not null check (array_length(counts, 1) = 64),
    primary key (minute, collector, family)
) with (fillfactor = 50);
comment on table public.lag_minute is
    'Readings that went to the database by how long before their commit their time was: counts[1] up to 1 ms, counts[n] up '
    'to 2^((n-1)/2) ms, counts[64] more than 2^31 ms (24.9 days).';

create table public.lag_hour (
    hour timestamptz not null,
    collector text not null,
    family text not null,
    counts bigint[] not null check (array_length(counts, 1) = 64),
    primary key (hour, collector, family)
) with (fillfactor = 50);
comment on table public.lag_hour is 'The same by hour: the sums of lag_minute, so that weeks can be looked at.';

create table public.rejection_minute (
    minute timestamptz not null,
    collector text not null,
    family text not null,
    reason text not null,
    count bigint not null,
    primary key (minute, collector, family, reason)
) with (fillfactor = 50);
comment on table public.rejection_minute is
    'What accounting counts as rejected, messages and readings together, by reason; written in the same transaction.';
