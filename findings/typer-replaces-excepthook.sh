#!/bin/sh
# Calling a Typer application replaces sys.excepthook, also where its own tracebacks are switched off.
#
# Field: commands whose tracebacks quote what devices and files said, and make it harmless in a hook of their own.
# Version: typer 0.29.2.
# Seen: with pretty_exceptions_enable=False a fault in a command goes to the hook that stood when typer was imported,
# not to the one that the program set afterwards. The command that get_command() gives leaves the hook alone.
# What follows: get_command(app).main(...) is called, and the program's own hook is asked.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check typer==0.29.2
cd "$folder"
cat > command.py <<'PYTHON'
import sys

import typer

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def fail():
    raise ValueError("a fault")


sys.excepthook = lambda kind, error, trace: print("our hook", flush=True)
if sys.argv.pop() == "app":
    app()
else:
    typer.main.get_command(app).main(standalone_mode=False)
PYTHON
venv/bin/python - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

print(f"typer {version('typer')}: which hook is asked?")
found = {}
for way in ("app", "get_command"):
    done = subprocess.run([sys.executable, "command.py", way], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    found[way] = "our hook" in done.stdout
    assert found[way] != ("Traceback" in done.stderr), done
    print(f"by {way}: {'that of the program' if found[way] else 'that of the time of import'}")
assert found == {"app": False, "get_command": True}, "it has changed: say so here"
PYTHON
