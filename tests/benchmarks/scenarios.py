"""The benchmarks. Each takes the world, and adds its figures to the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

from store import arrays, series
from store.connect import connect
from store.copy import copy_readings
from tests.benchmarks import (
    air,
    air_pages,
    analysing,
    board,
    collectors,
    daily,
    explorer,
    exports,
    fanout,
    fleet,
    lettering,
    live,
    loads,
    movement,
    neighbours,
    open_exports,
    outboxing,
    overview,
    pages,
    parking,
    pipeline,
    sensorthings,
    sizes,
    trial_chance,
    trial_estimates,
    trial_panel,
    weather,
)
from tests.benchmarks.decoding import decoding
from tests.benchmarks.generating import generate_meters
from tests.benchmarks.publishing import publish_fleet
from tests.benchmarks.queues import DEVICES, MESSAGES, expect_rows, queues, rows
from tests.benchmarks.replaying import replay, shapes
from tests.benchmarks.table import Table
from tests.benchmarks.world import Worker, World


def write_only(world: World, table: Table) -> None:
    """The same rows as one NumPy block by direct COPY."""
    with world.database(loads.meters(DEVICES)) as url, connect(url) as connection:
        names = [(device.id, "import_interval") for device in loads.meters(DEVICES)]
        ids = np.array([state.series for state in series.resolve(connection, names)], np.int32)
        turns = MESSAGES // DEVICES
        start = 1_769_904_000_000_000
        times = start + np.arange(turns, dtype=np.int64) * 1_800_000_000
        begun = time.monotonic()
        copy_readings(connection, np.repeat(ids, turns), np.tile(times, DEVICES), np.ones(MESSAGES))
        connection.commit()
        seconds = time.monotonic() - begun
        expect_rows(url, MESSAGES)
    table.add("write_only", MESSAGES / seconds, "rows/s")


def read_arrays(world: World, table: Table) -> None:
    """Whole series into arrays, times beside the values."""
    turns, count = 1_440, 2_000
    with world.database(loads.meters(count)) as url, connect(url) as connection:
        names = [(device.id, "import_interval") for device in loads.meters(count)]
        ids = np.array([state.series for state in series.resolve(connection, names)], np.int32)
        start = 1_769_904_000_000_000
        times = start + np.arange(turns, dtype=np.int64) * 1_800_000_000
        for chunk in np.array_split(ids, 8):
            block = np.repeat(chunk, turns), np.tile(times, len(chunk)), np.ones(turns * len(chunk))
            copy_readings(connection, *block)
        connection.commit()
        connection.execute("analyze reading")
        best = float("inf")
        for _ in range(3):
            begun = time.monotonic()
            found = arrays.read_series(connection, ids.tolist(), start, start + turns * 1_800_000_000)
            best = min(best, time.monotonic() - begun)
            if len(found.values) != turns * count:
                raise RuntimeError(f"read {len(found.values)} values, wrote {turns * count}")
    table.add("read_arrays", turns * count / best, "values/s")


def peak_memory(world: World, table: Table) -> None:
    """The collector's highest memory with the database away and a full queue behind it."""
    session = world.queue(loads.native(MESSAGES, DEVICES))
    server = world.cluster.server
    if server is None:
        raise RuntimeError("this benchmark stops its database server")
    with world.database(loads.meters(DEVICES)) as url:
        job = {"kind": "collect", "database": url, "client_id": session, "messages": MESSAGES}
        with Worker({"port": world.mosquitto.port, **job}) as worker:
            while rows(url) < MESSAGES // 10:
                time.sleep(0.01)
            server.stop("fast")
            time.sleep(10)
            full = worker.memory()
            server.start()
            found = worker.result()
        expect_rows(url, MESSAGES)
    table.add("peak_memory", max(full, found["peak"]), "bytes")
    world.drop_session(session)


def live_figures(world: World, table: Table) -> None:
    """A publisher at a fixed rate beside the collector: latency, and the rates that hold."""
    with world.database(loads.meters(DEVICES)) as url:
        live.latency(world, table, url, DEVICES)
    live.rates(world, table, DEVICES)


SCENARIOS: Mapping[str, Callable[[World, Table], None]] = {
    "receive_only": queues,
    "drain": queues,
    "write_only": write_only,
    "reading_bytes": sizes.reading_bytes,
    "packs": queues,
    "paho": queues,
    "collectors": collectors.collectors,
    "broker_connection": collectors.broker_connection,
    "drain_malformed": queues,
    "drain_glow": queues,
    "decoding": decoding,
    "read_arrays": read_arrays,
    "peak_memory": peak_memory,
    "live": live_figures,
    "generate_meters": generate_meters,
    "publish": publish_fleet,
    "replay": replay,
    "replay_shapes": shapes,
    "read_daily": daily.read_daily,
    "compute_daily": daily.compute_daily,
    "analyse_day": analysing.analyse,
    "analyse_late": analysing.analyse,
    "neighbours_100k": neighbours.neighbours_100k,
    "compare_100k": neighbours.compare_100k,
    "caltrack_100k": weather.caltrack_100k,
    "caltrack_vs_eemeter": weather.caltrack_vs_eemeter,
    "neighbours_1m": neighbours.neighbours_1m,
    "compare_1m": neighbours.compare_1m,
    "cell_groups_1m": fleet.cell_groups_1m,
    "neighbours_vs_loop": neighbours.neighbours_vs_loop,
    "neighbours_vs_sql": neighbours.neighbours_vs_sql,
    "parking_events": parking.parking_events,
    "parking_vs_pandas": parking.parking_vs_pandas,
    "parking_year": parking.parking_year,
    "air_index": air.air_index,
    "air_vs_pandas": air.air_vs_pandas,
    "movement_100k": movement.movement_100k,
    "trial_draw_100k": trial_chance.trial_draw_100k,
    "ri_10000": trial_chance.ri_10000,
    "ri_vs_ritest": trial_chance.ri_vs_ritest,
    "trial_looks": trial_chance.trial_looks,
    "trial_power": trial_chance.trial_power,
    "trial_panel": trial_panel.trial_panel,
    "trial_400": trial_estimates.trial_400,
    "trial_vs_statsmodels": trial_estimates.trial_vs_statsmodels,
    "fleet_5": fleet.fleet_5,
    "letters": lettering.letters,
    "outbox": outboxing.outbox,
    "resident_page_p95": pages.resident_page,
    "export": open_exports.export,
    "page_under_exports": exports.page_under_exports,
    "board": board.board_page,
    "overview_p95": overview.overview_page,
    "air_p95": air_pages.air_pages,
    "pipeline_p95": pipeline.pipeline_page,
    "explorer_p95": explorer.explorer,
    "explorer_vs_rows": explorer.explorer,
    "sta_page_p95": sensorthings.sensorthings,
    "sta_count_p95": sensorthings.sensorthings,
    "sta_vs_frost": sensorthings.sensorthings,
    "sse_fanout": fanout.sse_fanout,
    "sse_memory": fanout.sse_memory,
}
