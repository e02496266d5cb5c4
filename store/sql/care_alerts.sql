-- open: all that has not ended
select id, tenancy_id, home_id, kind, device_id, since, usual_seconds, noted_at, ended_at, shadow, acknowledged_at,
       acknowledged_by
from personal.quiet_alert where ended_at is null order by id;

-- begin: note one, of a tenancy that still agrees and is not being erased. What was told of within a day and is back is
-- the same one, told of no second time, and counted from now: it was heard, or warm, meanwhile; and so is a spell that
-- ended without movement: who was told of that end, or had answered before it, is told of it as of a new one.
with again as (
    update personal.quiet_alert
    set ended_at = null, since = %(since)s, noted_at = case when since = %(since)s then noted_at else %(now)s end,
        acknowledged_at = case when kind <> 'quiet' then acknowledged_at end,
        acknowledged_by = case when kind <> 'quiet' then acknowledged_by end
    where id = (
        select id from personal.quiet_alert
        where tenancy_id = %(tenancy)s and kind = %(kind)s and device_id = %(device)s and ended_at is not null
          and (since = %(since)s or kind <> 'quiet' and ended_at > %(back)s and not exists (
              select from personal.alert_notice n join personal.message m on m.id = n.message_id
              where n.alert_id = personal.quiet_alert.id and m.state = 'withheld'
          ))
        order by (since = %(since)s) desc, id desc limit 1
    )
    returning id
), told as (
    delete from personal.alert_notice n using again a
    where n.alert_id = a.id and exists (
        select from personal.alert_notice e where e.alert_id = a.id and e.link_id = n.link_id and e.way = 'ended'
    )
), new as (
    insert into personal.quiet_alert (tenancy_id, home_id, kind, device_id, since, usual_seconds, noted_at, shadow)
    select t.id, t.home_id, %(kind)s, %(device)s, %(since)s, %(usual)s, %(now)s, not exists (
        select from personal.care_link l
        where l.tenancy_id = t.id and l.account_id is not null and l.withdrawn_at is null
    )
    from personal.tenancy t
    where t.id = %(tenancy)s and not exists (select from again)
      and exists (
          select from personal.consent k where k.tenancy_id = t.id and k.purpose = 'care' and k.withdrawn_at is null
      )
    for key share of t skip locked
    on conflict do nothing
    returning id
)
select id from new union all select id from again;

-- end: it is over
update personal.quiet_alert set ended_at = greatest(%(now)s, noted_at) where id = %(id)s and ended_at is null returning id;

-- unshadow: a spell that lasts as the first carer is linked is told like any other
update personal.quiet_alert q set shadow = false
where q.shadow and q.ended_at is null and exists (
    select from personal.care_link l
    where l.tenancy_id = q.tenancy_id and l.account_id is not null and l.withdrawn_at is null
);

-- untold: what may have to be told: nobody has answered who is a carer still, or its end was not told
select q.id
from personal.quiet_alert q
where not q.shadow
  and (q.ended_at is null and not exists (
           select from personal.care_link l where l.id = q.acknowledged_by and l.withdrawn_at is null
       )
       or q.ended_at > %(recent)s and q.kind = 'quiet' and exists (
           select from personal.alert_notice b
           where b.alert_id = q.id and b.way = 'begun' and not exists (
               select from personal.alert_notice e
               where e.alert_id = b.alert_id and e.link_id = b.link_id and e.way = 'ended'
           )
       ))
order by q.id;

-- lock: one alert, before its links: nobody answers it or ends it meanwhile. The answer of who is no carer any more is
-- none.
select q.id, q.tenancy_id, q.home_id, q.kind, q.device_id, q.since, q.usual_seconds, q.noted_at, q.ended_at, q.shadow,
       case when a.id is not null then q.acknowledged_at end, a.id
from personal.quiet_alert q
left join personal.care_link a on a.id = q.acknowledged_by and a.withdrawn_at is null
where q.id = %(id)s for update of q;

-- chain: the carers of its home in the order in which they are told. Who withdraws one waits for the commit, and then
-- finds the message.
select l.id, l.contact_id, b.noted_at, m.state, m.void is not null, e.noted_at
from personal.care_link l
left join personal.alert_notice b on b.alert_id = %(id)s and b.link_id = l.id and b.way = 'begun'
left join personal.message m on m.id = b.message_id
left join personal.alert_notice e on e.alert_id = %(id)s and e.link_id = l.id and e.way = 'ended'
where l.tenancy_id = %(tenancy)s and l.account_id is not null and l.withdrawn_at is null
order by l.rank
for share of l;

-- note: a carer was told
insert into personal.alert_notice (alert_id, link_id, way, noted_at, message_id)
values (%(id)s, %(link)s, %(way)s, %(now)s, %(message)s)
on conflict (alert_id, link_id, way) do update set noted_at = excluded.noted_at, message_id = excluded.message_id;

-- origin: whether an alert's home is real: one simulated sensor among its own makes it simulated
select case when bool_or(d.origin = 'simulated') then 'simulated' else 'real' end
from personal.home_sensor s join personal.device d on d.id = s.device_id
where s.home_id = %(home)s and s.from_day <= %(day)s and (s.to_day is null or s.to_day > %(day)s);

-- acknowledge: the first carer who answers, of those who are one still; of a link that counts
update personal.quiet_alert q set acknowledged_at = greatest(%(now)s, q.noted_at), acknowledged_by = l.id
from personal.care_link l
where q.id = %(id)s and q.ended_at is null and not q.shadow
  and not exists (select from personal.care_link a where a.id = q.acknowledged_by and a.withdrawn_at is null)
  and l.id = %(link)s and l.tenancy_id = q.tenancy_id and l.withdrawn_at is null and l.account_id is not null
returning q.id;

-- told: messages that tell that an alert began
select message_id from personal.alert_notice
where alert_id = %(id)s and way = 'begun' and message_id is not null order by message_id;

-- ends: messages that tell a link that an alert ended
select m.id from personal.alert_notice n join personal.message m on m.id = n.message_id
where n.link_id = %(link)s and n.way = 'ended' and m.state in ('waiting', 'sending') order by m.id;

-- of_tenancy: what was noted of a home since an instant, and who answered, the newest first
select q.id, q.tenancy_id, q.home_id, q.kind, q.device_id, q.since, q.usual_seconds, q.noted_at, q.ended_at, q.shadow,
       case when q.ended_at is not null or a.withdrawn_at is null and a.id is not null then q.acknowledged_at end,
       q.acknowledged_by, a.carer, coalesce(nullif(s.room, ''), d.attributes ->> 'room', ''),
       (select count(*) from personal.alert_notice n where n.alert_id = q.id and n.way = 'begun')
from personal.quiet_alert q
left join personal.care_link a on a.id = q.acknowledged_by
left join personal.device d on d.id = q.device_id
left join lateral (
    select s.room from personal.home_sensor s
    where s.device_id = q.device_id and s.home_id = q.home_id order by s.from_day desc limit 1
) s on true
where q.tenancy_id = %(tenancy)s and (q.ended_at is null or q.ended_at >= %(since)s)
order by q.noted_at desc, q.id desc
limit %(most)s;

-- gateway: one that is not heard
insert into personal.movement_gateway as g (gateway, homes, since, noted_at)
values (%(gateway)s, %(homes)s, %(since)s, %(now)s)
on conflict (gateway) do update
set homes = excluded.homes, back_at = null,
    since = case when g.back_at is null then least(g.since, excluded.since) else excluded.since end,
    noted_at = case when g.back_at is null then g.noted_at else excluded.noted_at end;

-- gateways_back: those that are heard again, or have no homes any more
update personal.movement_gateway set back_at = %(now)s where back_at is null and gateway <> all(%(gateways)s::text[]);

-- gateways_over: those that are heard again for days
delete from personal.movement_gateway where back_at < %(before)s;

-- back: when homes that were not heard were heard again, by themselves or with their gateway; now where they are not yet.
-- What came late fills the gap: it ends with the first reading after it, whenever that came.
select q.tenancy_id, null, max(coalesce(f.time, %(now)s))
from personal.quiet_alert q
left join lateral (
    select min(n.time) as time
    from personal.home_sensor s
    join personal.series e on e.device_id = s.device_id
    cross join lateral (
        select r.time from public.reading r
        where r.series_id = e.id and r.time > greatest(q.since, s.from_day::timestamp at time zone %(zone)s)
          and r.time <= %(now)s order by r.time limit 1
    ) n
    -- what a sensor said in another home, before or after it hung in this one, says nothing of this one
    where s.home_id = q.home_id and (s.to_day is null or s.to_day > %(day)s)
) f on true
where q.kind = 'silent' and q.device_id = '' and coalesce(q.ended_at, %(now)s) > %(after)s
group by q.tenancy_id
union all
select null, g.gateway, coalesce(f.time, %(now)s)
from personal.movement_gateway g
left join lateral (
    select min(n.time) as time
    from personal.device d
    join personal.series e on e.device_id = d.id
    cross join lateral (
        select r.time from public.reading r
        where r.series_id = e.id and r.time > g.since and r.time <= %(now)s order by r.time limit 1
    ) n
    where d.family = 'movement-sensor' and d.attributes ->> 'gateway' = g.gateway
) f on true;

-- gateways: those that are not heard
select gateway, homes, since from personal.movement_gateway where back_at is null order by gateway;

-- forget: alerts that ended before an instant, and links and codes that are long over
delete from personal.quiet_alert where ended_at < %(before)s;

-- forget_links: carers that were withdrawn before an instant and of whom nothing else tells
delete from personal.care_link l
where l.withdrawn_at < %(before)s
  and not exists (select from personal.alert_notice n where n.link_id = l.id)
  and not exists (select from personal.quiet_alert q where q.acknowledged_by = l.id);

-- forget_contacts: addresses of people who signed in that no link has named for a month: of former carers, also of homes
-- that are erased, and those that were never confirmed. Nothing else writes to an account.
delete from personal.contact c
where c.channel = 'email' and c.account_id is not null and c.tenancy_id is null and c.made_at < %(month)s
  and not exists (
      select from personal.care_link l
      where l.contact_id = c.id and (l.withdrawn_at is null or l.withdrawn_at >= %(month)s)
  )
  and not exists (
      select from personal.care_code k where k.contact_id = c.id and k.used_at is null and k.expires_at > %(now)s
  );

-- forget_codes: codes that opened or open nothing any more
delete from personal.care_code where expires_at < %(now)s or used_at < %(now)s;

-- counts: homes with sensors, those that agree, those with a carer; alerts since an instant by kind and whether told
select (select count(distinct home_id) from personal.home_sensor
        where from_day <= %(day)s and (to_day is null or to_day > %(day)s)),
       (select count(*) from personal.consent where purpose = 'care' and withdrawn_at is null),
       (select count(distinct tenancy_id) from personal.care_link where account_id is not null and withdrawn_at is null),
       (select count(*) from personal.quiet_alert where noted_at >= %(since)s and kind = 'quiet' and not shadow),
       (select count(*) from personal.quiet_alert where noted_at >= %(since)s and kind = 'quiet' and shadow),
       (select count(*) from personal.quiet_alert where noted_at >= %(since)s and kind = 'silent');
