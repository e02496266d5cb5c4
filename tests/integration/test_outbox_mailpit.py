"""What a mail server of others makes of our e-mails: Mailpit takes them, reads them, and says what it finds.

``BOROUGH_TEST_MAILPIT`` names its program (`go install github.com/axllent/mailpit@v1.33.1`).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from borough.postgres_server import free_port
from tests.tools.program import WITH_US
from tests.tools.servers import PATIENCE, Cluster
from tests.worlds.outbox import SENDER, SITE, World, options

PROGRAM = os.environ.get("BOROUGH_TEST_MAILPIT") or shutil.which("mailpit")


@pytest.fixture(scope="module")
def mailpit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, httpx.Client]]:
    """Its SMTP port, and a client of its API."""
    if PROGRAM is None or not Path(PROGRAM).exists():
        pytest.skip("Mailpit is not built; BOROUGH_TEST_MAILPIT names its program")
    smtp, web = free_port(), free_port()
    process = subprocess.Popen(
        [*WITH_US, PROGRAM, "--smtp", f"127.0.0.1:{smtp}", "--listen", f"127.0.0.1:{web}", "--disable-version-check"],
        cwd=tmp_path_factory.mktemp("mailpit"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", web), timeout=1).close()
                socket.create_connection(("127.0.0.1", smtp), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)
        with httpx.Client(base_url=f"http://127.0.0.1:{web}/api/v1", timeout=PATIENCE) as client:
            yield smtp, client
    finally:
        process.kill()
        process.wait(60)


def test_what_arrives_is_what_was_put(mailpit: tuple[int, httpx.Client], timescale: Cluster) -> None:
    port, api = mailpit
    name = timescale.create()
    world = World(timescale.url(name))
    try:
        subject, text = "Ozone \u2013 h\u00f6her " + "long " * 20, "Line one.\n.dot\n\n" + "w\u00f6rd " * 400
        world.put(world.person("ana@home.example"), kind="air-alert", subject=subject, text=text)
        world.put(world.person("ben@home.example"), kind="code", subject="A code", text="BCDF-GHJK-LMNP")
        world.work(options(port))
        found = {one["Subject"]: one for one in api.get("/messages").json()["messages"]}
        assert found.keys() == {subject.strip(), "A code"}
        one = api.get(f"/message/{found[subject.strip()]['ID']}").json()
        assert one["From"] == {"Name": SENDER.name, "Address": SENDER.address}
        assert [to["Address"] for to in one["To"]] == ["ana@home.example"]
        assert [to["Address"] for to in one["ReplyTo"]] == [SENDER.reply_to]
        assert one["Text"].replace("\r\n", "\n").startswith(text.strip("\n"))
        assert one["ReturnPath"] == SENDER.address
        headers = api.get(f"/message/{one['ID']}/headers").json()
        assert headers["List-Unsubscribe-Post"] == ["List-Unsubscribe=One-Click"]
        assert headers["List-Unsubscribe"][0].startswith(f"<{SITE}/stop/")
        assert one["ListUnsubscribe"]["Errors"] == ""
        assert [link.startswith(f"{SITE}/stop/") for link in one["ListUnsubscribe"]["Links"]] == [True]
        check = api.get(f"/message/{one['ID']}/html-check").json()
        # what a few mail programs know in part: they put our body into a page of theirs, and draw the rule in their way
        assert {one["Slug"] for one in check["Warnings"]} <= {"html-body", "html-hr"}
        code = api.get(f"/message/{found['A code']['ID']}/headers").json()
        assert "List-Unsubscribe" not in code
        assert code["Auto-Submitted"] == ["auto-generated"]
    finally:
        world.close()
        timescale.drop(name)
