#!/bin/sh
# The part of the PostgreSQL images' start that docker-compose.yml relies on: a new folder becomes a cluster with the
# superuser's password, the scripts of /docker-entrypoint-initdb.d run against it by socket alone, then it listens.
set -eu
preload="-c shared_preload_libraries=timescaledb"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # shellcheck disable=SC2086 # arguments, split on purpose
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS-} >/dev/null
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options "$preload -c listen_addresses=''" start
    for script in /docker-entrypoint-initdb.d/*.sh; do
        POSTGRES_USER=postgres sh "$script"
    done
    pg_ctl --wait --mode fast stop
fi
exec postgres -c shared_preload_libraries=timescaledb -c listen_addresses='*' -c timescaledb.telemetry_level=off
