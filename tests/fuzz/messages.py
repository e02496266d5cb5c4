"""Hostile messages among good ones, through a real broker, a real collector and a real database.

Wanted: nothing of the good ones is lost or late, the account adds up, memory and kept bytes are bounded, nothing raw
reaches a log or a terminal.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import cbor2

from borough.settings.settings import Settings
from devices.decoders import FORMATS
from devices.device import Device
from devices.families import FAMILIES
from ingest.subscriptions import Subscription
from scripts.parts import prepare
from simulators.publisher import Message, PublishError
from tests.benchmarks.memory import highest_memory
from tests.fuzz import hostile
from tests.tools.account import table_account, total
from tests.tools.collector import Collector
from tests.tools.load import ask, native_load, number, register, stored
from tests.tools.mqtt_session import publish_retained
from tests.tools.program import BOROUGH, environment
from tests.tools.publisher import publish
from tests.tools.servers import TIMESCALE_SETTINGS, Mosquitto, own_cluster, wait_for

CASES = Path(__file__).parent.parent / "cases"
#: What docs/reference/collector.md promises of memory [MB], and of one device's messages to another [s].
MEMORY, DELAY = 300, 10.0
#: Good messages beside so many hostile ones.
_GOOD_SHARE = 10
#: Messages that wait for the collector at most: what is measured is a message's harm, not the queue before it.
_AHEAD, _CHUNK = 300, 100
#: A collector that takes nothing for so long has stopped [s].
_STUCK = 120.0


class Case(NamedTuple):
    """A device of a format with a message that is right."""

    device: Device
    topic: str
    payload: bytes
    format: str


def cases() -> list[Case]:
    """Every device and message of tests/cases."""
    found = []
    for folder in sorted(path.parent for path in CASES.glob("*/*/expected.json")):
        told = tomllib.loads((folder / "device.toml").read_text(encoding="utf-8"))
        (path,) = folder.glob("message.*")
        template = told.get("topic") or FORMATS[folder.parent.name].topics[0]
        topic = template.replace("{device}", told["device"]).replace("{family}", told["family"]).replace("+", "x")
        device = Device(
            told["device"],
            told["family"],
            told["model"],
            personal=FAMILIES[told["family"]].personal,
            attributes=told.get("attributes", {}),
        )
        found.append(Case(device, topic.replace("#", "x"), path.read_bytes(), folder.parent.name))
    return found


Kind = Callable[[random.Random, Case, int], Message]


def _spoiled(chance: random.Random, case: Case, limit: int) -> Message:
    return case.topic, hostile.spoiled(case.payload, chance)[:limit]


def _respelled(chance: random.Random, case: Case, limit: int) -> Message:
    try:
        document = json.loads(case.payload)
    except (ValueError, RecursionError):
        return _spoiled(chance, case, limit)
    return case.topic, hostile.dumps(hostile.respelled(document, chance))[:limit]


def _noise(chance: random.Random, case: Case, limit: int) -> Message:
    return case.topic, chance.randbytes(chance.randrange(200))


def _empty(chance: random.Random, case: Case, limit: int) -> Message:
    return case.topic, b""


def _names(chance: random.Random, case: Case, limit: int) -> Message:
    document = {hostile.text(chance): hostile.value(chance) for _ in range(chance.randrange(1, 12))}
    return case.topic, hostile.dumps({"time": 1_767_225_600 + chance.randrange(10**6), **document})[:limit]


def _numbers(chance: random.Random, case: Case, limit: int) -> Message:
    properties = sorted(FAMILIES[case.device.family].properties)
    word = hostile.pick(chance, ("NaN", "Infinity", "-1e999", "9" * 400, "1e-400", "-0", "0.1e+308", "1E400"))
    return case.topic, f'{{"{hostile.pick(chance, properties)}": {word}}}'.encode()


def _nested(chance: random.Random, case: Case, limit: int) -> Message:
    return case.topic, hostile.nested(hostile.pick(chance, (20, 900, 1_100, 5_000)), chance)[:limit]


def _of_others(chance: random.Random, case: Case, limit: int) -> Message:
    document = {"device_id": hostile.pick(chance, ("good0001", hostile.text(chance))), "pm2_5": 1}
    return case.topic, hostile.dumps(document)[:limit]


def _topics(chance: random.Random, case: Case, limit: int) -> Message:
    family = hostile.pick(chance, (*FAMILIES, "nonsense", "\u202egnp"))
    name = hostile.pick(chance, (case.device.id, f"stranger{chance.randrange(10**9)}", "\u202egnp", "a b", "x" * 300))
    form = hostile.pick(chance, ("reading", "senml", "senmlc"))
    return f"borough/{family}/{name}/{form}", hostile.spoiled(case.payload, chance)[:limit]


def _packs(chance: random.Random, case: Case, limit: int) -> Message:
    name = hostile.pick(chance, ("temperature", "pm2_5", "x", hostile.text(chance)))
    pack: list[dict[str, Any]] = [{"n": name, "v": hostile.pick(chance, (-999, 1e300, 7.5))} for _ in range(20)]
    pack[0]["bn"] = f"{case.device.id}:"
    if chance.random() < 0.5:
        return f"borough/{case.device.family}/{case.device.id}/senml", hostile.dumps(pack)[:limit]
    records = [{0: record["n"], 2: record["v"]} for record in pack]
    return f"borough/{case.device.family}/{case.device.id}/senmlc", cbor2.dumps(records)[:limit]


def _large(chance: random.Random, case: Case, limit: int) -> Message:
    """Up to the limit, in every shape; one in ten is over it."""
    size = chance.randrange(limit // 2, limit)
    device, base = case.device, f"borough/{case.device.family}/{case.device.id}"
    way = chance.randrange(8)
    if way == 0:
        return case.topic, b"".join(b'{"%d":1,' % n for n in range(1)) + b",".join(
            b'"%07d":1' % n for n in range(size // 11)
        ) + b"}"  # fmt: skip
    if way == 1:
        record = b'{"n":"temperature","v":-999}'
        return f"{base}/senml", b'[{"bn":"%s:"},' % device.id.encode() + b",".join([record] * (size // 29)) + b"]"
    if way == 2:
        records = [{0: "temperature", 2: -999, 6: n} for n in range(size // 24)]
        return f"{base}/senmlc", cbor2.dumps(records)
    if way == 3:
        return case.topic, hostile.nested(size // 8, chance)
    if way == 4:
        return f"{base}/reading", b'{"' + b"\\u001b" * (size // 7) + b'":1}'
    if way == 5:
        return f"{base}/reading", b'{"pm2_5":' + b"9" * size + b"}"
    if way == 6:
        return case.topic, chance.randbytes(size)
    return case.topic, bytes(chance.randrange(limit + 1, limit + 100_000))


#: How often each kind comes.
KINDS: tuple[tuple[Kind, float], ...] = (
    (_spoiled, 30), (_respelled, 30), (_noise, 5), (_empty, 2), (_names, 10), (_numbers, 5), (_nested, 3),
    (_of_others, 3), (_topics, 10), (_packs, 5), (_large, 0.3),
)  # fmt: skip


def messages(chance: random.Random, count: int, made: list[Case], limit: int) -> Iterator[Message]:
    """Hostile messages."""
    kinds = [kind for kind, _ in KINDS]
    weights = [weight for _, weight in KINDS]
    for kind in chance.choices(kinds, weights, k=count):
        topic, payload = kind(chance, hostile.pick(chance, made), limit)
        yield topic, bytes(payload)


def subscriptions_file(folder: Path) -> tuple[Path, list[Subscription]]:
    """A file that takes every format on its own topics."""
    wanted = [
        Subscription(topic.replace("{channel}", "0"), name) for name, form in FORMATS.items() for topic in form.topics
    ]
    path = folder / "subscriptions.toml"
    path.write_text("".join(f'[[subscription]]\ntopic = "{one.topic}"\nformat = "{one.format}"\n' for one in wanted))
    return path, wanted


def run(seed: int, count: int, say: Callable[[str], None]) -> list[str]:
    """``count`` hostile messages and a tenth as many good ones; what went wrong."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="borough-fuzz-")))
        parts = prepare()
        cluster = own_cluster("apache", parts.postgres, {**TIMESCALE_SETTINGS, "track_commit_timestamp": "on"})
        stack.callback(cluster.close)
        broker = stack.enter_context(Mosquitto(parts.mosquitto, folder / "mosquitto"))
        database = cluster.url(cluster.create())
        return _Run(seed, count, say, folder, broker, database).run(stack)


class _Run:
    def __init__(
        self, seed: int, count: int, say: Callable[[str], None], folder: Path, broker: Mosquitto, database: str
    ) -> None:
        self.chance = random.Random(seed)
        self.say = say
        self.folder, self.broker, self.database = folder, broker, database
        self.faults: list[str] = []
        self.limit = int(Settings.model_fields["payload_maximum"].default)
        made = {case.device.id: case for case in reversed(cases())}
        self.cases = [case for case in cases() if made[case.device.id].device == case.device]
        self.good = native_load(seed, max(count // _GOOD_SHARE, 20), devices=40, name="good")
        register(database, [*self.good.devices, *(case.device for case in made.values())])
        self.subscriptions, wanted = subscriptions_file(folder)
        self.patterns = [one.pattern() for one in wanted]
        self.count = count
        self.taken = self.bytes = 0
        self.sent_at: list[float] = []

    def run(self, stack: ExitStack) -> list[str]:
        for case in self.chance.sample(self.cases, 10):
            publish_retained(self.broker.port, case.topic, hostile.spoiled(case.payload, self.chance))
        collector = stack.enter_context(
            Collector(self.folder, self.database, self.broker.url, alone=True, subscriptions=self.subscriptions)
        ).start()
        mixed = self._mixed()
        begun = time.monotonic()
        while chunk := [message for _, message in zip(range(_CHUNK), mixed, strict=False)]:
            if not self._send(collector, chunk):
                break
        self._settle(collector, begun)
        memory = highest_memory(collector.pid) / 1e6 if collector.alive else float("inf")
        self.say(f"{self.taken:,} messages of {self.bytes / 1e6:.0f} MB, the collector had {memory:.0f} MB at most")
        if memory > MEMORY:
            self.faults.append(f"the collector had {memory:.0f} MB, {MEMORY} are promised")
        if collector.alive:
            self._account(collector)
            if (status := collector.stop(60)) != 0:
                self.faults.append(f"the collector ended with {status}")
        self._readings()
        self._kept()
        self._shown(collector)
        return self.faults

    def _mixed(self) -> Iterator[Message]:
        """Hostile messages, every tenth followed by a good one."""
        good = iter(self.good.messages)
        for place, message in enumerate(messages(self.chance, self.count, self.cases, self.limit)):
            yield message
            if place % _GOOD_SHARE == _GOOD_SHARE - 1 and (other := next(good, None)) is not None:
                self.sent_at.append(time.time())
                yield other
        for other in good:
            self.sent_at.append(time.time())
            yield other

    def _send(self, collector: Collector, chunk: list[Message]) -> bool:
        try:
            publish(self.broker.port, chunk)
        except (OSError, PublishError, AssertionError) as error:
            self.faults.append(f"the broker does not take it: {error}")
            return False
        for topic, payload in chunk:
            if any(pattern.fullmatch(topic) for pattern in self.patterns):
                self.taken += 1
                self.bytes += len(payload)
        if not wait_for(lambda: not collector.alive or self.taken - self._received(collector) < _AHEAD, _STUCK):
            self.faults.append(f"the collector stands at {self._received(collector)} of {self.taken} messages")
            return False
        if not collector.alive:
            self.faults.append(f"the collector ended: {collector.said()[-1_000:]}")
            return False
        return True

    @staticmethod
    def _received(collector: Collector) -> int:
        """Messages that are done with: committed, and not only heard."""
        if not collector.alive:
            return 0
        metrics = collector.metrics()
        heard = sum(metrics.get("borough_messages_received_total", {}).values())
        return int(heard - sum(metrics.get("borough_messages_in_flight", {}).values()))

    def _settle(self, collector: Collector, begun: float) -> None:
        wait_for(lambda: not collector.alive or self._received(collector) >= self.taken, _STUCK)
        self.say(f"{self.count + len(self.sent_at):,} messages in {time.monotonic() - begun:.0f} s")

    def _account(self, collector: Collector) -> None:
        try:
            told = total(collector.account())
            if told.messages_received < self.taken:
                self.faults.append(f"the account has {told.messages_received} messages, {self.taken} were taken")
            wait_for(lambda: total(table_account(self.database)) == told, 20)
            kept = total(table_account(self.database))
            if kept != told:
                self.faults.append(f"/metrics says {told}, the table {kept}")
        except AssertionError as error:
            self.faults.append(f"the account does not add up: {error}")

    def _readings(self) -> None:
        """Every good reading is there, right and in time."""
        found = stored(self.database)
        sent = self.good.expected
        lost = [key for key, value in sent.items() if found.get(key) != value]
        if lost:
            self.faults.append(f"{len(lost)} of {len(sent)} good readings are lost or wrong, such as {lost[0]}")
        rows = ask(
            self.database,
            "select s.device_id, s.property, (extract(epoch from r.time) * 1000000)::int8,"
            " extract(epoch from pg_xact_commit_timestamp(r.xmin))::float8"
            " from public.reading r join personal.series s on s.id = r.series_id where s.device_id like 'good%'",
        )
        committed = {(row[0], row[1], row[2]): row[3] for row in rows}
        delays = [
            float(str(committed[key])) - at
            for key, at in zip(sent, self.sent_at, strict=False)
            if key in committed and key not in lost
        ]
        if delays:
            self.say(f"good readings stood in the table {max(delays):.1f} s after they were sent at the latest")
            if max(delays) > DELAY:
                self.faults.append(f"a good reading was {max(delays):.1f} s late, {DELAY:g} are promised")

    def _kept(self) -> None:
        """What is kept of rejected messages is not more than came, give or take a database's own need."""
        size = number(
            self.database,
            "select coalesce(sum(pg_total_relation_size(format('%%I.%%I', schemaname, tablename)::regclass)), 0)::int8"
            " from pg_tables where schemaname in ('public', 'personal') and tablename like %s",
            "rejected%",
        )
        rows = number(self.database, "select count(*) from public.rejected")
        self.say(f"{rows:,} rejections are kept, {size / 1e6:.0f} MB for {self.bytes / 1e6:.0f} MB that came")
        if size > 2 * self.bytes + 64e6:
            self.faults.append(f"rejections take {size / 1e6:.0f} MB for {self.bytes / 1e6:.0f} MB that came")

    def _shown(self, collector: Collector) -> None:
        """No log line and no line of the command holds what a terminal would act upon; there is no traceback."""
        log = collector.said()
        if "Traceback" in log:
            self.faults.append(f"a traceback: {log[log.index('Traceback') :][:600]!r}")
        if (line := hostile.raw(log)) is not None:
            self.faults.append(f"the log holds {line[:200]!r}")
        ids = [str(row[0]) for row in ask(self.database, "select id from public.rejected order by id")]
        asked = [["list", "--limit", "100000"]]
        asked += [["show", one] for one in self.chance.sample(ids, min(len(ids), 15))]
        for arguments in asked:
            done = subprocess.run(
                [*BOROUGH, "rejected", *arguments],
                capture_output=True,
                env=environment({"BOROUGH_DATABASE_URL": self.database, "PYTHONIOENCODING": "utf-8:surrogateescape"}),
                cwd=os.getcwd(),
            )
            out = (done.stdout + done.stderr).decode("utf-8", "replace")
            if done.returncode or "Traceback" in out:
                self.faults.append(f"borough rejected {' '.join(arguments)} ended with {done.returncode}: {out[-600:]}")
            if (line := hostile.raw(out)) is not None:
                self.faults.append(f"borough rejected {arguments[0]} shows {line[:200]!r}")
