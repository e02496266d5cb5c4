-- What messages have and no mapping reads: names of keys, so that nothing vanishes without a word. No values, no device.

create table public.unread_property (
    family text not null,
    format text not null,
    name text not null check (length(name) <= 100),
    devices int not null,
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    primary key (family, format, name)
);
comment on table public.unread_property is 'What messages have and nobody reads, by the names of their keys.';
comment on column public.unread_property.devices is 'So many devices of this family sent it.';
