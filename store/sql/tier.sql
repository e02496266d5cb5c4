-- server: whether TimescaleDB is in this database, and by which licence
select to_regclass('_timescaledb_catalog.hypertable') is not null,
       coalesce(current_setting('timescaledb.license', true), '');

-- hypertable: whether the readings are in one
select 1 from timescaledb_information.hypertables
where hypertable_schema = 'public' and hypertable_name = 'reading'
