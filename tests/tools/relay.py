"""A relay on a free port of 127.0.0.1 (aiosmtpd) that takes, refuses, hangs, drips or hangs up as told, at each stage.

What it took is in ``got``; a message whose last dot came is taken, whether or not its answer is sent.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.tools.program import WITH_US

#: DATA: before the text; CONTENT: after the last dot, and it is not taken; TAKEN: it is, whatever is answered.
Stage = Literal["connect", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT", "TAKEN"]
#: Instead of an answer: none at all, or the connection's end. A text is the answer itself.
HANG, DROP = "(hang)", "(drop)"
#: Or a line that never ends, a byte every now and then [s].
DRIP, PAUSE = "(drip)", 0.02


class Taken(NamedTuple):
    """An e-mail as it came."""

    sender: str
    to: str
    data: bytes

    @property
    def mail(self) -> EmailMessage:
        """The same, read."""
        found = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def part(self, kind: str) -> str:
        """Its text of a kind, plain or html, with plain line ends."""
        body = self.mail.get_body((kind,))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


class Relay:
    """``with Relay() as relay:``; ``answers[stage]`` are given one after another, and then everything is taken.

    ``always[stage]`` is given each time. ``user``: who has to sign in, with which password. ``on_taken`` is called in
    the server's thread when a message's last dot has come, before it is answered.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        user: tuple[str, str] | None = None,
        utf8: bool = True,
        on_taken: Callable[[Taken], None] | None = None,
        on_stage: Callable[[Stage], None] | None = None,
    ) -> None:
        self.got: list[Taken] = []
        self.answers: dict[Stage, list[str]] = {}
        self.always: dict[Stage, str] = {}
        self.seen: list[str] = []
        self.on_taken, self.on_stage = on_taken, on_stage
        self._user, self._utf8 = user, utf8
        self._tls, self._implicit = tls, implicit
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._open: set[asyncio.Transport] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """As the setting has it."""
        return f"{'smtps' if self._implicit else 'smtp'}://127.0.0.1:{self.port}"

    def subjects(self) -> list[str]:
        """Of what it took, in order."""
        return [str(one.mail["Subject"]) for one in self.got]

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(0), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def away(self) -> None:
        """Listen no more, and end all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)

    def back(self) -> None:
        """Listen again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._start(self.port), self._loop).result(10)

    async def _start(self, port: int) -> None:
        self._server = await self._loop.create_server(
            lambda: _Smtp(self), "127.0.0.1", port, ssl=self._tls if self._implicit else None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        for transport in list(self._open):
            transport.abort()
        pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed in the loop's next turn

    def answer(self, stage: Stage) -> str | None:
        """What is to be said now, None: that it is well."""
        self.seen.append(stage)
        if self.on_stage is not None:
            self.on_stage(stage)
        return self.answers[stage].pop(0) if self.answers.get(stage) else self.always.get(stage)


async def drip(transport: asyncio.BaseTransport) -> None:
    """A byte and a pause, as long as somebody listens."""
    assert isinstance(transport, asyncio.WriteTransport)
    while not transport.is_closing():
        transport.write(b"2")
        await asyncio.sleep(PAUSE)


class _Smtp(SMTP):
    def __init__(self, relay: Relay) -> None:
        handler = _Handler(relay)
        user = relay._user

        def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any) -> AuthResult:
            well = user == (given.login.decode(), given.password.decode())
            return AuthResult(success=well, handled=False)

        super().__init__(
            handler,
            hostname="relay.test",
            tls_context=None if relay._implicit else relay._tls,
            require_starttls=relay._tls is not None and not relay._implicit,
            enable_SMTPUTF8=relay._utf8,
            authenticator=None if user is None else authenticate,
            auth_required=user is not None,
            auth_require_tls=user is None,
            loop=relay._loop,
        )
        self._relay = relay

    def connection_made(self, transport: Any) -> None:
        self._relay._open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._relay._open.discard(self.transport)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        if (given := self._relay.answer("connect")) is not None:
            if given == HANG:
                await asyncio.Event().wait()
            assert self.transport is not None
            if given == DRIP:
                await drip(self.transport)
            elif given != DROP:
                await self.push(given)
            self.transport.close()
            return
        await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        handler = self.event_handler
        assert isinstance(handler, _Handler)
        if (given := await handler.say(self, "DATA")) is not None:
            await self.push(given)
            return
        await super().smtp_DATA(arg)


class _Handler:
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def say(self, server: SMTP, stage: Stage) -> str | None:
        given = self._relay.answer(stage)
        if given == HANG:
            await asyncio.Event().wait()
        assert server.transport is not None
        if given == DRIP:
            await drip(server.transport)
        if given in (DRIP, DROP):
            server.transport.close()
            return "421 gone"
        return given

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        given = await self.say(server, "EHLO")
        return responses if given is None else [given]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (given := await self.say(server, "MAIL")) is not None:
            return given
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 well"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if (given := await self.say(server, "RCPT")) is not None:
            return given
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 well"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        if (given := await self.say(server, "CONTENT")) is not None:
            return given
        one = Taken(str(envelope.mail_from), envelope.rcpt_tos[0], envelope.content)
        self._relay.got.append(one)
        if self._relay.on_taken is not None:
            self._relay.on_taken(one)
        given = await self.say(server, "TAKEN")
        return "250 2.0.0 taken" if given is None else given


class RelayProcess:
    """The same in a process of its own, which takes everything: for what is measured."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*WITH_US, sys.executable, "-m", "tests.tools.relay"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = self._ask()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)

    def count(self) -> int:
        """How many e-mails it took."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._ask()

    def _ask(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


if __name__ == "__main__":
    with Relay() as one:
        print(one.port, flush=True)
        for _ in sys.stdin:
            print(len(one.got), flush=True)
