-- totals: what all collectors counted, by family
select family, {sums} from public.accounting
where %s::timestamptz is null or minute >= %s
group by family
order by family;

-- committed: how many batches all collectors have written together, and how many collectors there are
select coalesce(sum(batch), 0)::int8, count(*) from public.collector
