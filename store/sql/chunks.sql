-- chunks: how many chunks the readings are in, from when to when [us since the Unix epoch]
select count(*), (extract(epoch from min(range_start)) * 1000000)::int8,
       (extract(epoch from max(range_end)) * 1000000)::int8
from timescaledb_information.chunks
where hypertable_schema = 'public' and hypertable_name = 'reading'
