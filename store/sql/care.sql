-- lock_tenancy: whoever changes a tenancy's carers does so alone; an erasure is waited for, and leaves no row
select t.to_day is null or t.to_day > %(day)s from personal.tenancy t where t.id = %(tenancy)s for no key update;

-- consents: whether a tenancy agrees to the use of its movement sensors at present
select exists (
    select from personal.consent where tenancy_id = %(tenancy)s and purpose = 'care' and withdrawn_at is null
);

-- add_link: a new carer at the end of the order
insert into personal.care_link (tenancy_id, kind, rank, carer, home, named_at)
select %(tenancy)s, %(kind)s, coalesce(max(l.rank), 0) + 1, %(carer)s, %(home)s, %(now)s
from personal.care_link l
where l.tenancy_id = %(tenancy)s and l.withdrawn_at is null
having count(*) < %(most)s
returning id;

-- add_code: what the carer enters; earlier codes of the link are worth nothing any more
with old as (
    delete from personal.care_code where link_id = %(link)s and used_at is null
)
insert into personal.care_code (code, link_id, made_at, expires_at) values (%(code)s, %(link)s, %(now)s, %(expires)s);

-- add_mail_code: what was sent to an address of the carer's, in place of earlier ones
with old as (
    delete from personal.care_code where link_id = %(link)s and contact_id is not null and used_at is null
)
insert into personal.care_code (code, link_id, contact_id, made_at, expires_at)
values (%(code)s, %(link)s, %(contact)s, %(now)s, %(expires)s);

-- use_mail_code: once
update personal.care_code set used_at = %(now)s
where code = %(code)s and link_id = %(link)s and contact_id is not null and expires_at > %(now)s and used_at is null
returning contact_id;

-- mail: where messages of a link go, and what waits for its code
select c.address, w.address, coalesce(c.bounced_at is not null, false), exists (
    select from personal.contact_stop s
    where s.contact_id = c.id and s.kind in ('care-alert', 'care-note') and s.thread in ('', 'care:' || l.id)
)
from personal.care_link l
left join personal.contact c on c.id = l.contact_id and c.channel = 'email'
left join lateral (
    select k.contact_id from personal.care_code k
    where k.link_id = l.id and k.contact_id is not null and k.used_at is null and k.expires_at > %(now)s limit 1
) k on true
left join personal.contact w on w.id = k.contact_id
where l.id = %(link)s and l.withdrawn_at is null;

-- code: the link of a code that is neither used nor over, of a tenancy that still agrees
select l.id, l.tenancy_id
from personal.care_code c
join personal.care_link l on l.id = c.link_id and l.withdrawn_at is null and l.account_id is null
join personal.tenancy t on t.id = l.tenancy_id and (t.to_day is null or t.to_day > %(day)s)
where c.code = %(code)s and c.contact_id is null and c.expires_at > %(now)s and c.used_at is null
  and exists (
      select from personal.consent k
      where k.tenancy_id = l.tenancy_id and k.purpose = 'care' and k.withdrawn_at is null
  )
  -- nobody is their own carer, and one account one carer of a home
  and not exists (select from personal.account a where a.id = %(account)s and a.tenancy_id = l.tenancy_id)
  and not exists (
      select from personal.care_link o
      where o.tenancy_id = l.tenancy_id and o.account_id = %(account)s and o.withdrawn_at is null
  );

-- use_code: once
update personal.care_code set used_at = %(now)s where code = %(code)s and used_at is null returning link_id;

-- take_link: the carer has entered the code
update personal.care_link l set account_id = a.id, taken_at = %(now)s
from personal.account a
where l.id = %(link)s and l.account_id is null and l.withdrawn_at is null and a.id = %(account)s
returning l.id;

-- link: one of an account that counts at present
select l.id, l.tenancy_id, t.home_id, l.account_id, l.kind, (
           -- a carer who was erased leaves a gap in the ranks
           select count(*) from personal.care_link o
           where o.tenancy_id = l.tenancy_id and o.withdrawn_at is null and o.rank <= l.rank
       ), l.carer, l.home, l.contact_id, l.named_at, l.taken_at
from personal.care_link l
join personal.tenancy t on t.id = l.tenancy_id and t.from_day <= %(day)s and (t.to_day is null or t.to_day > %(day)s)
where l.account_id = %(account)s and l.id = %(link)s and l.withdrawn_at is null
  and exists (
      select from personal.consent k
      where k.tenancy_id = l.tenancy_id and k.purpose = 'care' and k.withdrawn_at is null
  );

-- links_of_account: all that count at present, the longest first
select l.id, l.tenancy_id, t.home_id, l.account_id, l.kind, (
           -- a carer who was erased leaves a gap in the ranks
           select count(*) from personal.care_link o
           where o.tenancy_id = l.tenancy_id and o.withdrawn_at is null and o.rank <= l.rank
       ), l.carer, l.home, l.contact_id, l.named_at, l.taken_at
from personal.care_link l
join personal.tenancy t on t.id = l.tenancy_id and t.from_day <= %(day)s and (t.to_day is null or t.to_day > %(day)s)
where l.account_id = %(account)s and l.withdrawn_at is null
  and exists (
      select from personal.consent k
      where k.tenancy_id = l.tenancy_id and k.purpose = 'care' and k.withdrawn_at is null
  )
order by l.taken_at, l.id;

-- links_of_tenancy: whom a resident has named, in the order in which they are told
select l.id, l.tenancy_id, t.home_id, l.account_id, l.kind, (
           -- a carer who was erased leaves a gap in the ranks
           select count(*) from personal.care_link o
           where o.tenancy_id = l.tenancy_id and o.withdrawn_at is null and o.rank <= l.rank
       ), l.carer, l.home, l.contact_id, l.named_at, l.taken_at
from personal.care_link l
join personal.tenancy t on t.id = l.tenancy_id
where l.tenancy_id = %(tenancy)s and l.withdrawn_at is null
order by l.rank;

-- withdraw: one carer
update personal.care_link set withdrawn_at = greatest(%(now)s, named_at), withdrawn_by = %(by)s
where id = %(link)s and tenancy_id = %(tenancy)s and withdrawn_at is null
returning id;

-- withdraw_link: of its account
select tenancy_id from personal.care_link where id = %(link)s and account_id = %(account)s and withdrawn_at is null;

-- order: who is told after whom at present
select id from personal.care_link where tenancy_id = %(tenancy)s and withdrawn_at is null order by rank;

-- reorder: the order from now on
update personal.care_link l set rank = o.place
from unnest(%(links)s::int8[]) with ordinality o (id, place)
where l.id = o.id and l.tenancy_id = %(tenancy)s and l.withdrawn_at is null and l.rank <> o.place;

-- set_contact: where messages of a link go
update personal.care_link set contact_id = %(contact)s where id = %(link)s and withdrawn_at is null;

-- forget_contact: an address that no link names any more, and that was of a carer alone
delete from personal.contact c
using personal.care_link l
where l.id = %(link)s and c.account_id = l.account_id and c.id = %(contact)s
  and not exists (select from personal.care_link o where o.contact_id = c.id);

-- contact: where messages of a link go
select contact_id from personal.care_link where id = %(link)s for update;

-- forget_usual: what was usual in homes whose household has left
delete from personal.usual_spell u using personal.tenancy t where t.id = u.tenancy_id and t.to_day <= %(day)s;

-- ended: links of tenancies that have ended are over
update personal.care_link l set withdrawn_at = greatest(%(now)s, l.named_at), withdrawn_by = 'end'
from personal.tenancy t
where t.id = l.tenancy_id and l.withdrawn_at is null and t.to_day <= %(day)s;
