-- The log of access ends after years, by `borough maintain` alone. What is younger than a year goes with its tenancy's
-- erasure and never otherwise, whatever a setting says.

create or replace function personal.access_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('borough.erasing', true) = old.tenancy_id::text then
        return old;
    end if;
    if tg_op = 'DELETE' and current_setting('borough.expiring', true) = 'access'
        and old.at < now() - interval '1 year'
    then
        return old;
    end if;
    raise exception 'the log of access is never changed' using errcode = 'insufficient_privilege';
end $$;

comment on table personal.access is
    'Who looked at or changed a home''s data. Rows are only added; erasure takes them away, and maintenance after years.';
