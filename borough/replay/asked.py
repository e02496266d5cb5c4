"""What was asked of a replay, in the words of the command and of a job, becomes its options."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from borough.duration import duration
from borough.errors import UsageError
from borough.replay import plan
from borough.replay.pace import speed_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def replay_options(
    files: list[Path],
    *,
    mapping: str = "",
    speed: float,
    start: str = "",
    until: str = "",
    shift: str = "",
    form: str = "",
    pack: int = 48,
) -> plan.ReplayOptions:
    """The options of a replay. Raises UsageError."""
    if form not in ("", "native", "senml", "recorded"):
        raise UsageError(f"--format {form!r}; one of native, senml, recorded")
    if form == "recorded" and not plan.is_recording(files):
        raise UsageError("--format recorded is for recordings; a table is sent as native or senml")
    begin, end = _instant("--from", start), _instant("--until", until)
    if begin is not None and end is not None and begin >= end:
        raise UsageError(f"--from {start} is not before --until {until}")
    moved: Any = "now" if shift == "now" else _shift(shift)
    return plan.ReplayOptions(
        paths=files,
        mapping=mapping,
        format=form or "recorded",  # type: ignore[arg-type]
        pack=pack,
        start=begin,
        end=end,
        shift=moved,
        real_speed=speed == 1,
    )


def replay_speed(text: str) -> float:
    """So many times as fast as recorded; infinite for flat out. Raises UsageError."""
    try:
        return speed_of(text)
    except ValueError:
        raise UsageError(f"--speed {text!r} is neither flat-out, real nor a number such as 60") from None


def _instant(option: str, text: str) -> int | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no date or time such as 2013-10-27T01:00:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _shift(text: str) -> int:
    if not text:
        return 0
    back = text.startswith("-")
    try:
        amount = duration(text.removeprefix("-")) // timedelta(microseconds=1)
    except UsageError:
        raise UsageError(f"--shift {text!r} is neither now nor a length of time such as 364d or -12h") from None
    return -amount if back else amount
