-- What is usual of quiet spells by the half-hour in which they begin. What was learnt before says nothing of it until
-- it is learnt again, which is each day.

alter table personal.usual_spell
    add column begun integer[] not null default array_fill(-1, array[48]) check (cardinality(begun) = 48);
alter table personal.usual_spell alter column begun drop default;
comment on column personal.usual_spell.begun is
    'Seconds that a spell usually lasts at most which began in this half-hour of the clock; -1: that says nothing.';
