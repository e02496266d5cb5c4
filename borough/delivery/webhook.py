"""A webhook as Standard Webhooks 1.0 describes it: what is sent is signed, told in bounded time, and never redirected.

``webhook-id`` is the notice's key, the same at every try; ``webhook-signature`` is ``v1,`` and the Base64 of the
HMAC-SHA256 over ``<webhook-id>.<webhook-timestamp>.<body>``. How a receiver checks it: docs/how-to/be-woken.md.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

import httpx2

from devices.text import visible

#: All of it: name, connection, handshake, question and the answer's head [s]. Of its body nothing is read.
SECONDS = 10.0
#: What is kept of a reason [characters].
_LONGEST = 200


class NotTold(Exception):
    """The receiver did not take it. The text says why, without the address's path, which may be a secret."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to and with which key; ``seconds``: how long a try may take."""

    url: str = field(repr=False)
    key: bytes = field(repr=False)
    seconds: float = SECONDS

    def send(self, name: str, body: bytes, now: datetime) -> None:
        """Have it taken: an answer of 200 to 299 in time. Raises NotTold."""
        asyncio.run(self._send(name, body, now))

    async def _send(self, name: str, body: bytes, now: datetime) -> None:
        headers = {"content-type": "application/json", "user-agent": "borough", **signed(self.key, name, body, now)}
        try:
            async with (
                asyncio.timeout(self.seconds),
                # nothing but the settings says where to: no proxy of the environment, no netrc
                httpx2.AsyncClient(follow_redirects=False, trust_env=False, timeout=self.seconds) as client,
                client.stream("POST", self.url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (TimeoutError, httpx2.TimeoutException):
            raise NotTold(f"no answer within {self.seconds:g} s") from None
        except httpx2.HTTPError as error:
            raise NotTold(visible(f"{type(error).__name__}: {error}")[:_LONGEST]) from None
        if 300 <= status < 400:
            raise NotTold(f"answered {status}, and a redirect is not followed: give the address that it leads to")
        if not 200 <= status < 300:
            raise NotTold(f"answered {status}")


def signed(key: bytes, name: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers that say which message it is, of when, and that it is ours."""
    timestamp = str(int(now.timestamp()))
    digest = hmac.new(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
