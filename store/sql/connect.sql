-- session: what every connection of ours is
select set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),
       -- compiling a query costs more than ours take
       set_config('jit', 'off', false),
       -- the server's side of a line that is cut must end too: its session holds locks that we want back
       set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '4', false),
       set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)
