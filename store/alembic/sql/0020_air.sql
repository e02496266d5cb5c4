-- Air: what the readings of monitors come to, by hour and by day (docs/decisions/012-air-alerts-movement.md). Only of
-- monitors and series that are of no household.

create table public.air_day (
    series_id integer not null,
    day date not null,
    -- the median time between two readings of the day [us], null where it has fewer than two
    step bigint check (step > 0),
    means bytea not null check (octet_length(means) = 24 * 8),
    captured bytea not null check (octet_length(captured) = 24 * 2),
    quarters bytea check (octet_length(quarters) = 96 * 8),
    indices bytea check (octet_length(indices) = 24),
    primary key (series_id, day)
);
create index air_day_day on public.air_day (day);
comment on table public.air_day is
    'A day (UTC) of a pollutant, or the humidity, at a monitor. There is a row where the day has a reading. It stays when the readings are deleted for their age.';
comment on column public.air_day.means is 'Hourly means as big-endian float8 in the unit of the readings, NaN below 75 % capture.';
comment on column public.air_day.captured is 'Readings of each hour as big-endian int2.';
comment on column public.air_day.quarters is 'Sulphur dioxide alone: means of 15 minutes as big-endian float8, NaN below 12 minutes.';
comment on column public.air_day.indices is 'The index of each hour, one byte: 1 to 10, 0 for none; null where the pollutant has no index.';

create table public.air_index_day (
    device_id text not null,
    day date not null,
    index smallint not null check (index between 0 and 10),
    worst text,
    indices smallint[] not null check (array_length(indices, 1) = 5),
    primary key (device_id, day),
    check ((index = 0) = (worst is null))
);
comment on table public.air_index_day is
    'The daily index of a monitor by local day; indices: of pm2_5, pm10, no2, o3 and so2, 0 for none; worst: the pollutant that makes the index, the first of equals.';

create table public.air_record (
    one boolean primary key default true check (one),
    first_day date not null default '-infinity',
    rules text not null default ''
);
comment on table public.air_record is
    'first_day: the first day (UTC) that is still computed from readings; of earlier ones some are deleted, and their hours stay as they are. '
    'rules: zone and version of what was computed.';
insert into public.air_record default values;

-- Monitors of which something changed that hours depend on: all their days that have readings are computed again.
create table personal.touched_monitor (
    id bigint generated always as identity primary key,
    device_id text not null
);
create index touched_monitor_device on personal.touched_monitor (device_id);
comment on table personal.touched_monitor is
    'Monitors whose days must all be computed again. The analytics runner deletes the ids that it has seen.';

create function personal.touch_monitor() returns trigger language plpgsql as $$
begin
    if new.personal then
        -- a household's now: at once, and not only when somebody computes
        delete from public.air_day where series_id in (select id from personal.series where device_id = new.id);
        delete from public.air_index_day where device_id = new.id;
    end if;
    insert into personal.touched_monitor (device_id) values (new.id);
    return null;
end $$;
create trigger touch_monitor after update on personal.device for each row
    when (new.family = 'air-monitor'
        and ((old.attributes ->> 'interval') is distinct from (new.attributes ->> 'interval')
            or (old.attributes ->> 'hour_label') is distinct from (new.attributes ->> 'hour_label')
            or old.personal <> new.personal))
    execute function personal.touch_monitor();

-- What came in before there was a record needs no note: those of a family that nobody analysed are all there.

revoke all on public.air_day, public.air_index_day, public.air_record from public;
