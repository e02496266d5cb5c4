"""Several collectors at one broker: one, two and three that share a queue."""

from __future__ import annotations

import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import mqtt5
import psutil

from devices.decoders import FORMATS
from ingest.subscriptions import native
from simulators.publisher import Publisher
from store.connect import connect
from tests.benchmarks import loads, rounds
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, Worker, World, wait_for_rest
from tests.tools.servers import Mosquitto
from tests.tools.session import make_session

MESSAGES = 300_000
DEVICES = 1_000
CONNECTIONS = 5_000
_GROUP = "bench"


def collectors(world: World, table: Table) -> None:
    """Rates of one, two and three collectors that share a full queue, and who has how much work with a message.

    The broker, the database and all collectors are on this machine: on two cores a second collector has no core to
    itself, and what the figures show is what sharing costs, not what a second machine brings.
    """
    runs: dict[int, list[dict[str, tuple[float, str]]]] = {1: [], 2: [], 3: []}
    for _ in range(rounds.ROUNDS):
        for number, found in runs.items():
            found.append(_shared(world, number))
    for number, found in runs.items():
        for name, (_, unit) in found[0].items():
            rounds.add(table, f"collectors_{number}{name}", [run[name][0] for run in found], unit)
    for number in (2, 3):
        table.ratio(f"collectors_{number} / collectors_1", f"collectors_{number}", "collectors_1")


def broker_connection(world: World, table: Table) -> None:
    """Memory of the broker for each device that stays connected, without TLS; one that has held nothing before."""
    with tempfile.TemporaryDirectory() as folder, Mosquitto(world.mosquitto.program, Path(folder)) as broker:
        before = _resident(broker.pid)
        with ExitStack() as stack:
            for number in range(CONNECTIONS):
                line = stack.enter_context(socket.create_connection((HOST, broker.port), timeout=10))
                line.sendall(mqtt5.ConnectPacket(f"bench-device-{number}", clean_start=True, keep_alive=600).write())
                if line.recv(1)[:1] != b"\x20":  # CONNACK
                    raise RuntimeError("the broker took no connection")
            grown = _resident(broker.pid) - before
    table.add("broker_connection", grown / CONNECTIONS, "bytes")


def _resident(pid: int) -> int:
    """Resident memory [bytes]."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) * 1024


def _shared(world: World, number: int) -> dict[str, tuple[float, str]]:
    """Messages/s from the first connection to the last commit; processor time a message of each that works on it."""
    name = f"bench-shared-{number}-{time.monotonic_ns()}"
    server, port = world.cluster.server, world.mosquitto.port
    if server is None or server.pid is None:
        raise RuntimeError("this benchmark looks at its database server")
    postmaster = server.pid
    filters = [(f"$share/{_GROUP}/{item.filter}", item.qos) for item in native(FORMATS)]
    for slot in range(number):
        make_session(port, f"{name}-{slot}", filters)
    with Publisher(HOST, port) as publisher:
        publisher.publish(loads.native(MESSAGES, DEVICES), deadline=300)
    with world.database(loads.meters(DEVICES)) as url, ExitStack() as stack:
        job = {"kind": "collect", "port": port, "database": url, "client_id": name, "shared_group": _GROUP}
        broker, database = _cpu(world.mosquitto.pid), _cpu(postmaster)
        workers = [stack.enter_context(Worker({**job, "messages": 0})) for _ in range(number)]
        for worker in workers:
            worker.subscribed()
        while _taken(url) < MESSAGES:
            time.sleep(0.05)
        broker, database = _cpu(world.mosquitto.pid) - broker, _cpu(postmaster) - database
        end = _last_commit(url)
        found = [worker.result() for worker in workers]
    for slot in range(number):
        make_session(port, f"{name}-{slot}", [], end=True)
    received = sum(one["messages"] for one in found)
    if received != MESSAGES:
        raise RuntimeError(f"{received:.0f} messages received, {MESSAGES} sent")
    wait_for_rest()
    cpu = {"_cpu": sum(one["cpu"] for one in found), "_broker_cpu": broker, "_database_cpu": database}
    return {
        "": (MESSAGES / (end - min(one["began"] for one in found)), "messages/s"),
        **{name: (used / MESSAGES * 1e6, "us/message") for name, used in cpu.items()},
    }


def _cpu(pid: int) -> float:
    """Processor time of a program and all that it has begun and not ended [s]."""
    program = psutil.Process(pid)
    times = [one.cpu_times() for one in (program, *program.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _taken(url: str) -> int:
    """Messages in the accounts of all collectors: they are written with the readings."""
    with connect(url) as connection:
        row = connection.execute("select coalesce(sum(messages_received), 0) from accounting").fetchone()
    assert row is not None
    return int(row[0])


def _last_commit(url: str) -> float:
    """When the last reading was committed, by the server's clock [s since 1970]; every message must be one."""
    with connect(url) as connection:
        row = connection.execute(
            "select count(*), extract(epoch from max(pg_xact_commit_timestamp(xmin))) from reading"
        ).fetchone()
    assert row is not None
    if row[0] != MESSAGES:
        raise RuntimeError(f"{row[0]} readings in the table, {MESSAGES} expected")
    return float(row[1])
