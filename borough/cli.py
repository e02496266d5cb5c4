"""The command ``borough``: where a process begins, and where every error ends, in one line.

Little is imported at the top: until `main` runs, Ctrl-C would show a traceback.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def main() -> None:
    """Run the command and end the process: 0 done, 1 found or failed, 2 wrong usage or settings, 130 interrupted."""
    signal.signal(signal.SIGINT, _leave)
    if sys.argv[1:] == ["collect"]:
        _start_lightly()
    if sys.argv[1:2] in (["collect"], ["serve"], ["work"], ["deliver"]) or (
        sys.argv[1:2] == ["analyse"] and "--watch" in sys.argv
    ):
        # a service that is stopped before it has taken anything has nothing to write and ends well
        signal.signal(signal.SIGTERM, _leave)
    from borough.output import prepare

    prepare()
    sys.exit(run(sys.argv[1:]))


def _start_lightly() -> None:
    """What a service's start can do without: garbage is none yet, and a collector has no matrices for threads."""
    gc.disable()  # until the collector says how it wants it
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(0 if number == signal.SIGTERM else 130)


def run(arguments: Sequence[str], *, temporary: int = 1) -> int:
    """Run the command; its exit status. A user's mistake never shows a traceback.

    ``temporary``: the status where waiting may mend it, for who asks again.
    """
    from borough.errors import Failure, Passing, UsageError
    from borough.output import flush, give_up
    from borough.postgres_server import PostgresError
    from ingest.errors import OptionsError

    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # the collector has no arguments to be read, and starts a tenth sooner
        result = _collect() if list(arguments) == ["collect"] else _typed(arguments)
        flush()
    except OptionsError as error:
        return _end(error, 2)
    except UsageError as error:
        return _end(error, 2, *error.details)
    except Passing as error:
        return _end(error, temporary)
    except (Failure, PostgresError) as error:
        return _end(error, 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        give_up()  # `borough devices list | head`
        return 1
    except OSError as error:
        return _end(f"{error.filename}: {error.strerror}" if error.filename else error, 1)
    return result if isinstance(result, int) else 0


def _collect() -> int:
    from borough.commands.collect import collect

    return collect()


def _typed(arguments: Sequence[str]) -> object:
    """Have Typer read the arguments and run the command."""
    import typer

    from borough.app import make_app

    try:
        # not by calling the app: that puts a hook of Typer's in the place of ours, which makes a traceback visible
        command = typer.main.get_command(make_app(arguments))
        return command.main(args=list(arguments), prog_name="borough", standalone_mode=False)
    except typer.Abort:
        return 130
    except typer.TyperException as error:
        return _usage(error)


def _end(error: object, status: int, *details: str) -> int:
    from borough.output import tell

    tell(f"borough: {error}")
    for detail in details:
        tell(f"  {detail}")
    return status


def _usage(error: Exception) -> int:
    """What Typer says about wrong arguments, with the command whose help says more."""
    from borough.output import tell

    text: str = error.format_message()  # type: ignore[attr-defined]
    status: int = error.exit_code  # type: ignore[attr-defined]
    if text.startswith("Usage:"):
        for line in text.splitlines():  # no command was given: this is the help itself
            tell(line)
        return status
    context = getattr(error, "ctx", None)
    return _end(f"{text.rstrip('.?')}; see: {context.command_path if context else 'borough'} --help", status)
