-- rows: chunks of readings that end before an instant and are rows altogether, oldest first
select format('%%I.%%I', chunk_schema, chunk_name)
from timescaledb_information.chunks
where hypertable_schema = 'public' and hypertable_name = 'reading' and not is_compressed and range_end <= %s
order by range_start;

-- partial: converted chunks that end before an instant and have rows of their own too, those with the most bytes of
-- them first; no view tells it, this function does in every version since 2.18 (8 is PARTIAL)
select k.chunk
from (
    select format('%%I.%%I', chunk_schema, chunk_name) as chunk
    from timescaledb_information.chunks
    where hypertable_schema = 'public' and hypertable_name = 'reading' and is_compressed and range_end <= %s
) k
where _timescaledb_functions.chunk_status(k.chunk::regclass) & 8 <> 0
order by pg_relation_size(k.chunk::regclass) desc, k.chunk;

-- is_partial: whether a chunk has rows of its own
select _timescaledb_functions.chunk_status(%s::regclass) & 8 <> 0;

-- patience: how long the running transaction waits for a lock [ms]
select set_config('lock_timeout', %s::text, true);

-- convert: one chunk into the columnstore, or what it has of rows again
call convert_to_columnstore(%s::regclass);

-- emptied: converted chunks that end before an instant, have no row of their own and still keep its pages, most first
select k.chunk_schema, k.chunk_name
from (
    select chunk_schema, chunk_name, format('%%I.%%I', chunk_schema, chunk_name) as chunk
    from timescaledb_information.chunks
    where hypertable_schema = 'public' and hypertable_name = 'reading' and is_compressed and range_end <= %s
) k
where _timescaledb_functions.chunk_status(k.chunk::regclass) & 8 = 0 and pg_relation_size(k.chunk::regclass) > 0
order by pg_relation_size(k.chunk::regclass) desc, k.chunk
