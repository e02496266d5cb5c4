-- A form that is sent twice asks for one job.

alter table public.job add column token text unique check (length(token) between 16 and 64);
comment on column public.job.token is 'Of the form that asked; null where a command did.';
