"""An e-mail made of a message: text and HTML that say the same, the link that stops it, and nothing from elsewhere."""

from __future__ import annotations

import binascii
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from typing import Any

from borough.delivery.rules import KINDS
from store.outbox_work import Candidate

_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


_SMTP = EmailPolicy(linesep="\r\n")
_SMTPUTF8 = EmailPolicy(linesep="\r\n", utf8=True)

_WORDS = {
    "air-alert": "air alerts",
    "care-alert": "alerts of this kind",
    "care-note": "notes of this kind",
    "nudge": "messages about your energy use",
    "letter-notice": "notices about letters",
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom an e-mail is from. ``address`` is the envelope's sender too, where bounces go."""

    name: str
    address: str
    reply_to: str | None = None
    help_line: str | None = None

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


def message_id(key: str, domain: str) -> str:
    """The same at every try of a message; tells nothing of it."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def build(one: Candidate, sender: Sender, stop: str | None, now: datetime) -> bytes:
    """The e-mail, its lines as SMTP has them; ``stop``: the address of the page that stops its kind, for kinds that
    have one.

    The library folds and encodes what people wrote in headers; the rest is made here, in a tenth of its time.
    Raises ValueError for what can stand in no header.
    """
    assert one.address is not None
    local, _, domain = one.address.rpartition("@")
    policy = _SMTP if one.address.isascii() else _SMTPUTF8
    head = [
        _sender(sender),
        _header(policy, "To", Address("", local, domain)),
        _header(policy, "Subject", one.subject),
        _line("Date", format_datetime(now)),
        _line("Message-ID", message_id(one.key, sender.domain)),
        # no out-of-office answers, and no answer by a machine that answers us (RFC 3834)
        _line("Auto-Submitted", "auto-generated"),
        _line("X-Auto-Response-Suppress", "All"),
    ]
    if stop is not None:
        # not folded: not every mail service unfolds the address that one click goes to
        head += [
            _line("List-Unsubscribe", f"<{stop}>"),
            _line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    foot = _foot(one, sender, stop)
    text = one.text.replace("\r\n", "\n").strip("\n") + "\n\n-- \n" + "\n".join(foot) + "\n"
    # no line of what is encoded can hold it: there a = stands before two digits or a line's end
    border = f"=_{secrets.token_hex(16)}"
    head += [_line("MIME-Version", "1.0"), _line("Content-Type", f'multipart/alternative; boundary="{border}"')]
    parts = [_part(border, "plain", text), _part(border, "html", _document(one, foot))]
    return b"".join([*head, b"\r\n", *parts, f"--{border}--\r\n".encode()])


@lru_cache(maxsize=16)
def _sender(sender: Sender) -> bytes:
    lines = _header(_SMTP, "From", Address(sender.name, *_parts(sender.address)))
    if sender.reply_to is not None:
        reply = Address("", *_parts(sender.reply_to))
        lines += _header(_SMTP if sender.reply_to.isascii() else _SMTPUTF8, "Reply-To", reply)
    return lines


def _header(policy: EmailPolicy[Any], name: str, value: Any) -> bytes:
    """A header that people wrote. Raises ValueError for one with a line end."""
    return bytes(policy.fold_binary(*policy.header_store_parse(name, value)))


def _line(name: str, value: str) -> bytes:
    """A header of ours, of one line. Raises ValueError."""
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{name} is no line of ASCII")
    return f"{name}: {value}\r\n".encode()


def _part(border: str, kind: str, text: str) -> bytes:
    """A text of a kind, as lines of 76 signs of ASCII."""
    # a CR alone would be sent as it is, and is no end of a line to everybody
    data = binascii.b2a_qp(re.sub("\r\n?", "\n", text).encode(), istext=True).replace(b"\n", b"\r\n")
    head = (
        f'--{border}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + data + (b"" if data.endswith(b"\r\n") else b"\r\n")


def stoppable(one: Candidate) -> bool:
    """Whether its kind has a link that stops it."""
    return KINDS[one.kind].stoppable


def _foot(one: Candidate, sender: Sender, stop: str | None) -> list[str]:
    lines = [f"Sent by {sender.name}."]
    if sender.help_line is not None:
        lines.append(f"Questions: {sender.help_line}.")
    if stop is not None:
        lines.append(f"To get no more {_WORDS[one.kind]}: {stop}")
    elif sender.reply_to is None:
        lines.append("Nobody reads answers to this address.")
    return lines


def _document(one: Candidate, foot: list[str]) -> str:
    body = one.html if one.html is not None else _paragraphs(one.text)
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(one.subject)}</title>\n</head>\n<body>\n{body}\n<hr>\n"
        f"{_paragraphs(chr(10).join(foot))}\n</body>\n</html>\n"
    )


def _paragraphs(text: str) -> str:
    parts = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip("\n"))
    return "\n".join(f"<p>{_linked(part).replace(chr(10), '<br>' + chr(10))}</p>" for part in parts)


def _linked(text: str) -> str:
    """Escaped, and addresses of pages as links."""
    found, place = [], 0
    for match in _URL.finditer(text):
        url = escape(match[0])
        found.append(f'{escape(text[place : match.start()])}<a href="{url}">{url}</a>')
        place = match.end()
    return "".join(found) + escape(text[place:])


def _parts(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain
