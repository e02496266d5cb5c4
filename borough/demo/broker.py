"""The demo's MQTT broker: amqtt in a process of its own (``python -m borough.demo.broker``), on 127.0.0.1.

Not for real data: it speaks MQTT 3.1.1 only, keeps everything in memory and never sends an unacknowledged message
again. Its account comes by standard input, as one JSON line ``{"port": …, "username": …, "password": …}``, so that no
command line shows it; when standard input ends, whoever started it is gone, and it ends too.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import signal
import sys
from dataclasses import dataclass
from typing import Any

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from borough.output import flush, say

READY = "ready"


class OneAccount(BaseAuthPlugin):  # type: ignore[misc] # amqtt carries no types
    """Lets in one user name with one password. Without a user name amqtt forgets the session."""

    @dataclass
    class Config:
        """What amqtt hands over from its settings."""

        username: str = ""
        password: str = ""

    async def authenticate(self, *, session: Session) -> bool:
        """Whether this connection may stay."""
        known = f"{self.config.username}\n{self.config.password}".encode()
        return hmac.compare_digest(f"{session.username}\n{session.password}".encode(), known)


def configuration(port: int, username: str, password: str) -> dict[str, Any]:
    """Settings of amqtt. Plugins are listed one by one: its defaults let anybody in and log every packet."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"borough.demo.broker.OneAccount": {"username": username, "password": password}},
    }


async def serve(port: int, username: str, password: str) -> None:
    """Run until SIGTERM, SIGINT or the end of standard input; says ``ready`` when connections are taken."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin, lambda: None if sys.stdin.read(1) else stop.set())
    broker = Broker(configuration(port, username, password))
    await broker.start()
    say(READY)
    flush()
    await stop.wait()
    await broker.shutdown()


def main() -> None:
    """Entry point of the process."""
    # a malformed packet makes thousands of lines, and nobody reads them
    logging.disable(logging.CRITICAL)
    asyncio.run(serve(**json.loads(sys.stdin.readline())))


if __name__ == "__main__":
    main()
