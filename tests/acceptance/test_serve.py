"""``borough serve`` as a process: it says where it listens, keeps to its name, and ends when it is told to."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import PATIENCE, wait_for
from tests.tools.site import COOKIE


@contextmanager
def serving(database: str, errors: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the address that it printed."""
    values = {"BOROUGH_DATABASE_URL": database, "BOROUGH_WEB_PORT": "0", **settings}
    with errors.open("w") as log:
        process = subprocess.Popen(
            [*WITH_US, *BOROUGH, "serve"], env=environment(values), stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"Listening on (http://127\.0\.0\.1:\d+)\n", line)
        assert found is not None, line + errors.read_text()
        yield process, found[1]
    finally:
        process.kill()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_ends(database: str, tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    settings = {"BOROUGH_COUNCIL_NAME": "Testborough Council", "BOROUGH_WEB_URL": "http://energy.example"}
    with serving(database, log, **settings) as (process, url):
        assert httpx.get(f"{url}/health/ready", timeout=PATIENCE).status_code == 200
        answer = httpx.get(f"{url}/", headers={"Host": "energy.example"}, timeout=PATIENCE)
        assert "Testborough Council" in answer.text
        assert "server" not in answer.headers
        assert httpx.get(f"{url}/", headers={"Host": "elsewhere.example"}, timeout=PATIENCE).status_code == 400
        assert (
            httpx.get(f"{url}/home?name=Alice", cookies={COOKIE: "no-such-token"}, timeout=PATIENCE).status_code == 303
        )
        # a connection that is open and says nothing does not keep it from ending
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))):
            process.send_signal(number)
            assert process.wait(60) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert any(re.fullmatch(r"GET / 200 \d+ ms", line["message"]) for line in lines), lines
    assert "Alice" not in log.read_text()
    assert "no-such-token" not in log.read_text()


def test_told_to_end_before_it_listens(database: str) -> None:
    process = subprocess.Popen(
        [*WITH_US, *BOROUGH, "serve"],
        env=environment({"BOROUGH_DATABASE_URL": database, "BOROUGH_WEB_PORT": "0"}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert wait_for(lambda: _handles(process.pid, signal.SIGTERM), 10)
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def _handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def once(database: str, **settings: str) -> subprocess.CompletedProcess[str]:
    values = {"BOROUGH_DATABASE_URL": database, "BOROUGH_WEB_PORT": "0", **settings}
    return subprocess.run([*BOROUGH, "serve"], env=environment(values), capture_output=True, text=True, timeout=60)


def test_a_port_that_is_taken(database: str, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        done = once(database, BOROUGH_WEB_PORT=str(free_port))
    assert done.returncode == 1
    assert done.stderr == (
        f"borough: 127.0.0.1 port {free_port} cannot be used: Address already in use;"
        " see BOROUGH_WEB_HOST and BOROUGH_WEB_PORT\n"
    )


def test_a_database_without_our_tables(empty_database: str) -> None:
    done = once(empty_database)
    assert done.returncode == 1
    assert "run: borough migrate" in done.stderr
    assert done.stderr.count("\n") == 1


def test_where_a_request_came_from_is_told_by_a_trusted_proxy_alone(database: str, tmp_path: Path) -> None:
    """Rate limits go by address: whoever could name any address would have no limit."""
    for proxies, limited in (("127.0.0.1", False), ("192.0.2.1", True)):
        with (
            serving(database, tmp_path / "log", BOROUGH_WEB_PROXIES=proxies) as (_, url),
            httpx.Client(timeout=PATIENCE) as web,
        ):
            page = web.get(f"{url}/sign-in").status_code
            assert page == 200
            statuses = {
                web.post(
                    f"{url}/sign-in/demo/x",
                    headers={"X-Forwarded-For": f"198.51.100.{number}", "X-CSRF-Token": _token(web)},
                ).status_code
                for number in range(100)
            }
            assert (429 in statuses) == limited, statuses


def _token(web: httpx.Client) -> str:
    """The form's token, which stands in the cookie of a sign-in under way."""
    (cookie,) = [value for name, value in web.cookies.items() if name == "borough-sign-in"]
    found: str = json.loads(base64.b64decode(cookie.split(".")[0]))["csrf"]
    return found
