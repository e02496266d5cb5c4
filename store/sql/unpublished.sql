-- known: what is known of periods, as long as the setting is the same and nobody was erased since
select kind, from_day, fuel, waits from personal.unpublished_period
where homes_left > 0 and coverage = %s and tombstone = (select coalesce(max(changed), 0) from personal.tombstone);

-- spans: of which days and fuels changes are counted
select kind, from_day, to_day, fuel, waits from personal.unpublished_period;

-- keep: a period was looked at
insert into personal.unpublished_period (kind, from_day, to_day, fuel, waits, homes_left, coverage, tombstone)
values (%s, %s, %s, %s, %s, %s, %s, (select coalesce(max(changed), 0) from personal.tombstone))
on conflict (kind, from_day, fuel) do update set
    waits = excluded.waits, homes_left = excluded.homes_left, coverage = excluded.coverage,
    tombstone = excluded.tombstone;

-- count_down: so many homes changed in a period; what is long 0 stays there
update personal.unpublished_period set homes_left = greatest(homes_left - %s, 0)
where kind = %s and from_day = %s and fuel = %s;

-- published: a period is no longer one of these
delete from personal.unpublished_period where kind = %s and from_day = %s and fuel = %s;
