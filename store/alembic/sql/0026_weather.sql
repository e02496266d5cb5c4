-- Weather: mean temperatures of local days at a few places, from files. They are of nobody.

create table public.weather_place (
    name text primary key,
    lon double precision not null check (lon between -180 and 180),
    lat double precision not null check (lat between -90 and 90),
    origin text not null check (origin in ('real', 'simulated'))
);
comment on table public.weather_place is 'Places of which temperatures are known; simulated ones are of simulated homes.';

create table public.weather_day (
    place text not null references public.weather_place (name) on delete cascade,
    day date not null,
    celsius double precision not null check (celsius between -90 and 60),
    primary key (place, day)
);
comment on table public.weather_day is 'Mean temperature of a local day at a place [Cel].';
