"""One replay from its options to its report: source, messages, ledger, checkpoint, and how it went."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from borough.database import database
from borough.output import say, show_json, tell
from borough.replay import plan
from borough.replay.checkpoint import Checkpoint, load
from borough.replay.ledger import ExpectedOutcome, ReplayLedger
from borough.replay.messages import Outgoing
from borough.replay.pace import Pace
from borough.replay.progress import ProgressLine
from borough.replay.sender import Progress, Sender, Stop
from borough.replay.sources import source_of
from borough.settings.collector import broker_options, subscriptions
from borough.settings.settings import Settings
from devices.counts import counted
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
        self.source = source_of(settings, options, register=register)
        self.path = checkpoint
        terms = plan.plan_of(self.source.options, self.source.mapping, self.pace.speed)
        found = load(checkpoint, terms) if checkpoint is not None else None
        self.resumed = found is not None
        if found is None:
            now = time.time_ns() // 1000
            found = Checkpoint(terms, now, self.source.shift_to(now))
        self.messages = self.source.messages(found.shift)
        if register:
            self._register(self.source.devices())
        self.checkpoint = found

    def _register(self, devices: list[Device]) -> None:
        from store import registry

        with database() as connection:
            changed = registry.upsert(connection, devices)
        tell(f"{counted(len(devices), 'device is', 'devices are')} registered, {changed} of them new or changed.")
        if changed:
            # a running collector looks at the registry this often; what comes earlier would be rejected
            time.sleep(2 * self.settings.registry_refresh + 0.5)

    def _fates(self) -> ExpectedOutcome:
        earliest = round(self.settings.earliest.timestamp()) * _SECOND
        return ExpectedOutcome(
            ordered=self.source.ordered,
            earliest=earliest,
            ahead=self.settings.ahead,
            subscriptions=subscriptions(self.settings),
        )

    def dry_run(self, ledger: Path | None, *, json_output: bool) -> int:
        """Read everything, send nothing."""
        count, at = 0, 0
        with ReplayLedger(ledger, self._fates()) as replay_ledger:
            held: list[Outgoing] = []
            size = 0
            for message in self.messages:
                held.append(message)
                size += len(message.payload) + len(message.topic)
                at = message.due
                if len(held) == _CHUNK or size >= _CHUNK_BYTES:
                    replay_ledger.append(count, held, [NO_TIME] * len(held))
                    count += len(held)
                    held, size = [], 0
            replay_ledger.append(count, held, [NO_TIME] * len(held))
            count += len(held)
        return self._report(
            replay_ledger, Progress(sent=count, at=at), done=True, dry=True, seconds=0.0, json_output=json_output
        )

    def run(self, ledger: Path | None, *, json_output: bool) -> int:
        """Send everything; the exit status."""
        if self.resumed:
            tell(f"Going on after message {self.checkpoint.sent:,} of an earlier start.")
        begun = time.monotonic()
        stop = Stop()
        line = ProgressLine(lambda: self.source.fraction)

        def show(progress: Progress) -> None:
            at = (_EPOCH + timedelta(microseconds=progress.at)).strftime("%Y-%m-%d %H:%M")
            line.show(progress.sent, f"at {at}")

        done = False
        with ReplayLedger(ledger, self._fates()) as replay_ledger, stop.on_signals():
            sender = Sender(self.broker, self.pace, replay_ledger, self.checkpoint, self.path, stop, show)
            if self.path is not None:
                self.checkpoint.save(self.path)
            done = sender.run(self.messages)
        line.end()
        if done and self.path is not None:
            self.path.unlink(missing_ok=True)
        seconds = time.monotonic() - begun
        return self._report(
            replay_ledger, sender.progress, done=done, dry=False, seconds=seconds, json_output=json_output
        )

    def _report(
        self,
        replay_ledger: ReplayLedger,
        progress: Progress,
        *,
        done: bool,
        dry: bool,
        seconds: float,
        json_output: bool,
    ) -> int:
        left = self.source.left_out()
        result: dict[str, Any] = {
            "finished": done,
            "messages": progress.sent,
            "sent_before": progress.skipped,
            "readings": replay_ledger.readings,
            "expected": {word: number for word, number in replay_ledger.fates.counts.items() if number},
            "unreadable": left.unreadable,
            "unheard": progress.unheard,
            "seconds": round(seconds, 3),
            **left.beside,
        }
        if json_output:
            show_json(result)
        else:
            self._say(result, dry=dry, at=progress.at)
        for line in left.lines:
            tell(line)
        if left.unreadable:
            tell(
                f"{counted(left.unreadable, 'cell or row', 'cells or rows')} could not be read; "
                f"{'it was' if left.unreadable == 1 else 'they were'} left out."
            )
        if left.lost:
            tell(
                f"{counted(left.lost, 'byte')} of the recordings "
                f"{'is no whole block' if left.lost == 1 else 'are no whole blocks'}, as a recorder leaves "
                f"that was cut off;"
                " they were left out."
            )
        if progress.unheard:
            tell(
                f"Nobody was subscribed to {counted(progress.unheard, 'message')}, which the broker dropped:"
                " start borough collect before a replay."
            )
        if not done:
            return 130
        return 1 if progress.unheard or left.unreadable or left.lost else 0

    def _say(self, result: dict[str, Any], *, dry: bool, at: int) -> None:
        words = ", ".join(f"{number:,} {word}" for word, number in result["expected"].items())
        verb = "would be sent" if dry else "sent"
        rate = f" in {result['seconds']:.1f} s ({result['messages'] / max(result['seconds'], 1e-3):,.0f}/s)"
        say(
            f"{counted(result['messages'], 'message')} {verb}{'' if dry else rate}; "
            f"{counted(result['readings'], 'reading')}: {words}."
        )
        if result["finished"] and not result["readings"] and not result["messages"] + result["sent_before"]:
            say("There is nothing in these files between --from and --until that is mapped.")
        if not result["finished"]:
            then = f" at {(_EPOCH + timedelta(microseconds=at)).isoformat()}" if at else ""
            how = f"the same command goes on ({self.path})" if self.path else "without --checkpoint it starts anew"
            say(f"Paused{then}; {how}.")
