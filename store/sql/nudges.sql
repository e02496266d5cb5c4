-- months: of which all fuels are settled and that ended after a day, the newest first
select from_day, max(to_day) from personal.comparison_run
where kind = 'month'
group by from_day having bool_and(settled_at is not null) and max(to_day) between %(since)s and %(today)s
order by from_day desc;

-- due: tenancies that a month may be told to, by number, with what else decides
select t.id, t.home_id, o.simulated,
       (select max(n.from_day) from personal.nudge n where n.tenancy_id = t.id and n.kind = 'help'),
       m.trial_id, m.arm, r.begins, r.fuel, m.withdrew_on is not null
from personal.tenancy t
cross join lateral (
    select coalesce(bool_or(d.origin = 'simulated'), false) as simulated
    from personal.home_meter h join personal.device d on d.id = h.device_id
    where h.home_id = t.home_id and daterange(h.from_day, h.to_day) && daterange(%(from_day)s, %(to_day)s)
) o
left join personal.trial_member m on m.tenancy_id = t.id and m.running
left join personal.trial r on r.id = m.trial_id
where t.id > %(after)s
  and (%(tenancies)s::int8[] is null or t.id = any(%(tenancies)s::int8[]))
  and t.from_day <= %(from_day)s and (t.to_day is null or t.to_day > %(today)s)
  and (%(demo)s or not o.simulated)
  and exists (
      select from personal.consent c
      where c.tenancy_id = t.id and c.purpose = 'messages' and c.given_at <= %(now)s and c.withdrawn_at is null
  )
  -- who never agreed to be compared has no row to be told of; who agreed while it was made may have withdrawn since
  and not exists (
      select from personal.consent c where c.tenancy_id = t.id and c.purpose = 'comparison'
      having count(*) > 0 and count(*) filter (where c.withdrawn_at is null) = 0
  )
  and exists (
      select from personal.comparison c
      where c.tenancy_id = t.id and c.kind = 'month' and c.from_day = %(from_day)s and c.own is not null
  )
  and not exists (
      select from personal.nudge n
      where n.tenancy_id = t.id and (n.from_day >= %(from_day)s or n.made_at > %(since)s)
  )
  and not exists (
      select from personal.contact c join personal.contact_stop s on s.contact_id = c.id
      where c.tenancy_id = t.id and s.kind = 'nudge' and s.thread = ''
  )
order by t.id
limit %(limit)s;

-- hold: nobody stops, withdraws or is told of these until the transaction ends; who is being erased is left out
select id from personal.tenancy where id = any(%(tenancies)s::int8[]) order by id for no key update skip locked;

-- put: a nudge as it is told; the second of a household and month does nothing
insert into personal.nudge
    (tenancy_id, kind, from_day, to_day, fuel, facts, subject, text, html, actions, made_at, trial_id, arm)
values (%(tenancy)s, %(kind)s, %(from_day)s, %(to_day)s, %(fuel)s, %(facts)s, %(subject)s, %(text)s, %(html)s,
        %(actions)s, %(now)s, %(trial)s, %(arm)s)
on conflict (tenancy_id, from_day) do nothing
returning id;

-- told: by which messages, and how a correction finds it
update personal.nudge set messages = %(messages)s, publication_id = %(publication)s where id = %(id)s;

-- of_tenancy: what a household was told, the newest first
select id, tenancy_id, kind, from_day, to_day, fuel, facts, subject, text, html, actions, made_at, messages, trial_id, arm
from personal.nudge
where tenancy_id = %(tenancy)s and kind = any(%(kinds)s::text[]) and (%(below)s::int8 is null or id < %(below)s::int8)
order by id desc limit %(limit)s;

-- member: the running trial that a household is in, and whether it has left it: is studied no more, or moved out
select m.arm, r.begins, m.withdrew_on is not null or coalesce(t.to_day <= %(today)s, false)
from personal.trial_member m join personal.trial r on r.id = m.trial_id join personal.tenancy t on t.id = m.tenancy_id
where m.tenancy_id = %(tenancy)s and m.running;

-- hidden: messages of what a household may not see now
select unnest(n.messages) from personal.nudge n
where n.tenancy_id = %(tenancy)s and not n.kind = any(%(kinds)s::text[]);

-- open: messages that are not sent yet, with what decides whether they may go
select o.id, n.kind, m.arm, r.begins, m.withdrew_on is not null, exists (
    select from personal.consent c where c.tenancy_id = n.tenancy_id and c.purpose = 'comparison'
    having count(*) > 0 and count(*) filter (where c.withdrawn_at is null) = 0)
from (
    -- each by the index of its state
    select id, tenancy_id from personal.message where kind = 'nudge' and state = 'waiting'
    union all
    select id, tenancy_id from personal.message where kind = 'nudge' and state = 'sending' and handed_at is null
) o
join personal.nudge n on n.tenancy_id = o.tenancy_id and o.id = any(n.messages)
left join personal.trial_member m on m.tenancy_id = n.tenancy_id and m.running
left join personal.trial r on r.id = m.trial_id;

-- sent: the same of some messages, whatever became of them
select o.id, n.kind, m.arm, r.begins, m.withdrew_on is not null, exists (
    select from personal.consent c where c.tenancy_id = n.tenancy_id and c.purpose = 'comparison'
    having count(*) > 0 and count(*) filter (where c.withdrawn_at is null) = 0)
from personal.message o
join personal.nudge n on n.tenancy_id = o.tenancy_id and o.id = any(n.messages)
left join personal.trial_member m on m.tenancy_id = n.tenancy_id and m.running
left join personal.trial r on r.id = m.trial_id
where o.kind = 'nudge' and o.id = any(%(messages)s::int8[]);

-- one: a nudge by its number
select id, tenancy_id, kind, from_day, to_day, fuel, facts, subject, text, html, actions, made_at, messages, trial_id, arm
from personal.nudge where id = %(id)s;

-- of_month: what a home's households were told of a month
select n.id, n.tenancy_id, n.kind, n.from_day, n.to_day, n.fuel, n.facts, n.subject, n.text, n.html, n.actions, n.made_at,
       n.messages, n.trial_id, n.arm
from personal.nudge n join personal.tenancy t on t.id = n.tenancy_id
where t.home_id = %(home)s and n.from_day = %(from_day)s order by n.id;

-- messages: what became of them
select m.id, c.channel, m.state, m.reason, m.due_at, m.settled_at
from personal.message m join personal.contact c on c.id = m.contact_id
where m.id = any(%(messages)s::int8[]) order by m.id;

-- counts: nudges of a month by kind
select kind, count(*) from personal.nudge where from_day = %(from_day)s group by kind order by kind;

-- others: tenancies that live in a home with a use of a month, by what keeps a nudge of it from them in any case
select case
    when not exists (select from personal.consent c where c.tenancy_id = t.id and c.purpose = 'messages'
                     and c.given_at <= %(now)s and c.withdrawn_at is null) then 'no agreement to messages'
    when exists (select from personal.consent c where c.tenancy_id = t.id and c.purpose = 'comparison'
                 having count(*) > 0 and count(*) filter (where c.withdrawn_at is null) = 0)
        then 'withdrew the agreement to be compared'
    when t.to_day <= %(today)s then 'moved out'
    when t.from_day > %(from_day)s then 'moved in later'
    when exists (select from personal.contact c join personal.contact_stop s on s.contact_id = c.id
                 where c.tenancy_id = t.id and s.kind = 'nudge' and s.thread = '') then 'stopped'
    when exists (select from personal.nudge n where n.tenancy_id = t.id and n.from_day = %(from_day)s) then 'told'
    when exists (select from personal.nudge n where n.tenancy_id = t.id and n.from_day > %(from_day)s)
        then 'told of a later month'
    when exists (select from personal.nudge n where n.tenancy_id = t.id and n.made_at > %(since)s) then 'told too recently'
    else 'simulated among real'
end as why, count(*)
from personal.tenancy t
where exists (select from personal.comparison c
              where c.tenancy_id = t.id and c.kind = 'month' and c.from_day = %(from_day)s and c.own is not null)
  and not (t.id = any(%(due)s::int8[]))
group by 1 order by 2 desc, 1;
