-- ask: a request of somebody who has not too many; whether it was confirmed before
with person as (
    select id from personal.contact
    where id = %(contact)s and tenancy_id is null and account_id is null
    for no key update skip locked
)
insert into personal.air_subscription as s
    (contact_id, place, lon, lat, whole, band, tell_end, token, asked_at)
select p.id, %(place)s, %(lon)s, %(lat)s, %(whole)s, %(band)s, %(tell_end)s, %(token)s, %(now)s
from person p
where (select count(*) from personal.air_subscription o
       where o.contact_id = p.id and (o.place, o.band) <> (%(place)s, %(band)s)) < %(most)s
on conflict (contact_id, place, band) do update set
    token = excluded.token,
    asked_at = case when s.confirmed_at is null then excluded.asked_at else s.asked_at end,
    tell_end = case when s.confirmed_at is null then excluded.tell_end else s.tell_end end
returning s.id, s.confirmed_at is not null;

-- is_area: whether an area has this name
select from public.place where kind = 'area' and name = %s limit 1;

-- by_token: what a link confirms
select id, contact_id, place, lon, lat, whole, band, tell_end, asked_at, confirmed_at
from personal.air_subscription where token = %s;

-- confirm: somebody says that they asked; a second time changes nothing
update personal.air_subscription set confirmed_at = coalesce(confirmed_at, %(now)s) where id = %(id)s
returning contact_id;

-- confirm_contact: the address is theirs
update personal.contact set confirmed_at = %(now)s where id = %(contact)s and confirmed_at is null;

-- start: they want to be told again
delete from personal.contact_stop where contact_id = %s and kind = 'air-alert';

-- contact_by_token: whose link it is, of those that confirmed and those that stop
select contact_id from personal.air_subscription where token = %(token)s and confirmed_at is not null
union
select contact_id from personal.stop_token where token = %(token)s and kind = 'air-alert';

-- new_link: a link that manages somebody's alerts
insert into personal.stop_token (token, contact_id, kind, thread, made_at)
select %(token)s, s.contact_id, 'air-alert', '', %(now)s from personal.air_subscription s
where s.contact_id = %(contact)s limit 1
returning token;

-- contact: an address, since when, whether it was confirmed, stopped or refused
select c.address, c.made_at, c.confirmed_at,
    (select stopped_at from personal.contact_stop s
     where s.contact_id = c.id and s.kind = 'air-alert' and s.thread = ''), c.bounce
from personal.contact c
where c.id = %s and exists (select from personal.air_subscription a where a.contact_id = c.id);

-- of_contact: what somebody asked for
select id, contact_id, place, lon, lat, whole, band, tell_end, asked_at, confirmed_at
from personal.air_subscription where contact_id = %s order by lower(place), band;

-- messages: what was sent to somebody, the newest first
select made_at, subject, state, text from personal.message
where contact_id = %s and kind = any(%s) order by made_at desc, id desc;

-- stop: one that somebody wants no more
delete from personal.air_subscription where id = %(id)s and contact_id = %(contact)s returning id;

-- any: whether somebody has one left
select from personal.air_subscription where contact_id = %s limit 1;

-- lock: from here on whoever would add something to a contact does not (`skip locked`)
select from personal.contact where id = %(contact)s for update;

-- erase_subscriptions: with their episodes
delete from personal.air_subscription where contact_id = %(contact)s;

-- erase_messages: what was sent
delete from personal.message where contact_id = %(contact)s and kind = any(%(kinds)s);

-- erase_stops: that it was stopped
delete from personal.contact_stop where contact_id = %(contact)s and kind = any(%(kinds)s);

-- erase_tokens: links of messages
delete from personal.stop_token where contact_id = %(contact)s and kind = any(%(kinds)s);

-- erase_contact: the address, where it is known for nothing else
delete from personal.contact c
where c.id = %(contact)s and c.tenancy_id is null and c.account_id is null
  and not exists (select from personal.message m where m.contact_id = c.id);

-- forget_episodes: old ones
delete from personal.air_episode where noted_at < %s and end_hour is not null;

-- forget_unconfirmed: requests that nobody confirmed
delete from personal.air_subscription where confirmed_at is null and asked_at < %s;

-- ended: contacts of air alerts alone that have none any more, stopped them or have no mailbox since an instant
select c.id
from personal.contact c
where c.tenancy_id is null and c.account_id is null
  and (exists (select from personal.message m where m.contact_id = c.id and m.kind = any(%(kinds)s))
       or c.made_at < %(orphaned)s)
  and not exists (select from personal.message m where m.contact_id = c.id and m.kind <> all(%(kinds)s))
  and (not exists (select from personal.air_subscription s where s.contact_id = c.id)
       or c.bounced_at < %(since)s
       or exists (select from personal.contact_stop o
                  where o.contact_id = c.id and o.kind = 'air-alert' and o.thread = '' and o.stopped_at < %(since)s))
order by c.id;

-- watched: confirmed ones of people who have not stopped and whose mailbox is there
select s.id, s.contact_id, s.place, s.lon, s.lat, s.whole, s.band, s.tell_end, s.asked_at, s.confirmed_at
from personal.air_subscription s
join personal.contact c on c.id = s.contact_id
where s.confirmed_at is not null and c.confirmed_at is not null and c.bounced_at is null and c.origin = %s
  and not exists (select from personal.contact_stop o
                  where o.contact_id = c.id and o.kind = 'air-alert' and o.thread = '')
order by s.contact_id, lower(s.place), s.band;

-- hold: the same of one contact, which nobody erases until the transaction ends
with person as (
    select id from personal.contact where id = %(contact)s and bounced_at is null and confirmed_at is not null
    for no key update skip locked
)
select s.id, s.contact_id, s.place, s.lon, s.lat, s.whole, s.band, s.tell_end, s.asked_at, s.confirmed_at
from person p
join personal.air_subscription s on s.contact_id = p.id
where s.confirmed_at is not null
  and not exists (select from personal.contact_stop o
                  where o.contact_id = p.id and o.kind = 'air-alert' and o.thread = '')
order by lower(s.place), s.band;

-- noted: episodes that go on or ended since an instant
select id, subscription_id, begin_hour, last_hour, end_hour, how, final, highest, seen_hour, told_at, message_id,
    end_told_at
from personal.air_episode
where subscription_id = any(%(subscriptions)s::bigint[])
  and (end_hour is null or greatest(end_hour, last_hour) >= %(since)s)
order by begin_hour, id;

-- add: an episode
insert into personal.air_episode
    (subscription_id, begin_hour, last_hour, end_hour, how, final, highest, seen_hour, noted_at, told_at, message_id,
     end_told_at)
values (%(subscription)s, %(begin)s, %(last)s, %(end)s, %(how)s, %(final)s, %(highest)s, %(seen)s, %(now)s, %(told)s,
    %(message)s, %(end_told)s)
returning id;

-- change: an episode as it is now
update personal.air_episode
set begin_hour = %(begin)s, last_hour = %(last)s, end_hour = %(end)s, how = %(how)s, final = %(final)s,
    highest = %(highest)s, seen_hour = %(seen)s, told_at = %(told)s, message_id = %(message)s,
    end_told_at = %(end_told)s
where id = %(id)s
returning id;

-- withhold: what is not sent yet, where nothing that it tells of goes on
update personal.message m set void = 'it was over before it was sent', settled_at = %(now)s
where m.id = %(message)s and (m.state = 'waiting' or m.state = 'sending' and m.handed_at is null)
  and not exists (select from personal.air_episode e where e.message_id = m.id and e.end_hour is null)
returning m.id;

-- not_told: nobody was told of these
update personal.air_episode set told_at = null, message_id = null, end_told_at = null where message_id = %s;

-- set_tell_end: whether ends are told too
update personal.air_subscription set tell_end = %(wished)s where id = %(id)s and contact_id = %(contact)s;

-- counts: how many there are of each band
select s.band, (count(*) filter (where s.confirmed_at is not null and not o.stopped))::int,
    (count(*) filter (where s.confirmed_at is null))::int,
    (count(*) filter (where s.confirmed_at is not null and o.stopped))::int
from personal.air_subscription s
join personal.contact c on c.id = s.contact_id and c.origin = %s
cross join lateral (
    select exists (select from personal.contact_stop p
                   where p.contact_id = c.id and p.kind = 'air-alert' and p.thread = '') as stopped
) o
group by s.band
order by array_position(array['moderate', 'high', 'very-high'], s.band);
