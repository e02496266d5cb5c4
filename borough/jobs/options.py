"""The options of a job's row become those of a replay or a simulation; what is wrong is told in the job's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from borough.errors import UsageError
from borough.replay.asked import replay_options, replay_speed
from borough.replay.plan import ReplayOptions
from borough.simulate import Asked, simulation_speed, simulation_start
from devices.counts import counted

_REPLAY = ("mapping", "speed", "from", "until", "shift", "format", "pack", "register")
_SIMULATION = ("seed", "start", "hours", "speed", "connections", "format", "pack", "register", "faults")
_TEXTS = ("mapping", "from", "until", "shift", "format", "speed", "start", "connections")
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class ReplayAsked:
    """A replay as a job asks for it."""

    options: ReplayOptions
    speed: float
    register: bool


@dataclass(frozen=True, slots=True)
class SimulationAsked:
    """A simulation as a job asks for it. ``speed``: simulated seconds a second, None is as fast as possible."""

    asked: Asked
    speed: float | None
    connections: Literal["one", "gateway", "device"]
    register: bool


def replay_asked(options: Mapping[str, Any], files: list[Path]) -> ReplayAsked:
    """Read the options of a replay. Raises UsageError."""
    _check(options, _REPLAY)
    if not files:
        raise UsageError("a replay needs a file")
    with in_words_of_jobs():
        speed = replay_speed(_text(options, "speed") or "flat-out")
        found = replay_options(
            files,
            mapping=_text(options, "mapping"),
            speed=speed,
            start=_text(options, "from"),
            until=_text(options, "until"),
            shift=_text(options, "shift"),
            form=_text(options, "format"),
            pack=_pack(options),
        )
    return ReplayAsked(found, speed, _flag(options, "register", otherwise=False))


def simulation_asked(options: Mapping[str, Any], files: list[Path], job_id: int | None = None) -> SimulationAsked:
    """Read the options of a simulation. Each job's fleet has names of its own: two runs of one never meet.

    Raises UsageError.
    """
    _check(options, _SIMULATION)
    if len(files) != 1:
        raise UsageError("a simulation needs one fleet file")
    mode = _text(options, "connections") or "one"
    if mode not in ("one", "gateway", "device"):
        raise UsageError(f"connections {mode!r}; one of one, gateway, device")
    faults = options.get("faults")
    if faults is not None and not isinstance(faults, Mapping):
        raise UsageError("faults: is no table of faults")
    seed = options.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63):
        raise UsageError(f"seed {seed!r} is no whole number from 0 on")
    hours = options.get("hours")
    if hours is not None and not (_is_number(hours) and 0.001 <= hours <= 1e6):
        raise UsageError(f"hours {hours!r} is no number of hours")
    with in_words_of_jobs():
        start = simulation_start(_text(options, "start"))
        speed = simulation_speed(_text(options, "speed") or "max")
    asked = Asked(files[0], seed, start, hours, _text(options, "format") or None, _pack(options), faults, job_id)
    register = _flag(options, "register", otherwise=True)
    return SimulationAsked(asked, speed, mode, register)  # type: ignore[arg-type]


@contextmanager
def in_words_of_jobs() -> Iterator[None]:
    """Errors of the commands' options without the dashes that only a command line has."""
    try:
        yield
    except UsageError as error:
        raise UsageError(str(error).replace("--", ""), error.details) from None


def _check(options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in options:
        if name not in known:
            raise UsageError(f"option {name!r}: there is none of this name; known are {', '.join(known)}")


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name)
    if value is None:
        return ""
    if name == "speed" and _is_number(value):
        return f"{value:g}"
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise UsageError(f"{name}: {str(value)[:40]!r} is no text of at most {counted(_LONGEST, 'letter')}")
    return value


def _pack(options: Mapping[str, Any]) -> int:
    value = options.get("pack", 48)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000:
        raise UsageError(f"pack {value!r} is no whole number from 1 to 10,000")
    return value


def _flag(options: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    value = options.get(name, otherwise)
    if not isinstance(value, bool):
        raise UsageError(f"{name}: {value!r} is neither true nor false")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
