"""The command line within this process, thousands of times: what it answers, and what is wrong with the answer."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from functools import cache
from typing import NamedTuple
from unittest.mock import patch

import typer.main

from borough import app
from borough.cli import run
from tests.fuzz import hostile
from tests.tools.program import environment

#: Done, found something or failed, wrong usage.
_STATUSES = (0, 1, 2)


_COMMANDS = cache(typer.main.get_command)
_APPS = cache(app.make_app)


class Answer(NamedTuple):
    """Status and what was written; ``fault`` says what no command may do, empty where it did nothing of the kind."""

    status: int
    out: str
    err: str
    fault: str


def ask(arguments: Sequence[str], settings: Mapping[str, str], message: bytes = b"") -> Answer:
    """Run a command with these settings; ``message`` is its standard input."""
    out, err = _Captured(), _Captured()
    fault = ""
    status = -1
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, environment(settings), clear=True))
        stack.enter_context(patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(message))))
        # which commands there are does not change; it is worked out anew at each call
        stack.enter_context(patch.object(app, "make_app", lambda arguments: _APPS(tuple(arguments[:1]))))
        stack.enter_context(patch.object(typer.main, "get_command", _COMMANDS))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        try:
            status = run(arguments)
        except BaseException:  # noqa: BLE001 - whatever gets out of `run` would be a traceback on a terminal
            fault = "a traceback: " + " | ".join(traceback.format_exc().strip().splitlines()[-5:])
    answer = Answer(status, out.text(), err.text(), "")
    if not fault:
        fault = _fault(answer)
    return answer._replace(fault=fault and f"borough {' '.join(arguments[:2])}: {fault}")


def _fault(answer: Answer) -> str:
    if answer.status not in _STATUSES:
        return f"status {answer.status}"
    for text in (answer.out, answer.err):
        if "Traceback" in text:
            return f"a traceback: {text[-600:]!r}"
        if (line := hostile.raw(text)) is not None:
            return f"shows {line[:200]!r}"
    if answer.status == 2:
        first = answer.err.split("\n", 1)[0]
        if not first.startswith("borough: ") or len(first) < 20:
            return f"refuses without a reason: {answer.err[:200]!r}"
    return ""


class _Captured(io.TextIOWrapper):
    """Standard output as it is where nobody watches: bytes below it, and half a surrogate pair is no text."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="", write_through=True)

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8", "replace")
