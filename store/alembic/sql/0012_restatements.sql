-- Restatements: a source that may do so gives a stored reading another value, and the old one stays on record beside those
-- of corrections. One key may be restated any number of times, so a restatement belongs to no correction.

alter table public.superseded drop constraint superseded_pkey;
alter table public.superseded alter column correction_id drop not null;
create unique index superseded_of_correction on public.superseded (correction_id, series_id, time);
alter table public.superseded add column arrival timestamptz;
alter table public.superseded add column source text;
alter table public.superseded add column reason text;
alter table public.superseded add check (correction_id is not null or (arrival is not null and source is not null));
comment on table public.superseded is
    'Every value that a correction or a restatement changed; old_value is null where there was no reading before.';
comment on column public.superseded.correction_id is 'Null where a source restated its own reading.';
comment on column public.superseded.arrival is
    'Of what brought the new value, where that may restate; null where a correction only read a message again.';
comment on column public.superseded.source is 'The subscription or the file that brought the new value, where it may restate.';

alter table public.accounting add column readings_restated bigint not null default 0;
comment on table public.accounting is
    'messages: received = decoded + ignored + rejected. '
    'readings: decoded = stored + restated + duplicates + thinned + rejected + refused.';
