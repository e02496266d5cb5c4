"""The commands of ``borough`` put together: one visible list."""

from __future__ import annotations

import typer

from borough.commands import (
    collect,
    correct,
    decode,
    demo,
    devices,
    doctor,
    maintain,
    migrate,
    record,
    rejected,
    replay,
)

app = typer.Typer(
    help="Borough Telemetry: collects what a borough's sensors say and keeps every reading exactly once.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
migrate.register(app)
app.add_typer(devices.app, name="devices")
decode.register(app)
collect.register(app)
app.add_typer(rejected.app, name="rejected")
record.register(app)
replay.register(app)
app.add_typer(correct.app, name="correct")
maintain.register(app)
doctor.register(app)
demo.register(app)
