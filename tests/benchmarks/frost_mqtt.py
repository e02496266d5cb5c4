"""FROST-Server's inserts over MQTT as a peer of the collector: given its MQTT part, and a database of its web part.

``BOROUGH_BENCH_FROST_MQTT`` is the jar with all that it needs (its module FROST-Server.MQTT), and
``BOROUGH_BENCH_FROST_DATABASE`` a database with Datastreams, as ``make bench ARGS=sta`` leaves it. It has a broker of
its own and takes an Observation for each message; so it finds no queue, and who sends waits for its acknowledgements.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from borough.postgres_server import free_port
from simulators.publisher import Message, Publisher
from tests.benchmarks.memory import highest_memory
from tests.benchmarks.seen import Seen, cpu, flowing
from tests.tools.program import WITH_US
from tests.tools.servers import wait_for

#: Observations that may wait to be written; what comes beyond is not kept. Its own, and one that loses nothing.
QUEUE, ENDLESS = 100, 1_000_000
_HOST = "127.0.0.1"
_PROGRAM, _DATABASE = "BOROUGH_BENCH_FROST_MQTT", "BOROUGH_BENCH_FROST_DATABASE"
#: Before this nothing of the database's own is; each queue begins a month later than the one before.
_START, _MONTH = datetime(2030, 1, 1, tzinfo=UTC), timedelta(days=31)
#: Unacknowledged messages of the sender; so long nothing new comes and the queue counts as done, and may take [s].
_WINDOW, _STILL, _PATIENCE = 200, 10.0, 600.0

_SETTINGS = """\
serviceRootUrl=http://{host}/FROST-Server
mqtt.mqttServerImplementationClass=de.fraunhofer.iosb.ilt.frostserver.mqtt.moquette.MoquetteMqttServer
mqtt.Enabled=true
mqtt.Host={host}
mqtt.internalHost={host}
mqtt.Port={port}
mqtt.WebsocketPort={web}
mqtt.QoS=1
mqtt.persistentStoreType=memory
mqtt.WaitForEnter=false
mqtt.CreateMessageQueueSize={queue}
mqtt.CreateThreadPoolSize=10
bus.busImplementationClass=de.fraunhofer.iosb.ilt.frostserver.messagebus.InternalMessageBus
persistence.persistenceManagerImplementationClass=\
de.fraunhofer.iosb.ilt.frostserver.persistence.pgjooq.PostgresPersistenceManager
persistence.idGenerationMode=ServerGeneratedOnly
persistence.autoUpdateDatabase=false
persistence.db.driver=org.postgresql.Driver
persistence.db.url=jdbc:postgresql://{place}
persistence.db.username={user}
persistence.db.password={password}
"""
_ROWS = '"OBSERVATIONS" where "PHENOMENON_TIME_START" >= %s and "PHENOMENON_TIME_START" < %s'
_KEY = '("DATASTREAM_ID", "PHENOMENON_TIME_START")'


def given() -> str | None:
    """Why there is no peer; None: there is one."""
    missing = [name for name in (_PROGRAM, _DATABASE) if name not in os.environ]
    return f"FROST-Server is left out: {' and '.join(missing)} not given" if missing else None


def measure(folder: Path, messages: int, again: int = 0, *, queue: int = ENDLESS) -> Seen:
    """Start it, send so many Observations, every ``again``-th of them twice, and see what is stored."""
    database = urlsplit(os.environ[_DATABASE])
    port = free_port()
    text = _SETTINGS.format(
        host=_HOST, port=port, web=free_port(), queue=queue, user=database.username, password=database.password or "",
        place=f"{database.hostname}:{database.port or 5432}{database.path}",
    )  # fmt: skip
    (folder / "FrostMqtt.properties").write_text(text)
    with (
        psycopg.connect(os.environ[_DATABASE], autocommit=True) as connection,
        (folder / "frost.log").open("ab") as log,
    ):
        streams = [number for (number,) in connection.execute('select "ID" from "DATASTREAMS" order by "ID"')]
        latest = connection.execute('select max("PHENOMENON_TIME_START") from "OBSERVATIONS"').fetchone()
        start = max(_START, (latest or (None,))[0] or _START) + _MONTH
        java = ["java", "-Xmx2g", "-jar", os.environ[_PROGRAM], "FrostMqtt.properties"]
        started = time.time()
        process = subprocess.Popen([*WITH_US, *java], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            if not wait_for(lambda: _listens(port), _PATIENCE):
                raise RuntimeError(f"FROST-Server does not listen: {(folder / 'frost.log').read_text()[-2000:]}")
            with ThreadPoolExecutor(1) as pool:
                sent = pool.submit(_send, port, _observations(streams, start, messages, again))
                return _seen(connection, sent, process.pid, started, start, messages)
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((_HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _send(port: int, messages: Iterator[Message]) -> None:
    """Send all of them and wait for every acknowledgement."""
    with Publisher(_HOST, port, protocol=4, window=_WINDOW, client_id="bench") as publisher:
        publisher.publish(messages, deadline=_PATIENCE)


def _observations(streams: list[int], start: datetime, messages: int, again: int) -> Iterator[Message]:
    for number in range(messages):
        turn, place = divmod(number, len(streams))
        at = (start + timedelta(seconds=turn)).strftime("%Y-%m-%dT%H:%M:%SZ")
        topic = f"v1.1/Datastreams({streams[place]})/Observations"
        message = topic, b'{"phenomenonTime": "%s", "result": %d.5}' % (at.encode(), number % 2_000)
        yield message
        if again and number % again == 0:
            yield message


def _seen(
    connection: psycopg.Connection, sent: Future[None], pid: int, started: float, start: datetime, messages: int
) -> Seen:
    """Look each tenth of a second at what is there, until all is, or nothing new comes."""
    span = (start, start + _MONTH)
    looks: list[tuple[float, int]] = []
    before, changed = 0, time.time()
    while before < messages and (not sent.done() or time.time() - changed < _STILL):
        time.sleep(0.1)
        ((rows,),) = connection.execute(f"select count(*) from {_ROWS}".encode(), span).fetchall()
        now = time.time()
        if rows > before:
            looks.append((now, rows - before))
            before, changed = rows, now
    sent.result()
    used, memory = cpu(pid), highest_memory(pid)
    ((rows, distinct),) = connection.execute(f"select count(*), count(distinct {_KEY}) from {_ROWS}".encode(), span)
    whole = before / (looks[-1][0] - started)
    return Seen(flowing(looks), whole, used / before * 1e6, memory, messages - distinct, rows - distinct)
