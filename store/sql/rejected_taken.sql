-- note: what a retry took, and what it rejected that no rejection stood for
insert into public.rejected_taken (account_id, decoder, family, reason, taken, anew)
select %(account)s, %(decoder)s, k.*
from unnest(%(families)s::text[], %(reasons)s::text[], %(taken)s::int8[], %(anew)s::int8[])
     as k (family, reason, taken, anew)
order by 3, 4;

-- account: by family: what collectors rejected, what retries rejected anew, what is kept, counted alone, and taken
with live as (
    select family, sum(messages_rejected + readings_rejected)::int8 as rejected
    from public.accounting where collector <> %(retry)s group by family
), retried as (
    select family, sum(anew)::int8 as anew, sum(taken)::int8 as taken from public.rejected_taken group by family
), kept as (
    select family, sum(coalesce(more, 1))::int8 as kept from public.rejected group by family
), flood as (
    select family, sum(left_out)::int8 as counted from public.rejected_flood group by family
)
select family, coalesce(rejected, 0) + coalesce(anew, 0), coalesce(kept, 0), coalesce(counted, 0), coalesce(taken, 0)
from live full join retried using (family) full join kept using (family) full join flood using (family)
where coalesce(rejected, 0) + coalesce(anew, 0) + coalesce(kept, 0) + coalesce(counted, 0) + coalesce(taken, 0) > 0
order by family;

-- retries: what was taken, the newest first
select at, account_id, decoder, family, reason, taken, anew
from public.rejected_taken
order by id desc
limit %s
