-- Days of use are days of a place. Which one they are of stands beside them: who computes or reads them by another is
-- refused. A database that has days already gets its zone with the next analysis, as it was told by its settings then.

create table personal.day_zone (
    one boolean primary key default true check (one),
    zone text not null
);
comment on table personal.day_zone is
    'The time zone, such as Europe/London, whose days personal.daily_use holds. One row at most.';
