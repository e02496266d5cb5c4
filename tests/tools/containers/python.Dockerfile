# Stands in for the image python:3.13-slim-trixie: Debian 13's own Python, and what this machine trusts.
ARG BASE
FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python-is-python3 python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY trusted/ /
