-- lock: one new complaint at a time, so that the day's most holds
select pg_advisory_xact_lock(-6104427718830254);

-- again: the complaint of a form that was sent already
select id, reference from personal.complaint where form = %(form)s;

-- lately: complaints that came by the page since an instant
select count(*) from personal.complaint where channel = 'page' and noted_at >= %s;

-- add: a new complaint, of a tenancy that is still there or of none
with held as (
    select id from personal.tenancy where id = %(tenancy)s::bigint for key share skip locked
)
insert into personal.complaint
    (reference, secret, form, received_at, noted_at, channel, tenancy_id, about, text, name, answer_by, address)
values (%(reference)s, %(secret)s, %(form)s, %(received)s, %(now)s, %(channel)s, (select id from held), %(about)s,
    %(text)s, %(name)s, %(answer_by)s, %(address)s)
returning id;

-- one: a complaint by its reference
select id, reference, received_at, channel, tenancy_id, about, text, name, answer_by, address, acknowledged_at, answered_at,
    erased_at
from personal.complaint where reference = %(reference)s;

-- opened: the same for who knows its secret
select id, reference, received_at, channel, tenancy_id, about, text, name, answer_by, address, acknowledged_at, answered_at,
    erased_at
from personal.complaint where reference = %(reference)s and secret = %(secret)s;

-- unanswered: complaints without an answer, those that are not acknowledged first, each the oldest first
select id, reference, received_at, channel, tenancy_id, about, text, name, answer_by, address, acknowledged_at, answered_at,
    erased_at
from personal.complaint where answered_at is null
order by acknowledged_at is not null, received_at, id limit %s;

-- answered: the newest answers
select id, reference, received_at, channel, tenancy_id, about, text, name, answer_by, address, acknowledged_at, answered_at,
    erased_at
from personal.complaint where answered_at is not null order by answered_at desc, id desc limit %s;

-- counts: complaints that are not acknowledged, and those that are not answered
select count(*) filter (where acknowledged_at is null), count(*) from personal.complaint where answered_at is null;

-- acknowledge: note that a complaint was acknowledged, once
update personal.complaint set acknowledged_at = %(now)s
where id = %(id)s and acknowledged_at is null and answered_at is null
returning id;

-- answer: note that a complaint was answered, once; an answer acknowledges too
update personal.complaint set acknowledged_at = coalesce(acknowledged_at, %(now)s), answered_at = %(now)s
where id = %(id)s and answered_at is null
returning id;

-- add_letter: what was sent
insert into personal.complaint_letter (complaint_id, kind, way, text, at, account_id, message_id)
values (%(complaint)s, %(kind)s, %(way)s, %(text)s, %(now)s, %(account)s, %(message)s);

-- letters: what was sent about a complaint, the oldest first
select kind, way, text, at, message_id from personal.complaint_letter where complaint_id = %s order by at, id;

-- unreached: complaints with an e-mail that did not arrive, and nothing by post after it
select distinct l.complaint_id
from personal.complaint_letter l
left join personal.message m on m.id = l.message_id
where l.way = 'email' and l.kind <> 'receipt'
    and case when l.message_id is null then true else coalesce(m.state in ('failed', 'expired', 'withheld'), false) end
    and not exists (
        select from personal.complaint_letter p
        where p.complaint_id = l.complaint_id and p.kind = l.kind and p.way = 'post' and p.id > l.id
    )
    and l.at >= %s;

-- log_access: somebody looked at a complaint or changed it
insert into personal.complaint_access (complaint_id, at, account_id, role, action)
values (%(complaint)s, %(now)s, %(account)s, %(role)s, %(action)s);

-- accesses: who looked at a complaint, the newest first
select at, account_id, role, action from personal.complaint_access where complaint_id = %s
order by id desc limit %s;

-- overdue: complaints that came before an instant and are not acknowledged, and when the oldest came
select count(*), min(received_at) from personal.complaint where acknowledged_at is null and received_at < %s;

-- old: complaints that were answered before an instant; of households that were erased meanwhile before another
select id from personal.complaint
where answered_at < case when erased_at is null then %(before)s::timestamptz else %(erased_before)s::timestamptz end
order by id limit %(rows)s
for update skip locked;

-- forget_messages: what was put into the outbox of some complaints
delete from personal.message m using personal.complaint_letter l
where l.message_id = m.id and m.kind = 'complaint' and l.complaint_id = any(%(ids)s::bigint[])
returning m.contact_id;

-- forget_contacts: contacts of nobody that nothing else hangs on; whoever writes to one now, has it
with idle as (
    select c.id from personal.contact c
    where c.id = any(%(contacts)s::bigint[]) and c.tenancy_id is null and c.account_id is null
        and not exists (select from personal.message m where m.contact_id = c.id)
        and not exists (select from personal.contact_stop s where s.contact_id = c.id)
        and not exists (select from personal.air_subscription a where a.contact_id = c.id)
        and not exists (select from personal.care_link k where k.contact_id = c.id)
        and not exists (select from personal.care_code k where k.contact_id = c.id)
    for update of c skip locked
)
delete from personal.contact c using idle where c.id = idle.id;

-- forget: some complaints, with what was sent and who looked
delete from personal.complaint where id = any(%(ids)s::bigint[]);
