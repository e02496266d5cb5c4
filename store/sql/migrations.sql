-- lock: one migrator of a database at a time
select pg_advisory_lock(%s);

-- is_migrated: whether any revision was applied
select to_regclass('public.alembic_version') is not null;

-- revision: which one was applied last
select version_num from public.alembic_version;

-- has_database: whether the server has a database
select from pg_database where datname = %s;

-- create_database: an empty database; its name is no value and goes in as an identifier
create database {name};

-- follow_properties: the properties that the families of this program have
with given as (
    select * from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bool[])
        as given (family, name, unit, kind, personal)
), gone as (
    delete from public.property p
    where not exists (select from given where given.family = p.family and given.name = p.name)
)
insert into public.property as p select * from given
on conflict (family, name) do update
set unit = excluded.unit, kind = excluded.kind, personal = excluded.personal
where (p.unit, p.kind, p.personal) is distinct from (excluded.unit, excluded.kind, excluded.personal)
