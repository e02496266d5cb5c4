-- hold: a household whose ways change; nobody tells it something meanwhile
select id from personal.tenancy where id = %(tenancy)s for no key update;

-- stop: by every way that there is
insert into personal.contact_stop (contact_id, kind, thread, stopped_at)
select id, 'nudge', '', %(at)s from personal.contact where tenancy_id = %(tenancy)s
on conflict do nothing;

-- start: it is wanted again, by every way
delete from personal.contact_stop s using personal.contact c
where c.id = s.contact_id and c.tenancy_id = %(tenancy)s and s.kind = 'nudge';

-- stopped: since when a household wants none; no row: it does not say so
select min(s.stopped_at) from personal.contact c join personal.contact_stop s on s.contact_id = c.id
where c.tenancy_id = %(tenancy)s and s.kind = 'nudge' and s.thread = '' having count(*) > 0;

-- of_tenancy: by which ways it is told, or asked to be
select w.channel, c.address, w.asked_at, w.confirmed_at, w.code_until, c.bounced_at is not null
from personal.nudge_way w join personal.contact c on c.id = w.contact_id
where w.tenancy_id = %(tenancy)s order by w.channel;

-- reached: contacts that a household is told by, beside its page
select w.channel, w.contact_id
from personal.nudge_way w join personal.contact c on c.id = w.contact_id
where w.tenancy_id = %(tenancy)s and w.confirmed_at is not null and c.bounced_at is null
  and (w.channel = 'letter' or c.confirmed_at is not null)
order by w.channel;

-- ask: an address, with a code that shows that it is theirs, in place of another
insert into personal.nudge_way as w (tenancy_id, channel, contact_id, asked_at, code, code_until)
values (%(tenancy)s, 'email', %(contact)s, %(now)s, %(code)s, %(until)s)
on conflict (tenancy_id, channel) do update
set contact_id = excluded.contact_id, asked_at = excluded.asked_at, code = excluded.code,
    code_until = excluded.code_until, tries = 0, confirmed_at = null;

-- try_again: who types an address again, of which a relay said that there is no such mailbox, is sent a code there
update personal.contact set bounced_at = null, bounce = null where id = %(contact)s and bounced_at is not null;

-- unused: contacts of a household's addresses for nudges that none is any more
delete from personal.contact c
where c.tenancy_id = %(tenancy)s and c.channel = 'email' and c.id = any(%(contacts)s::int8[])
  and not exists (select from personal.nudge_way w where w.contact_id = c.id)
  and not exists (select from personal.message m where m.contact_id = c.id and m.kind = 'complaint');

-- contact: of the way by e-mail
select contact_id from personal.nudge_way where tenancy_id = %(tenancy)s and channel = %(channel)s;

-- enter: a code; after a few wrong ones none is right
update personal.nudge_way
set tries = case when code = %(code)s then tries else tries + 1 end,
    confirmed_at = case when code = %(code)s then %(now)s else confirmed_at end,
    code_until = case when code = %(code)s then null else code_until end,
    code = case when code = %(code)s then null else code end
where tenancy_id = %(tenancy)s and channel = 'email' and code is not null and code_until > %(now)s
  and tries < %(most)s
returning confirmed_at = %(now)s, contact_id;

-- letter: it wants letters
insert into personal.nudge_way (tenancy_id, channel, contact_id, asked_at, confirmed_at)
values (%(tenancy)s, 'letter', %(contact)s, %(now)s, %(now)s)
on conflict (tenancy_id, channel) do nothing;

-- drop: a way is wanted no more
delete from personal.nudge_way where tenancy_id = %(tenancy)s and channel = %(channel)s returning contact_id;
