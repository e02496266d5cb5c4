-- What a household may see of its comparison while it takes part in a trial (docs/decisions/013-nudges-trial.md).

alter table personal.comparison
    add column sight text not null default 'all' check (sight in ('all', 'zone', 'own')),
    drop constraint comparison_state_check,
    add constraint comparison_state_check
        check (state in ('great', 'good', 'more', 'above-zone', 'neutral', 'suppressed')),
    -- whatever writes a row: what its household may not see is not in it
    add constraint comparison_sight_holds check (
        sight = 'all'
        or average is null and homes is null and tenths is null
            and state in ('great', 'above-zone', 'neutral', 'suppressed')
            and (sight = 'zone' or efficient is null and state in ('neutral', 'suppressed')));
comment on column personal.comparison.sight is
    'What the row may hold of others: all, zone (the efficient figure alone) or own (nothing). It only ever narrows.';
comment on table personal.comparison_run is
    'Each period that was compared. After settled_at nothing of it changes, but that a trial takes figures of others out.';
