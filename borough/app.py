"""The commands of ``borough`` put together: one visible list."""

from __future__ import annotations

import typer

from borough.commands import (
    analyse,
    collect,
    complete,
    correct,
    decode,
    demo,
    devices,
    doctor,
    erase,
    explain,
    homes,
    letters,
    maintain,
    migrate,
    reconcile,
    record,
    rejected,
    replay,
    serve,
    simulate,
    subject,
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
app.add_typer(homes.app, name="homes")
decode.register(app)
collect.register(app)
app.add_typer(rejected.app, name="rejected")
simulate.register(app)
record.register(app)
replay.register(app)
reconcile.register(app)
app.add_typer(correct.app, name="correct")
complete.register(app)
analyse.register(app)
explain.register(app)
letters.register(app)
subject.register(app)
erase.register(app)
maintain.register(app)
serve.register(app)
doctor.register(app)
demo.register(app)
