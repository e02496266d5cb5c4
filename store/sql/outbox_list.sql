-- counts: how many by kind and state, and how old; what was not tried yet is due when its quiet hours are over
select kind, state, count(*),
       min(coalesce(settled_at, case when tries = 0 then greatest(due_at, next_at) else due_at end))
from personal.message
where settled_at is null or settled_at > %(since)s
group by kind, state
order by kind, state;

-- listed: messages, the newest first, without words and addresses
select m.id, m.key, m.kind, c.channel, m.contact_id, m.state, m.reason, m.made_at, m.due_at, m.next_at, m.expires_at,
       m.settled_at, m.tries, m.void
from personal.message m join personal.contact c on c.id = m.contact_id
where (cardinality(%(states)s::text[]) = 0 or m.state = any(%(states)s::text[]))
  and (%(kind)s::text is null or m.kind = %(kind)s::text) and (%(before)s::int8 is null or m.id < %(before)s::int8)
order by m.id desc
limit %(limit)s;

-- one: a message in the same way
select m.id, m.key, m.kind, c.channel, m.contact_id, m.state, m.reason, m.made_at, m.due_at, m.next_at, m.expires_at,
       m.settled_at, m.tries, m.void
from personal.message m join personal.contact c on c.id = m.contact_id
where m.id = %(id)s;

-- attempts: what the relay said of it
select number, at, stage, code, enhanced, answer from personal.message_attempt where message_id = %(id)s order by number;

-- retry: once more, by somebody who decided it
with again as (
    update personal.message
    set state = 'waiting', worker = null, handed_at = null, settled_at = null, next_at = %(now)s,
        due_at = least(due_at, %(now)s::timestamptz),
        expires_at = case when kind = any(%(secret)s::text[]) then expires_at
                          else greatest(expires_at, %(expires_at)s::timestamptz) end
    where id = %(id)s and state <> 'sending' and void is null
      and (kind <> all(%(secret)s::text[]) or state <> 'sent' and expires_at > %(now)s)
    returning id, contact_id
), mailbox as (
    update personal.contact set bounced_at = null, bounce = null
    where id in (select contact_id from again) and bounced_at is not null
)
select from again;

-- late: what should have been handed over
select count(*) from personal.message m join personal.contact c on c.id = m.contact_id
where m.state = 'waiting' and m.next_at < %(before)s and c.channel = 'email';

-- relay: how it was reached last
select looked_at, taken_at, failing_since, problem from public.relay;

-- looked: a cause was looked at without a fault
insert into public.trigger_look (name, looked_at) values (%(name)s, %(now)s)
on conflict (name) do update set looked_at = excluded.looked_at;

-- tried: it was not; what is known of it stays
insert into public.trigger_look (name, looked_at) values (%(name)s, %(now)s) on conflict do nothing;

-- unlooked: causes that nobody has looked at since an instant, where there is somebody to tell: a carer, or whoever
-- confirmed an air alert; '' where none ever was
with person as (
    select min(at) as since from (
        select taken_at as at from personal.care_link where account_id is not null and withdrawn_at is null
        union all
        select confirmed_at from personal.air_subscription where confirmed_at is not null
    ) p
)
select l.name, l.looked_at from public.trigger_look l, person p where p.since is not null and l.looked_at < %(before)s
union all
select '', p.since from person p where p.since < %(before)s and not exists (select from public.trigger_look)
order by 2, 1;

-- forget: what came to its end long ago
delete from personal.message where settled_at < %(before)s;

-- on_page: what stands on a tenancy's page
select m.id, m.settled_at, m.subject, m.text
from personal.message m join personal.contact c on c.id = m.contact_id
where c.tenancy_id = %(tenancy)s and c.channel = 'page' and m.state = 'sent' and not m.id = any(%(hidden)s::int8[])
  and (%(below)s::int8 is null or m.id < %(below)s::int8)
order by m.id desc limit %(limit)s;
