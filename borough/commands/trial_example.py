"""``borough trial example``: a simulated trial from the draw to its report, to see what one looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from borough.errors import UsageError
from borough.output import Json, say, show_json, show_table, tell
from devices.counts import counted

#: More homes than any borough has: the example is made in memory.
_MOST_HOMES = 500_000


def example(
    homes: Annotated[int, typer.Option(min=200, max=_MOST_HOMES, help="Simulated homes.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same trial.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Write the report here (.html).")] = None,
    json_output: Json = False,
) -> int:
    """Make a simulated trial with a planted effect, analyse it as a real one, and say whether the effect was found.

    Nothing is read from a database and nothing is stored there. Status 1 if the interval of the comparison does not
    hold what was planted: at 95 % that happens to one seed in twenty.

    Example: borough trial example --seed 7 --out example.html
    """
    if out is not None and not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: the folder does not exist")
    from analytics.trial.report_document import document
    from borough import trial_example, whole_file
    from dashboard.staff.trial_report import html

    made = trial_example.make(homes, seed)
    report = made.report
    if out is not None:
        try:
            whole_file.write(out, html(report))
        except OSError as error:
            raise UsageError(f"--out {out}: {error.strerror}") from None
        tell(f"written: {out}")
    if json_output:
        show_json({"simulated": True, "recovered": made.recovered, "report": document(report)})
        return 0 if made.recovered else 1
    say(
        f"This trial is simulated: {counted(homes, 'home')} that do not exist. The effect that was planted in the"
        f" comparison was {'recovered' if made.recovered else 'NOT recovered'}."
    )
    show_table(
        ("arm", "planted [kWh/day]", "found [kWh/day]", "interval [kWh/day]", "holds it"),
        [
            (
                one.arm,
                f"{one.planted:.4f}",
                _text(one.found.value),
                f"{_text(one.found.low)} to {_text(one.found.high)}",
                "yes" if one.held else "no",
            )
            for one in report.recovered
        ],
    )
    return 0 if made.recovered else 1


def register(app: typer.Typer) -> None:
    """Add the command to the group ``trial``."""
    app.command("example")(example)


def _text(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"
