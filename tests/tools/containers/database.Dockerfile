# Stands in for the image timescale/timescaledb: Debian 13's TimescaleDB, with that image's user, folders and start.
ARG BASE
FROM ${BASE}
RUN groupadd --system --gid 70 postgres && useradd --system --uid 70 --gid 70 --no-create-home postgres \
    && mkdir -p /etc/postgresql-common && echo create_main_cluster=false >/etc/postgresql-common/createcluster.conf \
    && apt-get update && apt-get install --yes --no-install-recommends postgresql-17 postgresql-17-timescaledb \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /var/lib/postgresql/data /docker-entrypoint-initdb.d && chown -R 70:70 /var/lib/postgresql
COPY database.sh /usr/local/bin/database.sh
ENV PATH=/usr/lib/postgresql/17/bin:$PATH PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["sh", "/usr/local/bin/database.sh"]
