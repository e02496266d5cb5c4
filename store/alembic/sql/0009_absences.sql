-- Messages without a time of their own take their arrival. Those that waited at the broker while no collector read have
-- an arrival that says nothing of when they were sent: how many readings that were is kept beside the account.

create table public.absence (
    collector text not null,
    back_at timestamptz not null,
    family text not null,
    lost_at timestamptz,
    drained_at timestamptz,
    messages bigint not null,
    readings bigint not null,
    primary key (collector, back_at, family)
);
comment on table public.absence is
    'Readings by family whose time is their arrival, of messages that the broker kept while nobody read the session.';
comment on column public.absence.lost_at is 'When the session was last read, as far as it is known.';
comment on column public.absence.drained_at is 'When the last of the queue had come; null: the connection ended before.';
