-- begin: a transaction that sees one state
begin isolation level repeatable read

-- within: how long each statement of the transaction that begins may take [ms]
set local statement_timeout = {milliseconds}

-- budget: how long each statement of the running transaction may take
select set_config('statement_timeout', %s, true)
