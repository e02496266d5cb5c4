-- page: entities by a query's conditions and order; {rest} is limit and offset
select {columns} from {source} order by {order} {rest};

-- one_of_each: of each parent the one entity at the end of a way; a plain join, which may go through the targets once
select k.place - 1, {columns} from {parents} cross join {source} order by k.place;

-- page_of_each: of each parent its entities at the end of a way, each a page of its own
select k.place - 1, r.* from {parents}
cross join lateral (select {columns} from {source} order by {order} {rest}) as r
order by k.place, {outer};

-- count: how many entities a query's conditions leave
select count(*) from {source};

-- count_of_each: of each parent how many
select k.place - 1, r.n from {parents} cross join lateral (select count(*) from {source}) as r (n) order by k.place
