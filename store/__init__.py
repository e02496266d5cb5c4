"""The only place with SQL: migrations, connections, the COPY writer, array reads."""
