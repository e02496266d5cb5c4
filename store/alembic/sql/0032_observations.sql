-- Observations for subscribers at the broker: which readings were stored or changed since they were last told.

create table public.observation_publisher (
    one boolean primary key default true check (one),
    since timestamptz not null default now(),
    seen_at timestamptz not null default now()
);
comment on table public.observation_publisher is
    'A row while readings are told to subscribers at the broker: since when, and when their publisher was last heard of.';

create table public.observation_queue (
    id bigint generated always as identity primary key,
    series_id integer not null,
    time timestamptz not null,
    changed boolean not null
);
comment on table public.observation_queue is
    'Keys of open readings that are to be told, noted in the transaction that stored them or (changed) gave them another '
    'value. The publisher deletes exactly the ids that the broker has acknowledged. Filled only while there is a publisher.';
revoke all on public.observation_publisher, public.observation_queue from public;
