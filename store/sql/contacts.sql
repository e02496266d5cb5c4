-- put: a contact, made where it is new, of a tenancy and an account that are still there
with tenancy as (
    select id from personal.tenancy where id = %(tenancy)s::bigint for key share skip locked
), account as (
    select id from personal.account where id = %(account)s::bigint for key share skip locked
)
insert into personal.contact as c (channel, address, origin, tenancy_id, account_id, confirmed_at)
select %(channel)s, %(address)s, %(origin)s, %(tenancy)s::bigint, %(account)s::bigint, %(confirmed_at)s::timestamptz
where (%(tenancy)s::bigint is null or exists (select from tenancy))
  and (%(account)s::bigint is null or exists (select from account))
on conflict (channel, lower(coalesce(address, '')), origin, coalesce(tenancy_id, 0), coalesce(account_id, 0))
do update set confirmed_at = coalesce(c.confirmed_at, excluded.confirmed_at)
returning id;

-- confirm: the address is the person's
update personal.contact set confirmed_at = %(at)s where id = %(id)s and confirmed_at is null;

-- forget: a contact with all that hangs on it
delete from personal.contact where id = %(id)s;

-- household: of whom a contact is; nobody tells it something meanwhile
select t.id from personal.contact c join personal.tenancy t on t.id = c.tenancy_id
where c.id = %(contact)s for no key update of t;

-- stop: nothing of a kind, or of a thread, is wanted
insert into personal.contact_stop (contact_id, kind, thread, stopped_at)
select id, %(kind)s, %(thread)s, %(at)s from personal.contact where id = %(contact)s for key share skip locked
on conflict do nothing;

-- stop_household: by no way of the household
insert into personal.contact_stop (contact_id, kind, thread, stopped_at)
select c.id, %(kind)s, '', %(at)s from personal.contact c where c.tenancy_id = %(tenancy)s
on conflict do nothing;

-- start: it is wanted again
delete from personal.contact_stop where contact_id = %(contact)s and kind = %(kind)s and thread = %(thread)s;

-- start_household: by every way of the household
delete from personal.contact_stop s using personal.contact c
where c.id = s.contact_id and c.tenancy_id = %(tenancy)s and s.kind = %(kind)s and s.thread = '';

-- stopped: whether a kind, or a thread of it, is stopped
select from personal.contact_stop
where contact_id = %(contact)s and kind = %(kind)s and thread in ('', %(thread)s)
limit 1;

-- by_token: what a link stops, and whether it has
select t.contact_id, t.kind, t.thread, exists (
    select from personal.contact_stop s
    where s.contact_id = t.contact_id and s.kind = t.kind and s.thread in ('', t.thread))
from personal.stop_token t
where t.token = %(token)s;
