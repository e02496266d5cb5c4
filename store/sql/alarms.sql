-- open: alarms that have not ended, and conditions that have not held for their time
select id, rule, subject, severity, text, mark, seen_at, begun_at, calm_at, ended_at
from public.alarm
where ended_at is null
order by seen_at, id;

-- add: a condition that holds
insert into public.alarm (rule, subject, severity, text, mark, seen_at, begun_at)
values (%(rule)s, %(subject)s, %(severity)s, %(text)s, %(mark)s, %(seen_at)s, %(begun_at)s)
returning id;

-- change: how one stands
update public.alarm
set text = %(text)s, mark = %(mark)s, seen_at = %(seen_at)s, begun_at = %(begun_at)s, calm_at = %(calm_at)s,
    ended_at = %(ended_at)s
where id = %(id)s and (text, mark, seen_at, begun_at, calm_at, ended_at)
    is distinct from (%(text)s, %(mark)s, %(seen_at)s, %(begun_at)s::timestamptz, %(calm_at)s::timestamptz,
                      %(ended_at)s::timestamptz);

-- drop: a condition that went before it was an alarm
delete from public.alarm where id = %s and begun_at is null;

-- note: that an alarm's beginning or end is to be told
insert into public.alarm_notice (alarm_id, event, way, made_at, due_at)
select %(id)s, %(event)s, way, %(now)s, %(now)s from unnest(%(ways)s::text[]) way;

-- note_begun: an alarm's beginning that was told, or tried to be, by this key before it could be noted
insert into public.alarm_notice (alarm_id, event, way, key, made_at, due_at, tries, told_at)
values (%(id)s, 'begun', %(way)s, %(key)s, %(at)s, %(at)s, %(tries)s, %(told_at)s);

-- due: what is to be told by a way; of one alarm the beginning first
select n.alarm_id, n.event, n.key, n.tries, n.made_at, a.rule, a.subject, a.severity, a.text, a.begun_at, a.ended_at
from public.alarm_notice n
join public.alarm a on a.id = n.alarm_id
where n.way = %(way)s and n.due_at <= %(now)s and n.told_at is null and n.given_up_at is null
  and (n.event = 'begun' or not exists (
      select from public.alarm_notice b
      where b.alarm_id = n.alarm_id and b.way = n.way and b.event = 'begun' and b.told_at is null
        and b.given_up_at is null))
order by n.made_at, n.alarm_id, n.event
limit %(limit)s;

-- told: it was told
update public.alarm_notice set told_at = %(at)s, tries = tries + 1, problem = null
where alarm_id = %(id)s and event = %(event)s and way = %(way)s;

-- failed: it was not: again later, or never
update public.alarm_notice
set tries = tries + 1, problem = %(problem)s, due_at = %(due_at)s, given_up_at = %(given_up_at)s
where alarm_id = %(id)s and event = %(event)s and way = %(way)s;

-- give_up: nobody took it, and it is not tried again; why the last try failed stays
update public.alarm_notice set given_up_at = %(at)s, problem = coalesce(problem, %(problem)s)
where alarm_id = %(id)s and event = %(event)s and way = %(way)s;

-- looked: the rules were looked at
insert into public.watch (looked_at) values (%s) on conflict (one) do update set looked_at = excluded.looked_at;

-- looked_at: when they were last
select looked_at from public.watch;

-- history: alarms that began, the newest first, before one of them
select a.id, a.rule, a.subject, a.severity, a.text, a.begun_at, a.ended_at,
    coalesce((select jsonb_agg(jsonb_build_object(
        'event', n.event, 'way', n.way, 'tries', n.tries, 'told_at', n.told_at, 'given_up_at', n.given_up_at,
        'problem', n.problem) order by n.event, n.way)
        from public.alarm_notice n where n.alarm_id = a.id), '[]')
from public.alarm a
where a.begun_at is not null and (%(open)s::boolean is null or (a.ended_at is null) = %(open)s)
  and (%(before)s::int8 is null or a.id < %(before)s)
order by a.id desc
limit %(limit)s;

-- forget: alarms that ended before an instant
delete from public.alarm where ended_at < %s;
