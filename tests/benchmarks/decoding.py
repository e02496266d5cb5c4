"""Decoding in a process of its own: what that takes off the process that receives, and what handing over costs it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from devices.decoders import FORMATS
from ingest.batch_builder import BatchBuilder
from ingest.options import BrokerOptions, CollectorOptions
from ingest.series_cache import NewSeries
from ingest.source import Chunk
from ingest.subscriptions import native
from ingest.suppressions import Suppressions
from store.batch import SeriesState
from tests.benchmarks import loads
from tests.benchmarks.rounds import ROUNDS, add
from tests.benchmarks.table import Table
from tests.benchmarks.world import World

MESSAGES, DEVICES = 300_000, 1_000
#: Messages that one read of a full queue brings, and that make a batch.
READ, BATCH = 500, 20_000


def decoding(_world: World, table: Table) -> None:
    """CPU time a message [us] of decoding and validating in the process itself; of handing messages to another process
    and taking columns back; of that other one."""
    chunks = list(_chunks())
    found: dict[str, list[float]] = {"decode_here": [], "decode_handed": [], "decode_there": []}
    for _ in range(ROUNDS):
        builder, began = _builder(), time.process_time()
        rows = sum(len(columns[0]) for columns in _batches(builder, chunks))
        found["decode_here"].append(time.process_time() - began)
        handed, there, back = _handed(chunks)
        found["decode_handed"].append(handed)
        found["decode_there"].append(there)
        if not rows == back == MESSAGES:
            raise RuntimeError(f"{rows} and {back} rows of {MESSAGES} messages")
    for name, seconds in found.items():
        add(table, name, [each / MESSAGES * 1e6 for each in seconds], "us/message")
    table.ratio("decode_handed / decode_here", "decode_handed", "decode_here")


def _chunks() -> Iterator[Chunk]:
    messages = list(loads.native(MESSAGES, DEVICES))
    arrival = 1_780_000_000_000_000
    for first in range(0, MESSAGES, READ):
        topics, payloads = zip(*messages[first : first + READ], strict=True)
        ids = list(range(1, READ + 1))
        yield Chunk(0, arrival, sum(map(len, payloads)), list(topics), list(payloads), ids, [0] * READ)


def _builder() -> BatchBuilder:
    options = CollectorOptions("postgresql://", BrokerOptions(), native(FORMATS))
    known: dict[tuple[str, str], int] = {}

    def resolve(new: Sequence[NewSeries]) -> list[SeriesState]:
        return [
            SeriesState(known.setdefault((one.device.id, one.property), len(known) + 1), None, float("nan"))
            for one in new
        ]

    builder = BatchBuilder(options, Suppressions(None), resolve, name="bench")
    builder.routes.update(loads.meters(DEVICES))
    return builder


def _batches(builder: BatchBuilder, chunks: Iterable[Chunk]) -> Iterator[tuple[Any, ...]]:
    """The columns of batches, and the packet ids that are to be acknowledged once they are stored."""
    for number, chunk in enumerate(chunks, 1):
        builder.receive(chunk)
        if number * READ % BATCH == 0:
            pending = builder.take()
            batch = builder.build(chunk.arrival, pending).batch
            yield batch.series, batch.time, batch.value, pending.acknowledgements()


def _handed(chunks: Sequence[Chunk]) -> tuple[float, float, int]:
    """CPU time of this process and of the other [s], and how many rows came back."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_decode, args=(there,))
    process.start()
    here.recv()  # it is ready
    began, rows = time.process_time(), 0
    for number, chunk in enumerate(chunks, 1):
        here.send(chunk)
        if number * READ % BATCH == 0:
            rows += len(here.recv()[0])
    used = time.process_time() - began
    here.send(None)
    other: float = here.recv()
    process.join()
    return used, other, rows


def _decode(line: Connection) -> None:
    builder = _builder()
    line.send(np.empty(0))
    began = time.process_time()
    received = iter(line.recv, None)
    for columns in _batches(builder, received):
        line.send(columns)
    line.send(time.process_time() - began)
