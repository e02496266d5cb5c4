-- rows: chunks of readings that end before an instant and are rows altogether, oldest first
select chunk_schema, chunk_name
from timescaledb_information.chunks
where hypertable_schema = 'public' and hypertable_name = 'reading' and not is_compressed and range_end <= %s
order by range_start;

-- partial: converted chunks that end before an instant and have rows of their own too, those with the most first; no
-- view tells it, this function does in every version since 2.18 (8 is PARTIAL)
select chunk_schema, chunk_name
from (
    select chunk_schema, chunk_name, format('%%I.%%I', chunk_schema, chunk_name)::regclass as chunk
    from timescaledb_information.chunks
    where hypertable_schema = 'public' and hypertable_name = 'reading' and is_compressed and range_end <= %s
) k
where _timescaledb_functions.chunk_status(chunk) & 8 <> 0
order by pg_relation_size(chunk) desc, chunk_name;

-- patience: how long the running transaction waits for a lock [ms]
select set_config('lock_timeout', %s::text, true);

-- convert: one chunk into the columnstore; of one that is there what it has of rows
call convert_to_columnstore(format('%%I.%%I', %s::text, %s::text)::regclass);

-- rewrite: the columnstore of one chunk into a new file
call convert_to_columnstore(format('%%I.%%I', %s::text, %s::text)::regclass, recompress => true);

-- emptied: converted chunks that end before an instant, have no row of their own and still keep pages of rows or of
-- their index, most first; those of an empty index are 8 KB
select chunk_schema, chunk_name
from (
    select chunk_schema, chunk_name, format('%%I.%%I', chunk_schema, chunk_name)::regclass as chunk
    from timescaledb_information.chunks
    where hypertable_schema = 'public' and hypertable_name = 'reading' and is_compressed and range_end <= %s
) k
where _timescaledb_functions.chunk_status(chunk) & 8 = 0
  and pg_relation_size(chunk) + pg_indexes_size(chunk) > 65536
order by pg_relation_size(chunk) + pg_indexes_size(chunk) desc, chunk_name;

-- size: what a chunk takes [bytes], and the part of its rows' size that was left when it was converted first
select d.total_bytes, s.after_compression_total_bytes::float8 / nullif(s.before_compression_table_bytes, 0)
from chunks_detailed_size('public.reading') d
join chunk_columnstore_stats('public.reading') s using (chunk_schema, chunk_name)
where chunk_schema = %s and chunk_name = %s;

-- hold: a chunk for the running transaction; who reads it is not held up
lock table {chunk} in exclusive mode;

-- held: whether anybody else holds a chunk to write to it, or to read it where that counts too
select exists (
    select from pg_locks l
    where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid()
      and l.database = (select oid from pg_database where datname = current_database())
      and l.relation = format('%%I.%%I', %s::text, %s::text)::regclass
      and (l.mode <> 'AccessShareLock' or %s)
);

-- vacuum: pages of rows that were moved away, unless somebody holds the chunk
vacuum (skip_locked) {chunk};

-- reindex: the index of a chunk without rows of its own
reindex table {chunk};

-- count: readings of a chunk
select count(*) from {chunk}
