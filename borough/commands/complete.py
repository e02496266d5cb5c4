"""``borough complete``: by device and day, what arrived, and where that cannot be known."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from analytics.pipeline.completeness_proof import DeviceProof, prove
from borough.database import database
from borough.errors import Failure, UsageError
from borough.output import Json, say, show_json, show_table
from devices.counts import counted
from devices.families import FAMILIES
from store.times import midnight


def complete(
    family: Annotated[str, typer.Option(help="Only this family.")] = "",
    device: Annotated[str, typer.Option(help="Only this device.")] = "",
    since: Annotated[str, typer.Option("--from", help="First day (UTC); by default a week ago.")] = "",
    until: Annotated[str, typer.Option(help="Day after the last one (UTC); by default today.")] = "",
    json_output: Json = False,
) -> int:
    """Prove by device and day what arrived: message numbers, intervals, registers against intervals.

    A device is complete, has gaps, or it cannot be known, each with the reason. Ends with 1 if any has gaps.

    Example: borough complete --family smart-meter --from 2026-03-01 --until 2026-04-01
    """
    if family and family not in FAMILIES:
        raise UsageError(f"--family {family!r}; one of {', '.join(FAMILIES)}")
    today = datetime.now(UTC).date()
    first = _day(since, "--from") or today - timedelta(days=7)
    last = _day(until, "--until") or today
    if first >= last:
        raise UsageError(f"--from {first} is not before --until {last}")
    with database() as connection:
        proofs = list(prove(connection, midnight(first, UTC), midnight(last, UTC), family or None, device or None))
    if device and not proofs:
        raise Failure(f"device {device} is not registered, or was out of service then")
    verdicts = Counter(proof.verdict for proof in proofs)
    if json_output:
        show_json({
            "from": first.isoformat(),
            "until": last.isoformat(),
            "complete": verdicts["complete"],
            "gaps": verdicts["gaps"],
            "cannot_know": verdicts["cannot know"],
            "devices": [_json(proof) for proof in proofs],
        })  # fmt: skip
    else:
        _show(proofs, alone=bool(device))
        say(
            f"{counted(len(proofs), 'device')} from {first} to the end of {last - timedelta(days=1)}:"
            f" {verdicts['complete']} complete, {verdicts['gaps']} with gaps,"
            f" {verdicts['cannot know']} of which it cannot be known."
        )
    return 1 if verdicts["gaps"] else 0


def _day(text: str, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{option} {text!r} is no date such as 2026-03-01") from None


def _json(proof: DeviceProof) -> dict[str, Any]:
    found = asdict(proof)
    for day, entry in zip(proof.days, found["days"], strict=True):
        entry["day"], entry["gap"] = day.day.isoformat(), day.gap
    return found


def _show(proofs: list[DeviceProof], *, alone: bool) -> None:
    """The devices that are not complete with their days that have gaps; of a single device every day."""
    rows: list[tuple[Any, ...]] = []
    for proof in proofs:
        if proof.verdict == "complete" and not alone:
            continue
        rows.append((proof.device, proof.verdict, "", proof.because))
        for day in proof.days:
            if day.gap or alone:
                parts = [f"{day.present} of {counted(day.expected, 'reading')}"] if day.expected else []
                parts += [f"{counted(day.missing_numbers, 'message number')} missing"] if day.missing_numbers else []
                parts += [f"register minus intervals {day.difference:g}"] if day.difference is not None else []
                rows.append((proof.device, "gap" if day.gap else "", day.day.isoformat(), ", ".join(parts)))
    show_table(("device", "verdict", "day", "why"), rows)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("complete")(complete)
