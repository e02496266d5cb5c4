"""What everyday work costs in a borough of ten million readings, and in the same borough when it is older.

Databases of several sizes stand on one server, and each piece of work is done in all of them in turn, several rounds of
it: so whatever else the machine does meets all. A price is the CPU time [s] of everybody who takes part, the database's
processes, the site's and our own; the least of the rounds counts. Beside it stands how long it took by the clock.
"""

from __future__ import annotations

import http.client
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import psutil

from analytics.energy import daily_runner
from borough.rights import erase as erasing
from borough.rights.context import ErasureContext
from borough.settings.collector import collector_options
from borough.settings.settings import Settings
from dashboard.open_data.spans import DAYS
from ingest.archive_files import Frame
from ingest.correct import FrameSource, Request, correct
from ingest.options import CollectorOptions
from store import tombstones, touched
from store.connect import connect
from store.times import instant
from store.writer import Writer
from tests.benchmarks import growth_town
from tests.benchmarks.growth_town import DAY, HALF_HOUR, ZONE, Town
from tests.benchmarks.pages import serving
from tests.benchmarks.world import HOST
from tests.tools.batches import fates, make
from tests.tools.load import rfc3339
from tests.tools.servers import Cluster
from tests.tools.site import COOKIE
from tests.worlds.household import KEY

ROUNDS = 5
#: Readings of a batch, of a late batch; messages of a corrected day by devices of 48 half-hours each.
BATCH, LATE, CORRECTED = 5_000, 500, 20
#: Days before the end of what is late, corrected and computed: the first two lie in the columnstore.
LATE_DAYS, CORRECTED_DAYS, NEW_DAYS = 20, 15, 8

#: Prepares a piece of work; what it returns does it, and says how many of it were done.
Work = Callable[["_Measured", int], Callable[[], int]]


@dataclass
class Growth:
    """Figures of a run. ``cpu`` and ``clock``: name -> readings of the town -> rounds [s, each piece]."""

    tier: str
    sizes: dict[int, int] = field(default_factory=dict)
    bytes: dict[int, int] = field(default_factory=dict)
    cpu: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    clock: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    load: list[float] = field(default_factory=list)

    def price(self, name: str, size: int) -> float:
        """CPU time of a piece of work in a town, the least of the rounds [s]."""
        return min(self.cpu[name][size])

    def wait(self, name: str, size: int) -> float:
        """How long it took by the clock, the median of the rounds [s]."""
        return float(np.median(self.clock[name][size]))

    def ratio(self, name: str, size: int) -> float:
        """How much more it costs in a town than in the smallest."""
        return self.price(name, size) / self.price(name, min(self.sizes))

    def save(self, path: Path) -> None:
        """Keep all rounds."""
        path.write_text(json.dumps(self.__dict__, indent=1) + "\n")

    def text(self) -> str:
        """The table: bytes a reading, then the price in each town [ms of CPU, ms by the clock], and the ratio."""
        sizes = sorted(self.sizes)
        lines = [f"{self.tier}; load {', '.join(f'{one:.0f}' for one in self.load)}"]
        lines.append("readings    " + "  ".join(f"{self.sizes[size]:>21,}" for size in sizes))
        lines.append("bytes each  " + "  ".join(f"{self.bytes[size] / self.sizes[size]:>21.1f}" for size in sizes))
        for name in self.cpu:
            parts = [f"{1e3 * self.price(name, size):>9.3f}{1e3 * self.wait(name, size):>12.3f}" for size in sizes]
            lines.append(f"{name:<12}" + "  ".join(parts) + f"  {self.ratio(name, sizes[-1]):.2f} x")
        return "\n".join(lines)


class _Measured:
    """A town with its site, and who works in it."""

    def __init__(self, town: Town, stack: ExitStack, folder: Path, server: psutil.Process) -> None:
        self.town = town
        self.server = server
        self.log = folder / f"tombstones-{town.readings}"
        self.port = stack.enter_context(serving(town.url))
        self.site = _listener(self.port)
        self.writer = Writer(town.url)
        stack.callback(self.writer.close)
        self.connection = stack.enter_context(connect(town.url))
        self.late = town.missing(town.end - LATE_DAYS * DAY, town.end - (LATE_DAYS - 5) * DAY)

    def cpu(self) -> float:
        """CPU time of the database's server, of the site and of this process so far [s]."""
        return _tree(self.server) + _tree(self.site) + time.process_time()

    def get(self, path: str, cookie: str | None, right: bytes) -> None:
        """Ask for a page and look whether it is the one."""
        asked = http.client.HTTPConnection(HOST, self.port, timeout=120)
        asked.request("GET", path, headers={} if cookie is None else {"Cookie": f"{COOKIE}={cookie}"})
        answer = asked.getresponse()
        body = answer.read()
        asked.close()
        if answer.status != 200 or right not in body:
            raise RuntimeError(f"{path}: status {answer.status}, without {right!r}: {body[:300]!r}")


def measure(cluster: Cluster, millions: Sequence[int], rounds: int = ROUNDS, names: Sequence[str] = ()) -> Growth:
    """Fill a town of each size [millions of readings] and measure every work, or those of ``names``, in each."""
    growth = Growth(cluster.tier)
    databases: list[str] = []
    try:
        with tempfile.TemporaryDirectory(prefix="borough-growth-") as folder, ExitStack() as stack:
            towns = []
            for size in sorted(millions):
                databases.append(cluster.create())
                town = growth_town.fill(cluster.url(databases[-1]), size * 1_000_000)
                growth.sizes[size], growth.bytes[size] = town.readings, town.bytes
                towns.append((size, _Measured(town, stack, Path(folder), _postmaster(town.url))))
            for turn in range(-1, rounds):
                growth.load.append(os.getloadavg()[0])
                for name, work in WORKS.items():
                    for size, measured in towns if not names or name in names else ():
                        _one(growth, name, size, measured, work, turn)
    finally:
        for name in databases:
            cluster.drop(name)
    return growth


def _one(growth: Growth, name: str, size: int, measured: _Measured, work: Work, turn: int) -> None:
    """One round; the first, numbered -1, warms up and does not count."""
    do = work(measured, turn + 1)
    cpu, clock = measured.cpu(), time.perf_counter()
    done = do()
    clock, cpu = time.perf_counter() - clock, measured.cpu() - cpu
    if turn >= 0:
        growth.cpu.setdefault(name, {}).setdefault(size, []).append(cpu / done)
        growth.clock.setdefault(name, {}).setdefault(size, []).append(clock / done)


# -- the works ---------------------------------------------------------------------------------------------------------


def _written(measured: _Measured, turn: int) -> Callable[[], int]:
    at = measured.town.end + turn * HALF_HOUR
    return _write(measured, [(one, at, 0.5) for one in measured.town.meters[:BATCH].tolist()])


def _late(measured: _Measured, _turn: int) -> Callable[[], int]:
    return _write(measured, [(*next(measured.late), 0.25) for _ in range(LATE)])


def _write(measured: _Measured, rows: Sequence[tuple[int, int, float]]) -> Callable[[], int]:
    measured.town.batches += 1
    ids, times = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    days = touched.days_of(("smart-meter",), np.zeros(len(rows), np.uint8), ids.astype(np.int32), times)
    # of erasures that were made here meanwhile a collector knows, too
    known = tombstones.version(measured.connection)
    measured.connection.commit()
    batch = make(rows, measured.town.batches, touched=days, tombstones=known)

    def write() -> int:
        if fates(measured.writer.write(batch)) != (len(rows), 0, 0, 0):
            raise RuntimeError("not every reading of the batch is new")
        return len(rows)

    return write


def _page(measured: _Measured, turn: int) -> Callable[[], int]:
    return _pages(measured, turn, "/home", b"How your home compares")


def _day(measured: _Measured, turn: int) -> Callable[[], int]:
    day = instant(measured.town.end - 3 * DAY).date()
    return _pages(measured, turn, f"/home/day?date={day}", b"kWh")


def _pages(measured: _Measured, turn: int, path: str, right: bytes) -> Callable[[], int]:
    cookies = measured.town.residents
    some = [cookies[(turn * 20 + place) % len(cookies)] for place in range(20)]

    def look() -> int:
        for cookie in some:
            measured.get(path, cookie, right)
        return len(some)

    return look


def _board(measured: _Measured, _turn: int) -> Callable[[], int]:
    def look() -> int:
        # the kernel counts CPU time in hundredths of a second
        for _ in range(20):
            measured.get("/parking/board", measured.town.officer, b'<tr id="bay-')
        return 20

    return look


def _observations(measured: _Measured, turn: int) -> Callable[[], int]:
    def look() -> int:
        for one in measured.town.air[turn * 20 : turn * 20 + 20].tolist():
            measured.get(f"/sta/v1.1/Datastreams({one})/Observations?$top=100", None, b'"result"')
        return 20

    return look


def _export(measured: _Measured, _turn: int) -> Callable[[], int]:
    town = measured.town
    first = max(instant(town.start).date(), town.last_day - timedelta(days=DAYS - 1))
    path = f"/open-data/exports/air-monitor.csv?from={first}&to={town.last_day}"

    def look() -> int:
        for _ in range(10):
            asked = http.client.HTTPConnection(HOST, measured.port, timeout=120)
            asked.request("GET", path)
            answer = asked.getresponse()
            first = answer.read(1)
            asked.close()
            if answer.status != 200 or not first:
                raise RuntimeError(f"{path}: status {answer.status}, {first!r}")
        return 10

    return look


def _erased(measured: _Measured, turn: int) -> Callable[[], int]:
    tenancies = [20_000_000_000_000 + 10 * number for number in range(1 + 3 * turn, 4 + 3 * turn)]
    context = ErasureContext(measured.town.url, KEY, measured.log, ZONE, _options(measured.town.url), [])

    def erase() -> int:
        for tenancy in tenancies:
            report = erasing.erase(context, tenancy)
            # a fortnight of half-hours, but for those that are missing
            if not 600 <= report.rows["public.reading"] <= 14 * 48:
                raise RuntimeError(f"{report.rows['public.reading']} readings of a household were erased")
        return len(tenancies)

    return erase


def _options(url: str) -> CollectorOptions:
    return replace(collector_options(Settings(database_url=url, mqtt_url=f"mqtt://{HOST}:1")), tombstone_key=KEY)


def _corrected(measured: _Measured, turn: int) -> Callable[[], int]:
    town = measured.town
    first = town.end - CORRECTED_DAYS * DAY
    names = [f"meter-{1 + 10 * (turn * CORRECTED + place)}" for place in range(CORRECTED)]

    def frames() -> Iterator[Frame]:
        for name in names:
            times = [first + place * HALF_HOUR for place in range(48)]
            texts = [json.dumps({"time": rfc3339(at), "import_interval": 2.5}).encode() for at in times]
            topics = [f"borough/smart-meter/{name}/reading"] * len(times)
            yield Frame(topics, texts, [name] * len(times), np.array(times, np.int64) + 60_000_000)

    def work() -> int:
        request = Request(first, first + DAY, "test", "growth")
        done = correct(_options(town.url), FrameSource("growth", frames), request)
        if done.tally.superseded + done.tally.inserted != 48 * CORRECTED:
            raise RuntimeError(f"not every reading was corrected: {done.tally}")
        return 1

    return work


def _analysed(measured: _Measured, turn: int) -> Callable[[], int]:
    day = instant(measured.town.end - (NEW_DAYS + turn) * DAY).date()
    with measured.connection.transaction():
        measured.connection.execute("delete from public.touched_day")
        measured.connection.execute("delete from personal.touched_home")
        measured.connection.execute("insert into public.touched_day (family, day) values ('smart-meter', %s)", (day,))

    def analyse() -> int:
        changed = daily_runner.update(measured.connection, ZONE, _Gas())
        measured.connection.commit()
        if changed.more or len(np.unique(changed.home)) < growth_town.METERS / 2:
            raise RuntimeError(f"days of {len(np.unique(changed.home))} homes were computed")
        return 1

    return analyse


class _Gas:
    """What gas there is has one calorific value."""

    def gas_kwh(self, volume: float, day: date) -> float:
        return volume * 11.2


WORKS: Mapping[str, Work] = {
    "written": _written,
    "late": _late,
    "page": _page,
    "day": _day,
    "board": _board,
    "sta_page": _observations,
    "export_first": _export,
    "erasure": _erased,
    "correction": _corrected,
    "analyse": _analysed,
}


# -- CPU time ----------------------------------------------------------------------------------------------------------


def _postmaster(url: str) -> psutil.Process:
    """The server's process, which is on this machine."""
    with connect(url, autocommit=True) as connection:
        row = connection.execute("select pg_read_file('postmaster.pid')").fetchone()
    assert row is not None
    return psutil.Process(int(row[0].split("\n", 1)[0]))


def _listener(port: int) -> psutil.Process:
    """The process that listens on a port: a child of ours."""
    for child in psutil.Process().children(recursive=True):
        if any(one.laddr.port == port for one in child.net_connections("tcp") if one.status == psutil.CONN_LISTEN):
            return child
    raise RuntimeError(f"nobody listens on port {port}")


def _tree(process: psutil.Process) -> float:
    """CPU time of a process and all that came of it [s].

    Of those that live to the nanosecond; where threads may have ended, and of who ended, in ticks of 10 ms.
    """
    ended = process.cpu_times()
    total = float(ended.children_user + ended.children_system)
    for one in (process, *process.children(recursive=True)):
        try:
            if one.num_threads() == 1:
                total += int(Path(f"/proc/{one.pid}/schedstat").read_text().split()[0]) / 1e9
            else:
                spent = one.cpu_times()
                total += spent.user + spent.system
        except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):  # it ended just now: its parent counts it
            continue
    return total
