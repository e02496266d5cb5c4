-- How far erasures are, so that what could not be reached at once is finished later and said until then.

create table personal.erasure (
    mark bytea primary key,
    key_mark bytea not null,
    reference text not null unique,
    begun_at timestamptz not null default now(),
    erased_at timestamptz,
    swept_at timestamptz,
    done_at timestamptz,
    words bytea,
    items jsonb not null default '[]' check (jsonb_typeof(items) = 'array'),
    sessions bytea[] not null default '{}',
    check (done_at is null or (words is null and items = '[]'))
);
create index erasure_open on personal.erasure (begun_at) where done_at is null;
comment on table personal.erasure is
    'How far each erasure is. mark: HMAC-SHA256 of the tenancy''s number, whose key stands outside the database.';
comment on column personal.erasure.reference is 'Chance: whoever left can ask with it how far the erasure is.';
comment on column personal.erasure.erased_at is 'From then on no table holds anything of the household.';
comment on column personal.erasure.swept_at is 'Then all files were gone through once; items are what is left.';
comment on column personal.erasure.words is
    'What files are searched for, encrypted with the key that stands outside the database; null when all is done.';
comment on column personal.erasure.items is '[{"kind", "path"}]: files that are yet to be done, or looked at by somebody.';
comment on column personal.erasure.sessions is
    'Sign-ins that ended with it (SHA-256 of the cookie), for an hour: the same form sent twice gets the same answer.';

create table public.erased (
    family text primary key,
    readings bigint not null
);
comment on table public.erased is 'How many readings erasures took, so that what was stored still adds up.';

revoke all on personal.erasure from public;
