-- enter: a number that nobody has
select pg_try_advisory_lock(%(space)s::int4, %(number)s::int4);

-- alone: one at a time, until the connection ends
select pg_try_advisory_lock(%(lock)s);

-- recover: what workers had that are gone; whose last dot may have been sent is never sent again by itself
update personal.message m
set state = case when m.handed_at is null then 'waiting' else 'perhaps' end,
    reason = case when m.handed_at is null then m.reason
                  else 'handed to the relay, and its answer was not noted' end,
    settled_at = case when m.handed_at is null then null else %(now)s::timestamptz end,
    worker = null
where m.id in (
    select s.id from personal.message s
    where s.state = 'sending' and not exists (
        select from pg_locks l
        where l.locktype = 'advisory' and l.granted and l.objsubid = 2
          and l.database = (select oid from pg_database where datname = current_database())
          and l.classid = %(space)s::int8::oid and l.objid = s.worker::int8::oid)
    for update skip locked)
returning m.state;

-- expire: what waited too long
update personal.message set state = 'expired', settled_at = %(now)s,
    reason = coalesce('not taken in time: ' || reason, 'not taken in time')
where id in (select id from personal.message where state = 'waiting' and expires_at <= %(now)s
             for update skip locked);

-- due: whether a channel has something to do
select from personal.message m join personal.contact c on c.id = m.contact_id
where m.state = 'waiting' and m.urgency in (0, 1) and m.next_at <= %(now)s and c.channel = %(channel)s
limit 1;

-- taking: one at a time looks what is due
select pg_advisory_xact_lock(%(lock)s);

-- candidates: what is due of an urgency, the oldest first, with what is to be known of whom it goes to
select m.id, m.key, m.contact_id, m.kind, m.thread, m.origin, m.subject, m.text, m.html, m.expires_at, m.tries,
       c.channel, c.address, c.origin, c.confirmed_at is not null, c.bounced_at is not null,
       exists (select from personal.contact_stop s
               where s.contact_id = m.contact_id and s.kind = m.kind and s.thread in ('', m.thread)),
       case when c.tenancy_id is null then null else exists (
           select from personal.consent n
           where n.tenancy_id = c.tenancy_id and n.purpose = 'messages' and n.withdrawn_at is null)
           and (c.channel <> 'letter' or (select t.letters from personal.tenancy t where t.id = c.tenancy_id)) end,
       (select t.to_day is null or t.to_day > %(today)s from personal.tenancy t where t.id = c.tenancy_id),
       (select count(*) from personal.contact o
        join personal.message r on r.contact_id = o.id and r.kind = m.kind
        where (o.id = c.id or lower(o.address) = lower(c.address)) and r.id <> m.id
          and (r.state in ('sent', 'perhaps') and r.settled_at > %(since)s or r.state = 'sending'))
from personal.message m
join personal.contact c on c.id = m.contact_id
where m.state = 'waiting' and m.urgency = %(urgency)s and m.next_at <= %(now)s and c.channel = any(%(channels)s::text[])
order by m.next_at, m.id
limit %(limit)s
for update of m skip locked;

-- taken: a worker has them
update personal.message set state = 'sending', worker = %(worker)s, handed_at = null
where id = any(%(messages)s::int8[]);

-- decided: what becomes of one that is not handed to a relay
update personal.message
set state = %(state)s, reason = coalesce(%(reason)s, reason),
    next_at = coalesce(%(at)s::timestamptz, next_at),
    settled_at = case when %(state)s = 'waiting' then null else %(now)s::timestamptz end
where id = %(id)s;

-- links: what links stop, of messages that are still there
insert into personal.stop_token (token, contact_id, tenancy_id, kind, thread, made_at)
select given.token, m.contact_id, m.tenancy_id, m.kind, m.thread, %(now)s
from unnest(%(tokens)s::bytea[], %(messages)s::int8[]) as given (token, message)
join personal.message m on m.id = given.message
for key share of m skip locked;

-- hand: the last dot is about to be sent
update personal.message m set handed_at = %(now)s
where m.id = %(id)s and m.state = 'sending' and m.worker = %(worker)s and m.expires_at > %(now)s
  and not exists (select from personal.contact_stop s
                  where s.contact_id = m.contact_id and s.kind = m.kind and s.thread in ('', m.thread))
  and (not %(agreed)s::boolean or exists (
      select from personal.contact c
      join personal.consent n on n.tenancy_id = c.tenancy_id and n.purpose = 'messages' and n.withdrawn_at is null
      where c.id = m.contact_id));

-- settle: how it ended
with done as (
    update personal.message
    set state = %(state)s, settled_at = %(now)s, worker = null, tries = tries + 1,
        handed_at = case when %(state)s = 'failed' then null else handed_at end,
        text = case when %(state)s = 'sent' and kind = any(%(secret)s::text[]) then %(cut)s else text end,
        html = case when %(state)s = 'sent' and kind = any(%(secret)s::text[]) then null else html end,
        reason = case when %(state)s = 'sent' then null else %(answer)s end
    where id = %(id)s and (state = 'sending' and worker = %(worker)s
                           or state = 'perhaps' and handed_at = %(handed)s::timestamptz)
    returning id, tries
)
insert into personal.message_attempt (message_id, number, at, stage, code, enhanced, answer)
select id, tries, %(now)s, %(stage)s, %(code)s, %(enhanced)s, %(answer)s from done;

-- bounced: there is no such mailbox
update personal.contact set bounced_at = %(now)s, bounce = %(answer)s
where id = (select contact_id from personal.message where id = %(id)s) and bounced_at is null;

-- again: it is tried again
with done as (
    update personal.message
    set state = 'waiting', worker = null, handed_at = null, settled_at = null, tries = tries + 1,
        reason = %(answer)s, next_at = %(at)s
    where id = %(id)s and (state = 'sending' and worker = %(worker)s
                           or state = 'perhaps' and handed_at = %(handed)s::timestamptz)
    returning id, tries
)
insert into personal.message_attempt (message_id, number, at, stage, code, enhanced, answer)
select id, tries, %(now)s, %(stage)s, %(code)s, %(enhanced)s, %(answer)s from done;

-- give_back: what was not begun
update personal.message set state = 'waiting', worker = null, handed_at = null
where id = any(%(messages)s::int8[]) and state = 'sending' and worker = %(worker)s and handed_at is null;

-- relay_well: it let us in
insert into public.relay as r (looked_at, taken_at) values (%(now)s, %(now)s)
on conflict (one) do update set looked_at = %(now)s, taken_at = %(now)s, failing_since = null, problem = null
where r.failing_since is not null or r.looked_at < %(now)s::timestamptz - interval '10 seconds';

-- relay_ill: it did not
insert into public.relay as r (looked_at, failing_since, problem) values (%(now)s, %(now)s, %(problem)s)
on conflict (one) do update set looked_at = %(now)s, failing_since = coalesce(r.failing_since, %(now)s),
    problem = %(problem)s;
