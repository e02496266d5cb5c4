-- The bytes of a rejected message once, whatever was rejected in it; further rejections of a message by reason; texts
-- that name a household's device apart.

alter table public.rejected add column message bigint;
alter table public.rejected add column more integer;
alter table public.rejected_bytes drop constraint rejected_bytes_id_fkey;
alter table personal.rejected_bytes drop constraint rejected_bytes_id_fkey;
alter table public.rejected_bytes add column size integer;
alter table personal.rejected_bytes add column size integer;

-- rows of one message: same arrival, topic and bytes
update public.rejected r set message = g.message
from (
    select k.id, min(k.id) over (partition by k.arrival, k.topic, coalesce(k.device, ''),
                                              coalesce(sha256(coalesce(o.bytes, p.bytes)), int8send(k.id)),
                                              p.id is null) as message
    from public.rejected k
    left join public.rejected_bytes o on o.id = k.id
    left join personal.rejected_bytes p on p.id = k.id
) g
where g.id = r.id;
delete from public.rejected_bytes b where not exists (select from public.rejected r where r.message = b.id);
delete from personal.rejected_bytes b where not exists (select from public.rejected r where r.message = b.id);

-- the number is drawn before this default is asked for, and so is the row's own
alter table public.rejected alter column message set default currval(pg_get_serial_sequence('public.rejected', 'id'));
alter table public.rejected alter column message set not null;
create index rejected_message on public.rejected (message);
comment on column public.rejected.message is 'The rows of one message: the id of the first, under which its bytes stand.';
comment on column public.rejected.more is
    'So many further readings of the message were rejected for this reason and have no rows; null: this row is one.';
comment on column public.rejected_bytes.size is 'Length of the message where only its beginning is kept, else null.';
comment on column personal.rejected_bytes.size is 'Length of the message where only its beginning is kept, else null.';

create function public.forget_rejected_bytes() returns trigger language plpgsql as $$
begin
    delete from public.rejected_bytes b using (select distinct message from gone) g
    where b.id = g.message and not exists (select from public.rejected r where r.message = g.message);
    delete from personal.rejected_bytes b using (select distinct message from gone) g
    where b.id = g.message and not exists (select from public.rejected r where r.message = g.message);
    return null;
end $$;
comment on function public.forget_rejected_bytes() is 'The bytes of a message go with the last of its rejections.';
create trigger forget_rejected_bytes after delete on public.rejected
    referencing old table as gone for each statement execute function public.forget_rejected_bytes();

create table personal.rejected_text (
    id bigint primary key references public.rejected (id) on delete cascade,
    topic text not null,
    property text,
    detail text not null
);
comment on table personal.rejected_text is
    'Texts of rejections whose message names a household''s device; public.rejected says (personal) in their place.';
