"""A reader at a terminal: the blocks of one document, one after the other, in a shell that keeps what was set."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from scripts.document_blocks import Block

#: What a command may take, and a service until it says that it is ready [s].
PATIENCE, READY = 600.0, 240.0
#: How a service may end at Ctrl-C: by itself, as a shell says that it was interrupted (130), or as make does, which
#: passes the signal on to itself.
_INTERRUPTED = (0, 2, 130, -signal.SIGINT)
_SHELL = """\
set -euo pipefail
trap 'status=$?; export -p >"$STATE"; pwd >"$STATE.folder"; exit $status' EXIT
if [ -e "$STATE" ]; then . "$STATE"; cd "$(cat "$STATE.folder")"; fi
set -a
"""
_LOOK = "_status=$?; [ $_status -eq 0 ] || exit $_status"


class Wrong(Exception):
    """A document is not true: the line of the block and what happened instead."""


@dataclass(slots=True)
class _Service:
    command: str
    process: subprocess.Popen[bytes]
    log: Path
    line: int


class Reader:
    """Runs blocks in ``folder`` with ``environment``; leave the ``with`` to end the services that were started."""

    def __init__(self, folder: Path, notes: Path, environment: Mapping[str, str]) -> None:
        """``notes`` is an empty folder for what the shell keeps and what commands say."""
        self.folder = folder
        self.notes = notes
        self.environment = {**environment, "STATE": str(notes / "state")}
        self.said = ""
        self._services: list[_Service] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        ended = [(service, self._end(service)) for service in reversed(self._services)]
        self._services = []
        for service, status in ended:
            if kind is None and status not in _INTERRUPTED:
                said = _tail(_read(service.log))
                raise Wrong(f"line {service.line}: {service.command}: ended by Ctrl-C with {status}: {said}")

    def do(self, block: Block) -> None:
        """Run, write or compare the block as its mark says. Raises Wrong."""
        mark = block.mark
        if mark is None or mark.kind == "not run":
            return
        if mark.kind == "file":
            path = self._here() / mark.text
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif mark.kind == "shown":
            if not shows(block.text, self.said):
                raise Wrong(f"line {block.line}: shown is\n{block.text}and it said\n{self.said}")
        else:
            self._run(block, mark.text)

    def _run(self, block: Block, asked: str) -> None:
        commands, ready, wanted = block.text, [], 0
        if asked.startswith("fill "):
            commands = self._filled(commands, asked.removeprefix("fill ").split())
        elif asked.startswith("status "):
            wanted = int(asked.removeprefix("status "))
        elif asked.startswith("stays "):
            ready = asked.removeprefix("stays ").split(" | ")
        elif asked not in ("", "network"):
            raise Wrong(f"line {block.line}: the mark says run: {asked}, which nobody knows")
        lines = split(commands)
        until = len(lines) - len(ready)
        # `a && b` ends no shell where a fails, so its status is looked at after each command
        status, said, errors = self._shell("".join(f"{line}\n{_LOOK}\n" for line in lines[:until]))
        if status != wanted:
            raise Wrong(f"line {block.line}: status {status} and not {wanted}: {_tail(said + errors)}")
        self.said = said
        for command, pattern in zip(lines[until:], ready, strict=True):
            self._start(command, pattern, block.line)

    def _filled(self, text: str, names: list[str]) -> str:
        """The text with each name replaced by the variable's value: what a reader puts in its place."""
        for word, name in ((word, name or word) for word, _, name in (name.partition("=") for name in names)):
            status, value, _ = self._shell(f'printf %s "${name}"\n')
            if status or not value:
                raise Wrong(f"the variable {name} is not set: a beside block before has to")
            text = re.sub(rf"\b{word}\b", value.replace("\\", r"\\"), text)
        return text

    def _shell(self, commands: str) -> tuple[int, str, str]:
        with (self.notes / "out").open("w+b") as out, (self.notes / "errors").open("w+b") as errors:
            process = self._open(_SHELL + commands, out, errors)
            try:
                status = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise Wrong(f"not done after {PATIENCE:g} s: {commands}") from None
        return status, _read(self.notes / "out"), _read(self.notes / "errors")

    def _open(self, text: str, out: IO[bytes], errors: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["bash", "-c", text], cwd=self.folder, env=self.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
            preexec_fn=_heed_interrupts,  # noqa: PLW1509 - no thread of ours is there
        )  # fmt: skip

    def _start(self, command: str, pattern: str, line: int) -> None:
        log = self.notes / f"service-{len(self._services)}.log"
        text = _SHELL.replace("trap", "# trap") + f"exec {command}\n"
        with log.open("wb") as file:
            service = _Service(command, self._open(text, file, file), log, line)
        self._services.append(service)
        self.environment["SAID"] = str(log)
        until = time.monotonic() + READY
        while not re.search(pattern, _read(log)):
            if service.process.poll() is not None:
                raise Wrong(
                    f"line {line}: {command}: ended by itself with {service.process.returncode}: {_tail(_read(log))}"
                )
            if time.monotonic() > until:
                raise Wrong(f"line {line}: {command}: never said {pattern}: {_tail(_read(log))}")
            time.sleep(0.1)

    def _end(self, service: _Service) -> int:
        if service.process.poll() is not None:
            return 1  # it was to stay
        os.killpg(service.process.pid, signal.SIGINT)
        try:
            return service.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(service.process.pid, signal.SIGKILL)
            return service.process.wait()

    def _here(self) -> Path:
        folder = self.notes / "state.folder"
        return Path(folder.read_text().strip()) if folder.exists() else self.folder


def split(text: str) -> list[str]:
    """The commands of a block: its lines, those that a backslash, a quote or a here-document continues put together."""
    commands: list[str] = []
    whole = ""
    for line in text.splitlines():
        whole = f"{whole}\n{line}" if whole else line
        if not _goes_on(whole):
            if whole.strip() and not whole.strip().startswith("#"):
                commands.append(whole)
            whole = ""
    return [*commands, *([whole] if whole.strip() else [])]


def _goes_on(text: str) -> bool:
    if text.endswith("\\"):
        return True
    if here := re.search(r"<<-?\s*'?(\w+)'?", text):
        return not re.search(rf"^\s*{here[1]}$", text, re.MULTILINE)
    bare = re.sub(r"(?:^|\s)#.*$", "", text, flags=re.MULTILINE)
    return bare.count("'") % 2 == 1 or re.sub(r"'[^']*'", "", bare).count('"') % 2 == 1


def shows(template: str, said: str) -> bool:
    """Whether ``said`` is what the template shows: ``…`` is any text of a line, a line of it alone any lines."""
    lines = [line.rstrip() for line in template.strip("\n").splitlines()]
    patterns = [
        r"(?:[^\n]*\n)*?" if line.strip() == "…" else r"[^\n]*".join(map(re.escape, line.split("…"))) + r"[ ]*\n"
        for line in lines
    ]
    return re.fullmatch("".join(patterns), said.strip("\n") + "\n") is not None


def _heed_interrupts() -> None:
    """As for who types at a terminal: what a shell starts behind itself ignores Ctrl-C, and so would all it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _read(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def _tail(text: str) -> str:
    return "\n  ".join(["", *text.strip().splitlines()[-12:]]) or "it said nothing"
