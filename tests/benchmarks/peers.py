"""``make bench-peers``: the collector beside Telegraf and a bare client, in turn, each with the same full queue.

Everything is seen from outside, in the same way for all. Rates come from the commit times that the database notes for
each row, CPU and memory from what the system says of the process, from its start to the commit of the last message.

Example: python -m tests.benchmarks.peers 5
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import psycopg

from devices.decoders import FORMATS
from ingest.subscriptions import native
from simulators.publisher import Message
from store.connect import connect
from tests.benchmarks import frost_mqtt, loads, telegraf
from tests.benchmarks.__main__ import OUTPUT
from tests.benchmarks.memory import highest_memory
from tests.benchmarks.seen import Seen, cpu, flowing
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest
from tests.judges.sources import NotHad
from tests.tools.collector import Collector
from tests.tools.program import WITH_US

MESSAGES, DEVICES, ROUNDS = 500_000, 1_000, 5
#: A short queue in which every so many-th message comes twice.
SHORT, REPEATED = 60_000, 400
#: The last messages of a queue are of a later time, so in a chunk of their own: to count them costs next to nothing.
TAIL = 10_000
_START, _LATER = datetime(2026, 2, 1, tzinfo=UTC), timedelta(days=70)
#: So long a queue may take [s].
_PATIENCE = 600.0

_COMMITS = """
select extract(epoch from pg_xact_commit_timestamp(xmin))::float8, count(*) from public.reading group by 1 order by 1
"""
_ROWS = "select count(*), count(distinct ({series}, time)) from public.reading"

#: The peers, as they are printed. The bare client stores nothing.
PEERS = {
    "ours": "borough collect",
    "telegraf": "Telegraf, no key",
    "telegraf_key": "Telegraf, primary key",
    "frost": "FROST-Server",
    "bare": "a bare client",
}
#: FROST-Server takes so few a second that it gets fewer.
OBSERVATIONS = 20_000
UNITS = {"flowing": "messages/s", "from_start": "messages/s", "cpu": "us/message", "memory": "bytes"}


class Running(NamedTuple):
    """A peer at work: its process, its database and the column that tells its series."""

    pid: int
    started: float
    database: str
    series: str


def queue(messages: int, again: int = 0) -> Iterator[Message]:
    """Half-hourly readings; the last ``TAIL`` of them later. Every ``again``-th of the first comes twice.

    Both times lie ``TAIL`` messages apart, and the repeats end ``TAIL`` messages before the tail: a batch that holds
    some of the tail has none of them.
    """
    rng = np.random.default_rng(1)
    values = (rng.integers(0, 2_000, messages) / 1000).tolist()
    waiting: list[Message] = []
    for number, value in enumerate(values):
        turn, device = divmod(number, DEVICES)
        time_ = _START + timedelta(minutes=30 * turn) + (_LATER if number >= messages - TAIL else timedelta())
        text = time_.strftime("%Y-%m-%dT%H:%M:%SZ")
        topic = f"borough/smart-meter/meter-{device:05d}/reading"
        message = topic, b'{"time": "%s", "import_interval": %s}' % (text.encode(), repr(value).encode())
        yield message
        if again and number < messages - 3 * TAIL and number % again == 0:
            waiting.append(message)
        if waiting and (number - TAIL) % again == 0 and number >= TAIL:
            yield waiting.pop(0)


def _watch(peer: Running, messages: int) -> Seen:
    """Wait until the tail is committed, and ask the system and the database what it took."""
    later = psycopg.sql.Literal(_START + _LATER)
    asked = psycopg.sql.SQL("select count(*) from public.reading where time >= {}").format(later)
    with connect(peer.database, autocommit=True) as connection:
        while (connection.execute(asked).fetchone() or (0,))[0] < TAIL:
            if time.time() - peer.started > _PATIENCE:
                raise RuntimeError(f"the last messages were not stored within {_PATIENCE:g} s")
            time.sleep(0.02)
        used, memory = cpu(peer.pid), highest_memory(peer.pid)
        commits = [(float(at), int(count)) for at, count in connection.execute(_COMMITS).fetchall()]
        row = connection.execute(_ROWS.format(series=peer.series).encode()).fetchone()
    assert row is not None
    rows, distinct = row
    rate = messages / (commits[-1][0] - peer.started)
    return Seen(flowing(commits), rate, used / messages * 1e6, memory, messages - distinct, rows - distinct)


@contextmanager
def _ours(world: World, session: str, folder: Path) -> Iterator[Running]:
    with world.database(loads.meters(DEVICES)) as url:
        collector = Collector(folder, url, world.mosquitto.url, alone=True, mqtt_client_id=session)
        started = time.time()
        with collector.launch():
            yield Running(collector.pid, started, url, "series_id")
            collector.stop()


@contextmanager
def _telegraf(world: World, session: str, folder: Path, *, unique: bool) -> Iterator[Running]:
    name = world.cluster.create(migrated=False)
    url = world.cluster.url(name)
    telegraf.make_tables(url, unique=unique)
    topics = [item.filter for item in native(FORMATS)]
    arguments = telegraf.settings(folder / "telegraf.conf", url, HOST, world.mosquitto.port, session, topics)
    with (folder / "telegraf.log").open("ab") as log:
        started = time.time()
        process = subprocess.Popen(
            [*WITH_US, str(telegraf.program()), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield Running(process.pid, started, url, "tag_id")
        finally:
            process.kill()
            process.wait()
    world.cluster.drop(name)


def _bare(world: World, session: str) -> Seen:
    """A client that acknowledges what it receives and does nothing else."""
    started = time.time()
    found = world.measure(kind="receive_only", client_id=session, messages=MESSAGES)
    used = found["cpu_with_start"] / MESSAGES * 1e6
    return Seen(MESSAGES / found["seconds"], MESSAGES / (found["ended"] - started), used, int(found["peak"]), 0, 0)


def _measure(world: World, session: str, folder: Path, messages: int, peer: str) -> Seen:
    if peer == "bare":
        return _bare(world, session)
    if peer == "ours":
        running = _ours(world, session, folder)
    else:
        running = _telegraf(world, session, folder, unique=peer == "telegraf_key")
    with running as found:
        return _watch(found, messages)


def main(arguments: list[str]) -> int:
    """Measure so many rounds, print the table, save ``bench.json``."""
    if len(arguments) > 1 or not all(text.isdecimal() and int(text) for text in arguments):
        print("make bench-peers ARGS=ROUNDS: a whole number from 1 up, such as 5", file=sys.stderr)
        return 2
    rounds = int(arguments[0]) if arguments else ROUNDS
    peers = list(PEERS)
    try:
        telegraf.program()
    except NotHad as error:
        print(f"Telegraf is left out: {error}", file=sys.stderr)
        peers = [name for name in peers if not name.startswith("telegraf")]
    if missing := frost_mqtt.given():
        print(missing, file=sys.stderr)
        peers.remove("frost")
    full: dict[str, list[Seen]] = {name: [] for name in peers}
    short: dict[str, Seen] = {}
    with World() as world, tempfile.TemporaryDirectory(prefix="borough-peers-") as folder:
        for number in range(rounds):
            for name in peers:
                print(f"round {number + 1} of {rounds}: {PEERS[name]} ...", file=sys.stderr, flush=True)
                if name == "frost":
                    full[name].append(frost_mqtt.measure(Path(folder), OBSERVATIONS))
                else:
                    full[name].append(_once(world, Path(folder), name, MESSAGES))
                print(full[name][-1], file=sys.stderr, flush=True)
        for name in peers:
            if name == "frost":
                short[name] = frost_mqtt.measure(Path(folder), SHORT, REPEATED, queue=frost_mqtt.QUEUE)
            elif name != "bare":
                short[name] = _once(world, Path(folder), name, SHORT, REPEATED)
    table = Table()
    _fill(table, full, short)
    print(_text(full, short))
    OUTPUT.write_text(json.dumps(table.rows, indent=2) + "\n")
    return 0


def _once(world: World, folder: Path, name: str, messages: int, again: int = 0) -> Seen:
    session = world.queue(queue(messages, again))
    try:
        return _measure(world, session, folder, messages, name)
    finally:
        world.drop_session(session)
        wait_for_rest()


def _fill(table: Table, full: Mapping[str, Sequence[Seen]], short: Mapping[str, Seen]) -> None:
    for name, seen in full.items():
        for figure, unit in UNITS.items():
            found = [float(getattr(one, figure)) for one in seen]
            table.add(f"peers_{name}_{figure}", median(found), unit)
            table.rows[f"peers_{name}_{figure}"] |= {"min": min(found), "max": max(found), "rounds": len(found)}
        for figure in ("lost", "doubled"):
            table.add(f"peers_{name}_{figure}", max(getattr(one, figure) for one in seen), "messages")
    for name, one in short.items():
        table.add(f"peers_{name}_lost_of_repeated", one.lost, "messages")
        table.add(f"peers_{name}_doubled_of_repeated", one.doubled, "messages")
    for figure in UNITS:
        for other in ("telegraf", "telegraf_key", "frost", "bare"):
            table.ratio(f"peers ours / {other}: {figure}", f"peers_ours_{figure}", f"peers_{other}_{figure}")


def _text(full: Mapping[str, Sequence[Seen]], short: Mapping[str, Seen]) -> str:
    """The table as lines: each figure as minimum / median / maximum."""
    heads = ("flowing [1/s]", "from the start [1/s]", "CPU [us]", "memory [MB]")
    lines = [f"{'':<22}" + "".join(f"{head:>34}" for head in heads)]
    for name, seen in full.items():
        cells = []
        for figure, scale, digits in (("flowing", 1, 0), ("from_start", 1, 0), ("cpu", 1, 2), ("memory", 1e-6, 0)):
            found = [getattr(one, figure) * scale for one in seen]
            cells.append(" / ".join(f"{value:,.{digits}f}" for value in (min(found), median(found), max(found))))
        lines.append(f"{PEERS[name]:<22}" + "".join(f"{cell:>34}" for cell in cells))
    lines += [
        "",
        f"{'':<22}{'lost':>8}{'doubled':>9}   of {SHORT:,} messages, every {REPEATED}th of the first half twice",
    ]
    lines += [f"{PEERS[name]:<22}{one.lost:>8,}{one.doubled:>9,}" for name, one in short.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
