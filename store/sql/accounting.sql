-- totals: what all collectors counted, by family
select family, {sums} from public.accounting
where %s::timestamptz is null or minute >= %s
group by family
order by family
