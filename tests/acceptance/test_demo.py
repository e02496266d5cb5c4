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
from pathlib import Path
from typing import Any

import psutil
import pytest

from borough.postgres_server import PostgresError, embedded_binaries, private_folder
from tests.conftest import unavailable
from tests.servers import wait_for

BOROUGH = str(Path(sys.executable).with_name("borough"))
FAMILIES = {"air-monitor", "movement-sensor", "parking-bay", "smart-meter"}

pytestmark = pytest.mark.timeout(180)


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


def start(state: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BOROUGH, "demo", "--state", str(state), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_page(demo: subprocess.Popen[str]) -> tuple[str, list[str]]:
    """The page's address once the demo has printed all of its lines."""
    assert demo.stderr is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("Ctrl-C"):
        line = demo.stderr.readline()
        assert line, f"the demo ended: {lines}"
        lines.append(line)
    (page,) = (found[1] for line in lines if (found := re.match(r"\s+page\s+(\S+)", line)))
    return page, lines


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def adds_up(report: dict[str, Any]) -> None:
    """The two sums of the contract, over all and for every family, and the table itself."""
    for part in (report, *report["families"].values()):
        messages, readings = part["messages"], part["readings"]
        assert messages["received"] == sum(messages[word] for word in ("decoded", "ignored", "rejected", "in_flight"))
        assert readings["decoded"] == sum(
            readings[word] for word in ("stored", "duplicates", "thinned", "rejected", "refused")
        )
    assert report["readings"]["stored"] == report["stored_in_table"]
    assert report["messages"]["in_flight"] == 0
    assert report["adds_up"] is True


def test_it_ends_by_itself_and_adds_up(state: Path) -> None:
    begin = time.monotonic()
    demo = start(state, "--seconds", "10", "--json")
    page, lines = await_page(demo)
    up = time.monotonic() - begin
    assert wait_for(lambda: "bay-001" in read(page), 9), "no reading reached the page"
    out, errors = demo.communicate(timeout=60)
    assert demo.returncode == 0, errors
    report = json.loads(out)
    adds_up(report)
    assert set(report["families"]) == FAMILIES
    assert report["messages"]["received"] == report["published"]
    assert report["messages"]["rejected"] == report["readings"]["rejected"] == 0
    assert all(family["readings"]["stored"] > 0 for family in report["families"].values())
    text = "".join(lines)
    assert "not the place for real data" in text
    assert str(state) in text
    assert up < 30, f"the page took {up:.1f} s"  # under 10 s on a quiet machine, measured
    assert not users_of(state)


def test_the_page_says_what_it_is_and_loads_nothing_from_elsewhere(state: Path) -> None:
    demo = start(state)
    page, _ = await_page(demo)
    assert wait_for(lambda: "meter-001" in read(page), 20)
    with urllib.request.urlopen(page, timeout=10) as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "simulated" in text
    assert "Adds up" in text
    assert not re.findall(r"(?:src|href)=\"(?!/|#|data:)", text)
    for address in re.findall(r"(?:src|href)=\"(/[^\"]*)\"", text):
        assert read(page.rstrip("/") + address)
    assert 'http-equiv="refresh"' not in text
    assert 'http-equiv="refresh"' in read(page + "?refresh=true")
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        read_as(page, "elsewhere.example")
    refused.value.close()
    demo.send_signal(signal.SIGTERM)
    _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 0, errors


def read_as(page: str, host: str) -> None:
    """Ask for the page by another name, as a page of another site that points its name at us would."""
    urllib.request.urlopen(urllib.request.Request(page, headers={"Host": host}), timeout=10).close()


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.8, 1.5, 2.5])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_during_the_start(state: Path, delay: float, number: signal.Signals) -> None:
    demo = start(state)
    time.sleep(delay)
    demo.send_signal(number)
    _, errors = demo.communicate(timeout=60)
    # by the signal itself before the program has begun; 130 during the start; 0 where it was already up
    assert demo.returncode in (-number, 130, 0), errors
    assert delay < 0.3 or "Traceback" not in errors
    assert wait_for(lambda: not users_of(state), 15)


def test_ctrl_c_ends_it_and_it_goes_on_where_it_left_off(state: Path) -> None:
    reports = []
    for _ in range(2):
        demo = start(state, "--json")
        await_page(demo)
        time.sleep(4)
        demo.send_signal(signal.SIGINT)
        out, errors = demo.communicate(timeout=60)
        assert demo.returncode == 0, errors
        reports.append(json.loads(out))
        adds_up(reports[-1])
        assert not users_of(state)
    first, second = reports
    assert second["messages"]["received"] == first["messages"]["received"] + second["published"]
    assert second["readings"]["rejected"] == 0, "the same simulated instant said two things"


def test_killed_it_leaves_nothing_and_starts_again(state: Path) -> None:
    demo = start(state)
    await_page(demo)
    time.sleep(2)
    demo.kill()
    demo.communicate()
    again = start(state, "--seconds", "3", "--json")
    out, errors = again.communicate(timeout=90)
    assert again.returncode == 0, errors
    adds_up(json.loads(out))
    assert wait_for(lambda: not users_of(state), 15)


def test_killed_and_not_started_again_it_leaves_nothing(state: Path) -> None:
    demo = start(state)
    await_page(demo)
    demo.kill()
    demo.communicate()
    assert wait_for(lambda: not users_of(state), 20), users_of(state)


def test_a_second_one_is_told_and_reset_ends_the_first(state: Path) -> None:
    demo = start(state)
    await_page(demo)
    second = start(state)
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 1
    assert re.fullmatch(rf"borough: a demo is already running in {state} \(process {demo.pid}\)[^\n]+\n", errors)
    reset = start(state, "--reset")
    _, errors = reset.communicate(timeout=90)
    assert reset.returncode == 0, errors
    demo.communicate(timeout=10)
    assert demo.returncode == 0
    assert not state.exists()
    assert not users_of(state)


def test_a_folder_of_somebody_elses_is_left_alone(state: Path) -> None:
    state.mkdir()
    (state / "letter.txt").write_text("mine")
    for arguments in (["--seconds", "1"], ["--reset"]):
        demo = start(state, *arguments)
        _, errors = demo.communicate(timeout=60)
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
        _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert (
        errors
        == f"borough: port {free_port} cannot be used for the page: Address already in use; choose another --port\n"
    )
