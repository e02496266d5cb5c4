"""`borough demo` as people start it: it adds up, it ends in every way, and it leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from borough.postgres_server import PostgresError, embedded_binaries, private_folder
from tests.conftest import unavailable
from tests.tools.servers import PATIENCE, wait_for, within

BOROUGH = str(Path(sys.executable).with_name("borough"))
FAMILIES = {"air-monitor", "movement-sensor", "parking-bay", "smart-meter"}
#: A small borough with many faults: its past is there in a second, and an hour of the present in six.
FLEET = """
name = "small"
seed = 3
start = 2026-01-05T00:00:00Z
days = 3
[smart-meter]
count = 5
[parking-bay]
count = 4
heartbeat = 600
[air-monitor]
count = 2
[movement-sensor]
count = 1
[faults]
duplicate = { share = 0.1, seconds = 5 }
malformed = 0.1
"""


@pytest.fixture(scope="module", autouse=True)
def _parts() -> None:
    try:
        embedded_binaries()
    except PostgresError as error:
        unavailable(str(error))


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder for the demo where `nobody` gets to; no process may know it when the test is over."""
    folder = private_folder() / f"demo-test-{uuid.uuid4().hex[:8]}"
    yield folder
    left = users_of(folder)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"left running: {left}"


def users_of(folder: Path) -> dict[int, list[str]]:
    """Command lines of the processes that have the folder in it or hold a file of it open, by process id."""
    found = {}
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            words = [*command, *(file.path for file in process.open_files())]
        except psutil.Error:
            continue  # ended while we looked
        if process.pid != os.getpid() and any(str(folder) in word for word in words):
            found[process.pid] = command
    return found


def start(state: Path, *arguments: str, fleet: Path | None = None) -> subprocess.Popen[str]:
    small = [] if fleet is None else ["--fleet", str(fleet), "--speed", "600"]
    return subprocess.Popen(
        [BOROUGH, "demo", "--state", str(state), *small, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(FLEET)
    return path


def await_page(demo: subprocess.Popen[str]) -> tuple[str, list[str]]:
    """The overview's address once the demo has printed all of its lines."""
    assert demo.stderr is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("Ctrl-C"):
        line = demo.stderr.readline()
        assert line, f"the demo ended: {lines}"
        lines.append(line)
    (page,) = (found[1] for line in lines if (found := re.match(r"\s+page\s+(\S+)", line)))
    return f"{page}overview", lines


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text


def adds_up(report: dict[str, Any]) -> None:
    """The two sums of the contract, over all and for every family, and the table itself."""
    for part in (report, *report["families"].values()):
        messages, readings = part["messages"], part["readings"]
        assert messages["received"] == sum(messages[word] for word in ("decoded", "ignored", "rejected", "in_flight"))
        assert readings["decoded"] == sum(
            readings[word] for word in ("stored", "restated", "duplicates", "thinned", "rejected", "refused")
        )
    assert report["readings"]["stored"] == report["stored_in_table"]
    assert report["messages"]["in_flight"] == 0
    assert report["adds_up"] is True


def score_line(lines: list[str]) -> str:
    """The printed line that scores the demo, for a shell."""
    (found,) = (line.partition("score")[2].strip() for line in lines if line.startswith("  score"))
    return found.replace(" borough ", f" {BOROUGH} ")


def test_the_borough_ends_by_itself_and_adds_up(state: Path) -> None:
    """The demo's own fleet, cut short while its history is being loaded."""
    demo = start(state, "--seconds", "12", "--json")
    page, lines = await_page(demo)
    assert wait_for(lambda: "days loaded through the broker" in read(page), 60)
    out, errors = demo.communicate(timeout=300)
    assert demo.returncode == 0, out + errors
    report = json.loads(out)
    adds_up(report)
    assert set(report["families"]) == FAMILIES
    assert report["messages"]["received"] == report["published"]
    assert report["messages"]["rejected"] == report["readings"]["duplicates"] == 0, "the history has no faults"
    assert report["history"]["days"] == 56.25
    assert 0 < report["history"]["days_loaded"] <= 56.25
    assert report["score"]["published"] == report["score"]["stored"] == report["stored_in_table"]
    text = "".join(lines)
    assert "552 simulated devices" in text
    assert "not the place for real data" in text
    assert str(state) in text
    assert not users_of(state)


def test_planted_faults_are_seen_and_scored(state: Path, small: Path) -> None:
    demo = start(state, "--json", fleet=small)
    page, lines = await_page(demo)
    for words in ("sent twice: counted as duplicates", "garbled: rejected", "simulated clock"):
        assert wait_for(partial(_shows, page, words), 30), words
    _says_what_it_is_and_loads_nothing_from_elsewhere(page)
    # while it runs, by the line that it printed: what is in the ledger by now is neither lost nor wrong
    line = score_line(lines) + " --json"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=300, check=False)
    # a message that was refused may stand in the ledger a moment later than one that was sent after it
    assert done.returncode in (0, 1), done.stdout + done.stderr
    running = json.loads(done.stdout)
    assert running["lost"] == running["wrong_value"] == running["wrong_time"] == 0
    assert done.returncode == (running["rejected_unexpectedly"] > 0)
    assert running["duplicates"] > 0
    assert running["rejected"] > 0
    demo.send_signal(signal.SIGINT)
    out, errors = demo.communicate(timeout=300)
    assert demo.returncode == 0, out + errors
    first = json.loads(out)
    adds_up(first)
    assert first["history"] == {**first["history"], "complete": True, "days": 3.25, "days_loaded": 3.25}
    assert first["messages"]["rejected"] > 0
    assert first["readings"]["duplicates"] > 0
    assert first["score"] is None, "a score takes its time, and Ctrl-C does not wait for it"

    again = start(state, "--seconds", "4", "--json", fleet=small)
    out, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors
    second = json.loads(out)
    adds_up(second)
    assert second["history"]["readings"] == 0, "what is there is not loaded again"
    assert second["messages"]["received"] == first["messages"]["received"] + second["published"]
    score = second["score"]
    assert score["published"] == score["stored"] + score["duplicates"] + score["rejected"] > 0
    assert score["lost"] == score["wrong_value"] == score["wrong_time"] == score["rejected_unexpectedly"] == 0


def _says_what_it_is_and_loads_nothing_from_elsewhere(page: str) -> None:
    assert wait_for(lambda: "meter-0001" in read(page), 20)
    with urllib.request.urlopen(page, timeout=PATIENCE) as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "simulated" in text
    assert "Adds up" in text
    assert not re.findall(r"(?:src|href)=\"(?!/|#|data:)", text)
    for address in re.findall(r"(?:src|href)=\"(/[^\"]*)\"", text):
        assert read(page.removesuffix("/overview") + address)
    assert 'http-equiv="refresh"' not in text
    assert 'http-equiv="refresh"' in read(page + "?refresh=true")
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        read_as(page, "elsewhere.example")
    refused.value.close()


def _shows(page: str, words: str) -> bool:
    return words in read(page)


def read_as(page: str, host: str) -> None:
    """Ask for the page by another name, as a page of another site that points its name at us would."""
    urllib.request.urlopen(urllib.request.Request(page, headers={"Host": host}), timeout=PATIENCE).close()


@pytest.mark.parametrize(
    ("delay", "number"),
    [
        (0.0, signal.SIGINT),
        (1.0, signal.SIGTERM),
        *[
            pytest.param(delay, number, marks=pytest.mark.soak)
            for delay in (0.2, 0.4, 0.7, 1.4, 2.0, 3.0, 4.0)
            for number in (signal.SIGINT, signal.SIGTERM)
        ],
    ],
)
def test_ended_during_the_start_and_the_history(state: Path, delay: float, number: signal.Signals) -> None:
    demo = start(state)
    time.sleep(delay)
    demo.send_signal(number)
    if delay == 0.0 and not within(lambda: demo.poll() is not None, 20):
        demo.send_signal(number)  # the first one came while Python itself was starting, which can lose it
    _, errors = demo.communicate(timeout=300)
    # by the signal itself before the program has begun; 130 during the start; 0 where it was already up
    unborn = delay == 0.0 and demo.returncode == 1 and "init_sys_streams" in errors  # Python itself had not begun
    assert unborn or demo.returncode in (-number, 130, 0), errors
    assert delay < 0.4 or "Traceback" not in errors
    assert wait_for(lambda: not users_of(state), 15)


def test_killed_it_leaves_nothing_and_starts_again(state: Path) -> None:
    demo = start(state)
    page, _ = await_page(demo)
    assert wait_for(lambda: "days loaded through the broker" in read(page), 60)
    demo.kill()
    demo.communicate()
    assert wait_for(lambda: not users_of(state), 20), users_of(state)
    again = start(state, "--seconds", "2", "--json")
    out, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors
    report = json.loads(out)
    adds_up(report)
    assert report["readings"]["rejected"] == 0, "the same simulated instant said two things"
    assert report["score"]["lost"] == 0
    assert wait_for(lambda: not users_of(state), 15)


def test_a_second_one_is_told_and_reset_ends_the_first(state: Path, small: Path) -> None:
    demo = start(state, fleet=small)
    await_page(demo)
    second = start(state)
    _, errors = second.communicate(timeout=300)
    assert second.returncode == 1
    assert re.fullmatch(rf"borough: a demo is already running in {state} \(process {demo.pid}\)[^\n]+\n", errors)
    reset = start(state, "--reset")
    _, errors = reset.communicate(timeout=300)
    assert reset.returncode == 0, errors
    demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0
    assert not state.exists()
    assert not users_of(state)


def test_a_folder_of_somebody_elses_is_left_alone(state: Path) -> None:
    state.mkdir()
    (state / "letter.txt").write_text("mine")
    for arguments in (["--seconds", "1"], ["--reset"]):
        demo = start(state, *arguments)
        _, errors = demo.communicate(timeout=300)
        assert demo.returncode == 2
        assert errors.count("\n") == 1
        assert str(state) in errors
    assert (state / "letter.txt").read_text() == "mine"


def test_a_taken_port_is_told_before_anything_starts(state: Path, free_port: int) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        demo = start(state, "--port", str(free_port))
        _, errors = demo.communicate(timeout=300)
    assert demo.returncode == 1
    assert (
        errors
        == f"borough: port {free_port} cannot be used for the page: Address already in use; choose another --port\n"
    )
