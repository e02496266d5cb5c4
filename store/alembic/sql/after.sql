-- Run after every migration: the roles that people read with. Roles belong to the whole server: another database's
-- migration may create them at the same moment, and not every service may create any.
do $$
declare
    name text;
begin
    foreach name in array array['borough_open', 'borough_personal'] loop
        if not exists (select from pg_roles where rolname = name) then
            begin
                execute format('create role %I nologin', name);
            exception when duplicate_object or unique_violation or insufficient_privilege then
                null;  -- made by another at this moment, or left to the administrator
            end;
        end if;
    end loop;
    if exists (select from pg_roles where rolname = 'borough_open') then
        grant usage on schema public to borough_open;
        grant select on public.device, public.series, public.property, public.observation, public.accounting,
            public.absence, public.bay, public.zone_day, public.zone_forecast,
            public.event_day, public.place, public.weather_place, public.weather_day, public.flow_minute, public.lag_minute, public.lag_hour,
            public.rejection_minute, public.alarm, public.watch to borough_open;
    end if;
    if exists (select from pg_roles where rolname = 'borough_personal') then
        grant usage on schema personal to borough_personal;
        grant select on all tables in schema personal to borough_personal;
    end if;
end $$;
