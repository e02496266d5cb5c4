"""One replay from its options to how it went: source, messages, ledger, checkpoint. A command and a worker run it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from borough.database import database
from borough.replay import plan
from borough.replay.checkpoint import Checkpoint, load
from borough.replay.ledger import ExpectedOutcome, LedgerParts, ReplayLedger
from borough.replay.messages import Outgoing
from borough.replay.pace import Pace
from borough.replay.sender import Progress, Sender, Stop
from borough.replay.sources import source_of
from borough.settings.collector import broker_options, registry_known, subscriptions
from borough.settings.settings import Settings
from devices.counts import counted
from devices.device import Device
from ingest.tls import check_tls
from simulators.ledger import NO_TIME

_SECOND = 1_000_000
#: Messages and their bytes that are looked at together in a dry run.
_CHUNK, _CHUNK_BYTES = 10_000, 8 << 20


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay went: whether to its end, how far, its readings and what should become of them, how long [s]."""

    done: bool
    progress: Progress
    readings: int
    expected: dict[str, int]
    seconds: float = 0.0


class Job:
    """One replay: its source and its messages. ``resumed``: an earlier start left its checkpoint.

    Raises UsageError, MappingError, RecordingError, Failure for what cannot be replayed.
    """

    def __init__(
        self, settings: Settings, options: plan.ReplayOptions, speed: float, checkpoint: Path | None, *, register: bool
    ) -> None:
        self.settings = settings
        self.broker = replace(broker_options(settings), client_id="")
        check_tls(self.broker)
        self.pace = Pace(speed)
        self.source = source_of(settings, options, register=register)
        self.path = checkpoint
        terms = plan.plan_of(self.source.options, self.source.mapping, self.pace.speed)
        found = load(checkpoint, terms) if checkpoint is not None else None
        self.resumed = found is not None
        if found is None:
            now = time.time_ns() // 1000
            found = Checkpoint(terms, now, self.source.shift_to(now))
        self.messages = self.source.messages(found.shift)
        self.checkpoint = found

    def dry_run(self, writer: Callable[[], LedgerParts] | None) -> Replayed:
        """Read everything, send nothing."""
        count, at = 0, 0
        with self._book(writer) as book:
            held: list[Outgoing] = []
            size = 0
            for message in self.messages:
                held.append(message)
                size += len(message.payload) + len(message.topic)
                at = message.due
                if len(held) == _CHUNK or size >= _CHUNK_BYTES:
                    book.append(count, held, [NO_TIME] * len(held))
                    count += len(held)
                    held, size = [], 0
            book.append(count, held, [NO_TIME] * len(held))
            count += len(held)
        return _replayed(book, Progress(sent=count, at=at), done=True)

    def run(
        self,
        writer: Callable[[], LedgerParts] | None,
        stop: Stop,
        watch: Callable[[Progress], None],
        keep: Callable[[Checkpoint, Sequence[int], Callable[[], None]], Checkpoint] | None = None,
        linger: Callable[[Callable[[], None]], None] = lambda _flush: None,
    ) -> Replayed:
        """Send everything that is not out, until somebody asks to stop.

        ``keep`` is given the checkpoint, the moments [us] at which further messages went out that the broker has
        acknowledged, and what hands all rows to the writer; it says how the checkpoint stands then. Without it the
        checkpoint is saved where it was looked for. ``linger`` is called with the latter before the connection is
        closed. Raises BrokerAway, Failure, and what a source raises.
        """
        begun = time.monotonic()
        book = self._book(writer)

        def kept(checkpoint: Checkpoint, stamps: Sequence[int]) -> Checkpoint:
            if keep is not None:
                return keep(checkpoint, stamps, book.flush)
            found = replace(checkpoint, sent=checkpoint.sent + len(stamps))
            if self.path is not None:
                found.save(self.path)
            return found

        with book:
            sender = Sender(
                self.broker, self.pace, book, self.checkpoint, kept, stop, watch, lambda: linger(book.flush)
            )
            if self.path is not None:
                self.checkpoint.save(self.path)
            done = sender.run(self.messages)
            self.checkpoint = sender.checkpoint
        return _replayed(book, sender.progress, done=done, seconds=time.monotonic() - begun)

    def _book(self, writer: Callable[[], LedgerParts] | None) -> ReplayLedger:
        fates = ExpectedOutcome(
            ordered=self.source.ordered,
            earliest=round(self.settings.earliest.timestamp()) * _SECOND,
            ahead=self.settings.ahead,
            subscriptions=subscriptions(self.settings),
        )
        return ReplayLedger(None if writer is None else writer(), fates, self.checkpoint.covered)


def _replayed(book: ReplayLedger, progress: Progress, *, done: bool, seconds: float = 0.0) -> Replayed:
    expected = {word: number for word, number in book.fates.counts.items() if number}
    return Replayed(done, progress, book.readings, expected, seconds)


def register_devices(
    settings: Settings,
    devices: Sequence[Device],
    tell: Callable[[str], None],
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Register devices, and ``wait`` until a running collector knows them: it would reject what comes earlier.

    Raises Failure, psycopg.Error.
    """
    from store import registry

    with database() as connection:
        changed = registry.upsert(connection, registry.kept_closed(connection, devices))
    tell(f"{counted(len(devices), 'device is', 'devices are')} registered, {changed} of them new or changed.")
    if changed:
        wait(registry_known(settings))
