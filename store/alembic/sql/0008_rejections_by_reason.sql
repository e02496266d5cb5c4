-- The limit of a flood is one of a device, hour and reason, so that a rarer reason is not lost behind a frequent one; and
-- what it left out is said.

alter table public.rejected_flood add column reason text not null default '';
alter table public.rejected_flood add column family text not null default 'unknown';
alter table public.rejected_flood add column left_out bigint not null default 0;
alter table public.rejected_flood alter column reason drop default;
alter table public.rejected_flood alter column family drop default;
alter table public.rejected_flood drop constraint rejected_flood_pkey;
alter table public.rejected_flood add primary key (device, hour, reason);
comment on table public.rejected_flood is
    'Rejections of a device in an hour by reason; device '''' stands for all unknown devices together.';
comment on column public.rejected_flood.reason is 'Empty: counted before reasons were told apart.';
comment on column public.rejected_flood.left_out is 'So many of them have no rows in public.rejected.';
