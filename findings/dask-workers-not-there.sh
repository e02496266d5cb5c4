#!/bin/sh
# Client.scheduler_info(n_workers=-1) says at times that a scheduler has no workers, while all of them are there.
#
# Field: whoever shares work out over machines looks first whether anybody is there to take it.
# Version: distributed 2026.8.0, CPython 3.11.7.
# Seen: of 2,000 questions to a scheduler with one worker dozens to hundreds have no worker in their answer, where the
# client refreshes what it knows every 2 ms; the scheduler itself, asked as often beside the same refreshing, has it each
# time. The refreshing (every 2 s unless set otherwise) asks without workers and writes where the answer is then read
# from, between its arrival and its reading. With 2 s it happened once, in a test on a busy machine.
# What follows: we ask the scheduler (`client.scheduler.identity`) and read its own answer.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check distributed==2026.8.0
"$folder/venv/bin/python" - <<'PYTHON'
import platform

import dask
import distributed

ASKED = 2000
dask.config.set({"distributed.client.scheduler-info-interval": "2ms"})
with (
    distributed.LocalCluster(n_workers=1, processes=False, threads_per_worker=1, dashboard_address=None) as cluster,
    distributed.Client(cluster) as client,
):
    by_client = sum(not client.scheduler_info(n_workers=-1)["workers"] for _ in range(ASKED))
    by_scheduler = sum(not client.sync(client.scheduler.identity, n_workers=-1)["workers"] for _ in range(ASKED))
print(f"distributed {distributed.__version__}, Python {platform.python_version()}")
print(f"without workers, of {ASKED}: {by_client} by scheduler_info, {by_scheduler} by the scheduler")
assert by_client > 0 and by_scheduler == 0, "it has changed: say so here"
PYTHON
