-- hold: until the transaction ends nobody else computes or erases daily use
select pg_advisory_xact_lock(-5148271906531807);

-- read_month: one month of all homes as the bytes of three arrays
select string_agg(int8send(d.home_id), ''::bytea), string_agg(d.watt_hours, ''::bytea),
       string_agg(d.minutes, ''::bytea)
from (select home_id, watt_hours, minutes from personal.daily_use where fuel = %s and month = %s order by home_id) d;

-- read_month_of: one month of some homes as the bytes of three arrays
select string_agg(int8send(d.home_id), ''::bytea), string_agg(d.watt_hours, ''::bytea),
       string_agg(d.minutes, ''::bytea)
from (
    select home_id, watt_hours, minutes from personal.daily_use
    where fuel = %s and month = %s and home_id = any(%s::int8[]) order by home_id
) d;

-- months: the first month and the last that some homes have use in
select min(month), max(month) from personal.daily_use where home_id = any(%s::int8[]);

-- copy_month: new rows straight into the table
copy personal.daily_use (fuel, month, home_id, watt_hours, minutes) from stdin (format binary);

-- make_stage: where changed rows wait
create temporary table if not exists daily_stage (
    fuel text not null, month date not null, home_id bigint not null, watt_hours bytea not null, minutes bytea not null
) on commit delete rows;

-- empty_stage: for the next month
delete from pg_temp.daily_stage;

-- copy_stage: changed rows into the stage
copy pg_temp.daily_stage (fuel, month, home_id, watt_hours, minutes) from stdin (format binary);

-- merge_stage: from the stage into the table
insert into personal.daily_use (fuel, month, home_id, watt_hours, minutes)
select fuel, month, home_id, watt_hours, minutes from pg_temp.daily_stage order by fuel, month, home_id
on conflict (fuel, month, home_id) do update set watt_hours = excluded.watt_hours, minutes = excluded.minutes;

-- touched_homes: the homes whose days must all be computed again
select id, home_id from personal.touched_home order by id;

-- forget_homes: what was seen of them and is computed now
delete from personal.touched_home where id = any(%s::int8[]);

-- touch_homes: have all days of some homes computed again
insert into personal.touched_home (home_id)
select h.id from personal.home h where h.id = any(%s::int8[]) order by h.id for key share skip locked;

-- fuels: what a home has daily use of in these months
select distinct fuel from personal.daily_use
where fuel = any(%s) and month = any(%s) and home_id = %s

-- zone: of the stored days
select zone from personal.day_zone;

-- keep_zone: of the days that are about to be stored
insert into personal.day_zone (zone) values (%s) on conflict do nothing;

-- change_zone: and have all days of every home computed again
with changed as (
    insert into personal.day_zone (zone) values (%s) on conflict (one) do update set zone = excluded.zone
)
insert into personal.touched_home (home_id) select id from personal.home order by id for key share;
