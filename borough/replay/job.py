"""One replay from its options to its report: source, messages, ledger, checkpoint, and how it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from borough.database import database
from borough.errors import UsageError
from borough.output import say, show_json, tell
from borough.replay import plan
from borough.replay.book import Book, Fates
from borough.replay.checkpoint import Checkpoint, load
from borough.replay.messages import Outgoing
from borough.replay.observations import TableSource
from borough.replay.pace import Pace
from borough.replay.progress import ProgressLine
from borough.replay.recorded import RecordingSource
from borough.replay.registering import devices_of
from borough.replay.sender import Progress, Sender, Stop
from borough.replay.table_mapping import TableMapping
from borough.settings.collector import broker_options, subscriptions
from borough.settings.settings import Settings
from devices.device import Device
from ingest.tls import check_tls
from simulators.ledger import NO_TIME

_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Messages and their bytes that are looked at together in a dry run.
_CHUNK, _CHUNK_BYTES = 10_000, 8 << 20


class Job:
    """One replay: its source, its messages, and how it went."""

    def __init__(
        self, settings: Settings, options: plan.ReplayOptions, speed: float, checkpoint: Path | None, *, register: bool
    ) -> None:
        self.settings = settings
        self.broker = replace(broker_options(settings), client_id="")
        check_tls(self.broker)
        self.pace = Pace(speed)
        self.mapping: TableMapping | None = None
        self.table: TableSource | None = None
        self.recording: RecordingSource | None = None
        if plan.is_recording(options.paths):
            if options.mapping or register:
                raise UsageError("--mapping and --register are for tables; a recording names its devices itself")
            make_recording = self._recordings(options)
            self.recording = make_recording()
        else:
            self.mapping, paths = plan.table_files(options.paths, options.mapping)
            options = replace(options, paths=paths, format="native" if options.format == "recorded" else options.format)
            self.table = TableSource(self.mapping, paths)
        self.options = options
        self.path = checkpoint
        terms = plan.plan_of(options, self.mapping, self.pace.speed)
        found = load(checkpoint, terms) if checkpoint is not None else None
        self.resumed = found is not None
        now = time.time_ns() // 1000
        if self.table is not None and self.mapping is not None:
            if found is None:
                table_mapping = self.mapping
                amount = plan.table_shift(
                    options, lambda: TableSource(table_mapping, options.paths), table_mapping.family, now
                )
                found = Checkpoint(terms, now, amount)
            self.messages = plan.table_messages(options, self.table, found.shift)
            if register:
                self._register(devices_of(self.mapping, self.table, options.paths))
        elif self.recording is not None:
            if found is None:
                found = Checkpoint(terms, now, plan.recording_shift(options, self._recordings(options)(), now))
            self.messages = plan.recording_messages(options, self.recording, found.shift)
        assert found is not None
        self.checkpoint = found

    def _recordings(self, options: plan.ReplayOptions) -> Callable[[], RecordingSource]:
        """Makes sources of these recordings: the devices as they are registered, where there is a database."""
        settings = self.settings
        devices: list[Device] = []
        if settings.database_url is not None or settings.database_url_file is not None:
            from store import registry

            with database() as connection:
                devices = registry.load(connection)[0]
        wanted = subscriptions(settings)
        for path in options.paths:
            if not path.exists():
                raise UsageError(f"{path}: No such file or directory")
        return lambda: RecordingSource(
            options.paths,
            wanted,
            devices,
            auto_register=settings.auto_register or not devices,
            keep=settings.keep,
            payload_maximum=settings.payload_maximum,
        )

    def _register(self, devices: list[Device]) -> None:
        from store import registry

        with database() as connection:
            changed = registry.upsert(connection, devices)
        tell(f"{len(devices)} devices are registered, {changed} of them new or changed.")
        if changed:
            # a running collector looks at the registry this often; what comes earlier would be rejected
            time.sleep(2 * self.settings.registry_refresh + 0.5)

    def _fates(self) -> Fates:
        earliest = round(self.settings.earliest.timestamp()) * _SECOND
        return Fates(ordered=self.table is not None, earliest=earliest, ahead=self.settings.ahead)

    def dry_run(self, ledger: Path | None, *, json_output: bool) -> int:
        """Read everything, send nothing."""
        count, at = 0, 0
        with Book(ledger, self._fates()) as book:
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
        return self._report(
            book, Progress(sent=count, at=at), done=True, dry=True, seconds=0.0, json_output=json_output
        )

    def run(self, ledger: Path | None, *, json_output: bool) -> int:
        """Send everything; the exit status."""
        if self.resumed:
            tell(f"Going on after message {self.checkpoint.sent:,} of an earlier start.")
        begun = time.monotonic()
        stop = Stop()
        line = ProgressLine(self.fraction)

        def show(progress: Progress) -> None:
            at = (_EPOCH + timedelta(microseconds=progress.at)).strftime("%Y-%m-%d %H:%M")
            line.show(progress.sent, f"at {at}")

        done = False
        with Book(ledger, self._fates()) as book, stop.on_signals():
            sender = Sender(self.broker, self.pace, book, self.checkpoint, self.path, stop, show)
            if self.path is not None:
                self.checkpoint.save(self.path)
            done = sender.run(self.messages)
        line.end()
        if done and self.path is not None:
            self.path.unlink(missing_ok=True)
        seconds = time.monotonic() - begun
        return self._report(book, sender.progress, done=done, dry=False, seconds=seconds, json_output=json_output)

    def fraction(self) -> float:
        """How much of the source is behind us, 0 to 1."""
        if self.table is not None:
            return self.table.fraction
        assert self.recording is not None
        return self.recording.read / max(self.recording.size, 1)

    def _report(
        self, book: Book, progress: Progress, *, done: bool, dry: bool, seconds: float, json_output: bool
    ) -> int:
        unreadable = self.table.unreadable if self.table is not None else None
        result: dict[str, Any] = {
            "finished": done,
            "messages": progress.sent,
            "sent_before": progress.skipped,
            "readings": book.readings,
            "expected": {word: number for word, number in book.fates.counts.items() if number},
            "unreadable": unreadable.count if unreadable else 0,
            "unheard": progress.unheard,
            "seconds": round(seconds, 3),
        }
        if self.recording is not None:
            result |= {"retained_left_out": self.recording.retained, "bytes_lost": self.recording.lost}
        if json_output:
            show_json(result)
        else:
            self._say(result, dry=dry, at=progress.at)
        for line in unreadable.lines if unreadable else ():
            tell(line)
        if unreadable and unreadable.count:
            tell(f"{unreadable.count} cells or rows could not be read; they were left out.")
        lost = result.get("bytes_lost", 0)
        if lost:
            tell(
                f"{lost:,} bytes of the recordings are no whole blocks, as a recorder leaves that was cut off;"
                " they were left out."
            )
        if progress.unheard:
            tell(
                f"Nobody was subscribed to {progress.unheard:,} messages, and the broker dropped them:"
                " start borough collect before a replay."
            )
        if not done:
            return 130
        return 1 if progress.unheard or result["unreadable"] or lost else 0

    def _say(self, result: dict[str, Any], *, dry: bool, at: int) -> None:
        words = ", ".join(f"{number:,} {word}" for word, number in result["expected"].items())
        verb = "would be sent" if dry else "sent"
        rate = f" in {result['seconds']:.1f} s ({result['messages'] / max(result['seconds'], 1e-3):,.0f}/s)"
        say(f"{result['messages']:,} messages {verb}{'' if dry else rate}; {result['readings']:,} readings: {words}.")
        if result["finished"] and not result["readings"] and not result["messages"] + result["sent_before"]:
            say("There is nothing in these files between --from and --until that is mapped.")
        if not result["finished"]:
            then = f" at {(_EPOCH + timedelta(microseconds=at)).isoformat()}" if at else ""
            how = f"the same command goes on ({self.path})" if self.path else "without --checkpoint it starts anew"
            say(f"Paused{then}; {how}.")
