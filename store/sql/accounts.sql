-- sign_in: the account of a subject of an issuer, made where it is new
insert into personal.account (issuer, subject) values (%(issuer)s, %(subject)s)
on conflict (issuer, subject) do update set subject = excluded.subject
returning id, tenancy_id;

-- bind: give an account its tenancy, unless that has ended, is none or is being erased
with held as (
    select t.id from personal.tenancy t
    where t.id = %(tenancy)s and (t.to_day is null or t.to_day > %(day)s)
    for key share skip locked
)
update personal.account a set tenancy_id = held.id, bound_at = %(now)s, bound_by = %(by)s
from held
where a.id = %(account)s
returning a.id;

-- open_session: a new session of an account that is still there
insert into personal.session (token, account_id, roles, created_at, seen_at, expires_at)
select %(token)s, a.id, %(roles)s::text[], %(now)s, %(now)s, %(expires)s
from personal.account a
where a.id = %(account)s
for key share skip locked;

-- forget_sessions: those that are over, whoever had them
delete from personal.session where expires_at <= %(now)s;

-- session: one that is not over, with what its account may see
select s.account_id, a.tenancy_id,
       -- whoever a resident has named is a carer, whatever the issuer says
       s.roles || case when exists (
           select from personal.care_link l where l.account_id = a.id and l.withdrawn_at is null
       ) then array['carer'] else '{}' end,
       s.seen_at
from personal.session s join personal.account a on a.id = s.account_id
where s.token = %(token)s and s.expires_at > %(now)s and s.seen_at > %(idle)s;

-- seen: a session was used
update personal.session set seen_at = %(now)s where token = %(token)s and seen_at < %(now)s;

-- rotate_session: another token for the same session
update personal.session set token = %(new)s, seen_at = %(now)s where token = %(old)s returning account_id;

-- end_session: one session
delete from personal.session where token = %(token)s;

-- end_sessions: all sessions of an account
delete from personal.session where account_id = %(account)s returning account_id;

-- make_code: a new one-time code, of a tenancy that is still there or of none
with held as (
    select id from personal.tenancy where id = %(tenancy)s::bigint for key share skip locked
)
insert into personal.sign_in_code (code, tenancy_id, purpose, roles, made_at, expires_at)
select %(code)s, %(tenancy)s::bigint, %(purpose)s, %(roles)s::text[], %(now)s, %(expires)s
where %(tenancy)s::bigint is null or exists (select from held);

-- code: what a code that is neither used nor over opens
select tenancy_id, roles from personal.sign_in_code
where code = %(code)s and purpose = %(purpose)s and expires_at > %(now)s and used_at is null;

-- use_code: the same, once
update personal.sign_in_code set used_at = %(now)s
where code = %(code)s and purpose = %(purpose)s and expires_at > %(now)s and used_at is null
returning tenancy_id, roles;

-- log_access: somebody looked at or changed a home's data, unless that is being erased: what
-- a foreign key refuses stands in the server's log with its key
insert into personal.access (at, tenancy_id, account_id, role, action, detail)
select %(now)s, t.id, %(account)s::bigint, %(role)s, %(action)s, %(detail)s
from personal.tenancy t
where t.id = %(tenancy)s
for key share skip locked;

-- accesses: to one tenancy's data, the newest first, below a number where one is given
select id, at, account_id, role, action, detail from personal.access
where tenancy_id = %(tenancy)s and (%(below)s::bigint is null or id < %(below)s::bigint)
order by id desc limit %(limit)s;
