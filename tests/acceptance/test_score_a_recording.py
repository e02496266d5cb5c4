"""The commands of docs/how-to/score-a-recording.md, as they stand there, with a self-made recording."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from borough.postgres_server import private_folder
from scripts.parts import Parts
from tests.tools.program import environment
from tests.tools.recordings import DATASETS
from tests.tools.servers import wait_for

ROOT = Path(__file__).parents[2]


def test_five_commands_to_a_score(parts: Parts, tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/score-a-recording.md").read_text()
    commands = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    assert len(commands) == 5
    assert commands[:2] == ["make setup", "make servers"]
    # what `make servers` runs, with a folder of its own instead of the one that a person may be using
    (line,) = re.findall(
        r"^servers:.*\n\t@\.venv/bin/python -m (.*) \$\(ARGS\)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    DATASETS[0].sample(tmp_path)
    shutil.copy(tmp_path / DATASETS[0].files, tmp_path)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    name = f"servers-{tmp_path.name}"
    settings = {**environment({}), "PYTHONPATH": str(ROOT)}
    servers = subprocess.Popen(
        [sys.executable, "-m", *shlex.split(line), "--name", name],
        cwd=tmp_path,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert servers.stdout is not None
        said = servers.stdout.readline()
        assert ". .borough/servers.env" in said, said + servers.stdout.read()
        done = subprocess.run(
            ["sh", "-e", "-c", "\n".join(commands[2:])],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        assert "40 messages sent" in done.stdout
        assert "Of 40 readings nothing is lost and nothing is wrong" in done.stdout
        assert (tmp_path / "westminster.html").exists()
    finally:
        servers.send_signal(signal.SIGTERM)
        rest, _ = servers.communicate(timeout=60)
        shutil.rmtree(private_folder() / name, ignore_errors=True)
        (private_folder() / f"{name}.lock").unlink(missing_ok=True)
    assert servers.returncode == 0, rest
    assert wait_for(lambda: not (tmp_path / ".borough/servers.env").exists(), 5)
