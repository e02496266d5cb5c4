"""A full queue through the collector, and past it: five rounds of every kind in turn, so that noise meets all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.device import Device
from simulators.publisher import Message
from store.connect import connect
from tests.benchmarks import loads
from tests.benchmarks.rounds import ROUNDS, add
from tests.benchmarks.table import Table
from tests.benchmarks.world import World, wait_for_rest

MESSAGES, DEVICES = 300_000, 1_000
PACKS, PAHO, GLOW, DISPLAYS = 20_000, 60_000, 500_000, 2_000
#: Readings of a pack.
_PACKED = 48


@dataclass(frozen=True, slots=True)
class Queue:
    """A kind of queue: how many messages, which, from which devices, how many readings become rows, for what job."""

    messages: int
    load: Callable[[], Iterable[Message]]
    devices: Callable[[], Sequence[Device]]
    #: None: not looked at, for what a display repeats becomes no row.
    rows: int | None
    job: Mapping[str, Any]
    unit: str = "messages/s"


def _meters() -> Sequence[Device]:
    return loads.meters(DEVICES)


_COLLECT = {"kind": "collect"}
KINDS: Mapping[str, Queue] = {
    # the ceiling: the mqtt5 source with nothing behind it
    "receive_only": Queue(MESSAGES, lambda: loads.native(MESSAGES, DEVICES), _meters, 0, {"kind": "receive_only"}),
    # through decode, checks, COPY, commit and PUBACK
    "drain": Queue(MESSAGES, lambda: loads.native(MESSAGES, DEVICES), _meters, MESSAGES, _COLLECT),
    # every hundredth message is malformed
    "drain_malformed": Queue(
        MESSAGES, lambda: loads.malformed(MESSAGES, DEVICES), _meters, MESSAGES - MESSAGES // 100, _COLLECT
    ),
    # displays, half of whose messages are the gas register again and again
    "drain_glow": Queue(
        GLOW, lambda: loads.glow(GLOW, DISPLAYS), lambda: loads.displays(DISPLAYS), None, {**_COLLECT, "glow": True}
    ),
    # SenML JSON packs
    "packs": Queue(PACKS, lambda: loads.packs(PACKS, DEVICES), _meters, PACKS * _PACKED, _COLLECT, "readings/s"),
    # by the MQTT 3.1.1 source
    "paho": Queue(PAHO, lambda: loads.native(PAHO, DEVICES), _meters, PAHO, {**_COLLECT, "source": "paho"}),
}


def queues(world: World, table: Table) -> None:
    """Rates of every kind, and the CPU time of the collector a message [us]; once a run, whichever is asked for."""
    if "drain" in table.rows:
        return
    rates: dict[str, list[float]] = {name: [] for name in KINDS}
    cpu: list[float] = []
    for _ in range(ROUNDS):
        for name, kind in KINDS.items():
            found = _drained(world, kind)
            per = found["readings"] if name == "packs" else kind.messages
            rates[name].append(per / found["seconds"])
            if name == "drain":
                cpu.append(found["cpu"] / kind.messages * 1e6)
    for name, kind in KINDS.items():
        add(table, name, rates[name], kind.unit)
    add(table, "drain_cpu", cpu, "us/message")
    for part, whole in (("drain", "receive_only"), ("drain_malformed", "drain"), ("drain_glow", "drain")):
        table.ratio(f"{part} / {whole}", part, whole)


def _drained(world: World, kind: Queue) -> dict[str, float]:
    session = world.queue(kind.load(), glow=bool(kind.job.get("glow")))
    with world.database(kind.devices()) as url:
        found = world.measure(**kind.job, database=url, client_id=session, messages=kind.messages)
        if kind.rows is not None:
            expect_rows(url, kind.rows)
    world.drop_session(session)
    return found


def rows(url: str) -> int:
    """Readings in the table."""
    with connect(url) as connection:
        row = connection.execute("select count(*) from reading").fetchone()
    assert row is not None
    return int(row[0])


def expect_rows(url: str, expected: int) -> None:
    """A figure for work that was not done is worse than none."""
    found = rows(url)
    if found != expected:
        raise RuntimeError(f"{found} readings in the table, {expected} expected")
    wait_for_rest()
