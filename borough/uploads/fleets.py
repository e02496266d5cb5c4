"""Fleets: those that come with the program, and whether one can be simulated as somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import Any

from dashboard.replays import Fleet as ShippedFleet
from dashboard.replays import Unfit
from simulators import fleet_file
from simulators.clock import SECOND_US
from simulators.fault_options import FaultError, FaultOptions, read_options
from simulators.fleet_file import FleetError
from simulators.plans import Fleet
from simulators.run import choose_wires

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def shipped() -> list[ShippedFleet]:
    """The fleets of ``simulators/fleets``, by name."""
    found = []
    for path in sorted(Path(str(files("simulators").joinpath("fleets"))).glob("*.toml")):
        fleet = fleet_file.load(path)
        head = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
        about = " ".join(line.removeprefix("#").strip() for line in head).replace("`", "")
        found.append(ShippedFleet(path.stem, path, about, fleet_facts(fleet, read_options(fleet.faults))))
    return found


def fits(path: Path, shown: str, options: Mapping[str, Any]) -> None:
    """Whether a fleet can be simulated with a job's options. Raises Unfit."""
    try:
        fleet = fleet_file.load(path, seed=options.get("seed"))
        if "faults" in options:
            fleet = replace(fleet, faults=options["faults"])
        read_options(fleet.faults)
        choose_wires({family: plan.format for family, plan in fleet.plans.items()}, options.get("format"))
    except (FleetError, FaultError, ValueError) as error:
        raise Unfit(str(error).replace(str(path), shown)) from None
    if start := options.get("start"):
        begin = round(datetime.fromisoformat(start).timestamp()) * SECOND_US
        if begin < fleet.start_us:
            raise Unfit(
                f"It begins before the fleet's own start ({moment(fleet.start_us)}): nothing is known of that time."
            )


def fleet_facts(fleet: Fleet, faults: FaultOptions) -> dict[str, str]:
    """What a fleet is, in words of a page."""
    return {
        "Devices": ", ".join(f"{plan.count:,} {family}" for family, plan in fleet.plans.items()),
        "From": moment(fleet.start_us),
        "Long": f"{fleet.days * 24:g} h",
        "Seed": str(fleet.seed),
        "Faults": ", ".join(f"{name.replace('_', ' ')} {share:g}" for name, share in faults.share.items()) or "none",
    }


def moment(instant: int) -> str:
    """An instant [us] in words."""
    return f"{_EPOCH + timedelta(microseconds=instant):%Y-%m-%d %H:%M:%S} UTC"
