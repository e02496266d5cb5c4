-- sign_in: the account of a subject of an issuer, made where it is new
insert into personal.account (issuer, subject) values (%(issuer)s, %(subject)s)
on conflict (issuer, subject) do update set subject = excluded.subject
returning id, tenancy_id;

-- bind: give an account its tenancy, unless that has ended or is none
update personal.account set tenancy_id = %(tenancy)s, bound_at = %(now)s, bound_by = %(by)s
where id = %(account)s and exists (
    select from personal.tenancy t where t.id = %(tenancy)s and (t.to_day is null or t.to_day > %(day)s))
returning id;

-- open_session: a new session
insert into personal.session (token, account_id, roles, created_at, seen_at, expires_at)
values (%(token)s, %(account)s, %(roles)s, %(now)s, %(now)s, %(expires)s);

-- forget_sessions: those that are over, whoever had them
delete from personal.session where expires_at <= %(now)s;

-- session: one that is not over, with what its account may see
select s.account_id, a.tenancy_id, s.roles, s.seen_at
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

-- make_code: a new one-time code
insert into personal.sign_in_code (code, tenancy_id, purpose, roles, made_at, expires_at)
values (%(code)s, %(tenancy)s, %(purpose)s, %(roles)s, %(now)s, %(expires)s);

-- code: what a code that is neither used nor over opens
select tenancy_id, roles from personal.sign_in_code
where code = %(code)s and purpose = %(purpose)s and expires_at > %(now)s and used_at is null;

-- use_code: the same, once
update personal.sign_in_code set used_at = %(now)s
where code = %(code)s and purpose = %(purpose)s and expires_at > %(now)s and used_at is null
returning tenancy_id, roles;

-- log_access: somebody looked at or changed a home's data
insert into personal.access (at, tenancy_id, account_id, role, action, detail)
values (%(now)s, %(tenancy)s, %(account)s, %(role)s, %(action)s, %(detail)s);

-- accesses: to one tenancy's data, the newest first, below a number where one is given
select id, at, account_id, role, action, detail from personal.access
where tenancy_id = %(tenancy)s and (%(below)s::bigint is null or id < %(below)s::bigint)
order by id desc limit %(limit)s;
