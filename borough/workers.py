"""Several processes that do the same: made by forking, ended together."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

from borough.output import flush

log = logging.getLogger(__name__)


def run(count: int, work: Callable[[bool], None]) -> int:
    """Have ``work`` done in ``count`` processes until all have ended; the status for this one.

    Its argument is true in the first of them. SIGTERM and SIGINT are passed on. Where one ends that nobody told to, so
    do the others, with status 1: who started us starts us again. They end when this process is killed, too. Threads
    and connections are made by ``work``, for none survives a fork.
    """
    ours, theirs = os.pipe()
    flush()
    running = {_start(work, number == 0, ours, theirs) for number in range(count)}
    os.close(ours)
    told = False

    def end(*_: object) -> None:
        nonlocal told
        told = True
        for process in list(running):
            os.kill(process, signal.SIGTERM)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    status = 0
    try:
        while running:
            process, how = os.wait()
            running.discard(process)
            code = os.waitstatus_to_exitcode(how)
            # one that was told before it could listen to that is ended by the signal itself
            if not told or code not in (0, -signal.SIGTERM):
                status = 1
                log.error("a worker ended with status %d", code)
                end()
    finally:
        os.close(theirs)
        for number, handler in before.items():
            signal.signal(number, handler)
    return status


def _start(work: Callable[[bool], None], first: bool, ours: int, theirs: int) -> int:
    process = os.fork()
    if process:
        return process
    os.close(theirs)
    threading.Thread(target=_end_with, args=(ours,), daemon=True).start()
    status = 1
    try:
        work(first)
        status = 0
    except BaseException:
        # the parent knows by the status; here is the only place that knows why
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        flush()
        os._exit(status)


def _end_with(ours: int) -> None:
    """End when the parent does: then nobody holds the other end of the pipe."""
    os.read(ours, 1)
    os.kill(os.getpid(), signal.SIGTERM)
