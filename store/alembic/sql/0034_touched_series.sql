-- One late reading has one home computed again, and not the whole fleet.

alter table public.touched_day add column series integer[];
comment on column public.touched_day.series is
    'Whose readings were written, where these are few; null: anybody''s, so that everybody is computed again.';

-- Periods that are over and were looked at, and could not be published. Whether they can is a question to all homes; here
-- stands how many must change before the answer can be another.
create table personal.unpublished_period (
    kind text not null,
    from_day date not null,
    to_day date not null,
    fuel text not null,
    waits boolean not null,
    homes_left integer not null,
    coverage double precision not null,
    tombstone bigint not null,
    primary key (kind, from_day, fuel)
);
comment on table personal.unpublished_period is
    'Periods that could not be published. Can be emptied at any time: then all homes are looked at again.';
comment on column personal.unpublished_period.waits is 'Its last day has not come in; false: no home has a figure.';
comment on column personal.unpublished_period.homes_left is
    'So many homes must change in it before it can be published; counted down by whoever computes them.';
comment on column personal.unpublished_period.coverage is 'The setting by which it was looked at.';
comment on column personal.unpublished_period.tombstone is
    'The newest tombstone then: an erasure takes homes away without a change that is counted.';
