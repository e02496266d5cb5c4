-- Revisions of snapshots that were made: a folder that is lost must not have its numbers used for other files.

create table public.snapshot_revision (
    dataset text not null,
    month date not null,
    revision integer not null check (revision > 0),
    primary key (dataset, month)
);
comment on table public.snapshot_revision is
    'The greatest revision of a month (UTC, by its first day) that `borough publish` has made of a dataset or found in its'
    ' folder. The next one is greater, also where the folder was lost.';
revoke all on public.snapshot_revision from public;
