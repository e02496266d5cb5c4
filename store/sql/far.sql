-- other_homes: where all homes lie that are not these
select lon, lat from personal.home where uprn <> all(%s);

-- other_bays: where all bays lie that are not these
select lon, lat from personal.bay where id <> all(%s);
