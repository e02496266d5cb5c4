-- put: a message to a contact that is still there; the second of a key does nothing
with contact as (
    select id from personal.contact where id = %(contact)s for key share skip locked
), tenancy as (
    select id from personal.tenancy where id = %(tenancy)s::bigint for key share skip locked
)
insert into personal.message
    (key, contact_id, tenancy_id, kind, thread, origin, subject, text, html, due_at, expires_at, next_at)
select %(key)s, contact.id, %(tenancy)s::bigint, %(kind)s, %(thread)s, %(origin)s, %(subject)s, %(text)s, %(html)s,
       %(due_at)s::timestamptz, %(expires_at)s::timestamptz, %(due_at)s::timestamptz
from contact
where %(tenancy)s::bigint is null or exists (select from tenancy)
on conflict (key) do nothing
returning id;

-- standing: what became of one
select state, reason, due_at, settled_at from personal.message where id = %(id)s;

-- withhold: what is not sent yet of a thread, or some messages; those that were to be sent (trigger `keep_void`)
with open as (
    select id, state = 'waiting' or state = 'sending' and handed_at is null as due
    from personal.message
    where (id = any(%(messages)s::int8[]) or kind = %(kind)s::text and thread = %(thread)s::text)
      and (%(contact)s::bigint is null or contact_id = %(contact)s::bigint)
      and state <> 'sent' and void is null
    order by id for update
)
update personal.message m
set void = %(reason)s, settled_at = case when o.due then %(at)s::timestamptz else m.settled_at end
from open o where o.id = m.id
returning o.due;

-- cut: secrets that nobody can use any more
update personal.message set text = %(cut)s, html = null
where settled_at is not null and expires_at <= %(now)s and kind = any(%(secret)s::text[]) and text <> %(cut)s;
