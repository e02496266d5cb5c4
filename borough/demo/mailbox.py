"""The demo's relay: takes every e-mail on this machine and keeps it in the demo's folder, for the page of its mailbox.

What is kept is bounded: the oldest go.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from borough.errors import Failure
from borough.postgres_server import free_port
from dashboard.options import DemoMail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, Envelope, Session

#: E-mails that are kept, and bytes of one.
_KEPT, _LARGEST = 500, 1 << 20
_SHOWN = ("From", "Message-ID", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post", "Date")


class Mailbox:
    """A folder of e-mails as they came; a file each, named by when it came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def keep(self, data: bytes) -> None:
        """Keep one. Raises OSError."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        part = self._folder / f".{name}.part"
        part.write_bytes(data)
        part.replace(self._folder / f"{name}.eml")
        for old in self._files()[_KEPT:]:
            old.unlink(missing_ok=True)

    def mails(self) -> Sequence[DemoMail]:
        """All of them, the newest first. Raises OSError."""
        return [_read(path) for path in self._files()]

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.eml"), reverse=True)


@contextmanager
def relay(mailbox: Mailbox) -> Iterator[int]:
    """A relay on a free port of 127.0.0.1, which it gives, until the end of the block. Raises Failure."""
    controller = _start(mailbox)
    try:
        yield controller.port
    finally:
        controller.stop()


def _start(mailbox: Mailbox) -> Controller:
    try:
        from aiosmtpd.controller import Controller
    except ImportError:
        raise Failure("the demo's relay is not installed; install borough-telemetry[demo]") from None
    problem = ""
    for _ in range(3):
        found = Controller(_Keep(mailbox), hostname="127.0.0.1", port=free_port(), data_size_limit=_LARGEST)
        try:
            found.start()
        except OSError as error:
            problem = error.strerror or str(error)  # somebody else took the port between our look and this
        else:
            return found
    raise Failure(f"the demo's relay does not start: {problem}")


class _Keep:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        try:
            self._mailbox.keep(envelope.content)
        except OSError as error:
            return f"452 4.3.1 {error.strerror}"
        return "250 2.0.0 kept"


def _read(path: Path) -> DemoMail:
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return DemoMail(
        name=path.stem,
        to=str(mail["To"] or ""),
        subject=str(mail["Subject"] or ""),
        at=str(mail["Date"] or ""),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
        headers=[(name, str(mail[name])) for name in _SHOWN if mail[name] is not None],
    )


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    return "" if body is None else str(body.get_content()).replace("\r\n", "\n")
