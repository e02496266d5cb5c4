"""A relay spoken to by SMTP: one connection, one e-mail at a time, and of each exactly how it ended.

A relay has an e-mail from its last dot on, and says so by its answer to it. ``hand`` is called right before that dot:
whoever is killed after it cannot know.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from borough.delivery.smtp_line import Line, TlsLine
from devices.text import visible
from store.outbox_work import Answer, Stage

#: The answer to the last dot may take so many times as long as any other (RFC 5321, 4.5.3.2: ten minutes).
FINAL = 10
#: All until the last dot, and all until we are let in, takes so many times as long at most: a relay that answers each
#: word at the last moment holds a worker no longer.
BEFORE, ENTERING = 3, 5
#: What is kept of an answer [characters].
_LONGEST = 200
_DOTS = re.compile(rb"(?m)^\.")
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_ADDRESS = re.compile(r"<?\S+@\S+")
#: Enhanced codes (RFC 3463) by which there is no such mailbox: none of that name, no such domain, moved, disabled.
_NO_MAILBOX = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_OWN = ("127.0.0.1", "localhost", "::1")


class RelayProblem(Exception):
    """The relay cannot be reached, does not let us in, or takes nothing from our sender: no message is to blame.

    ``kind``: what of it. The text holds no address of a person and no password.
    """

    def __init__(self, kind: Literal["relay", "tls", "certificate", "auth", "sender"], text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Outcome(NamedTuple):
    """How a try ended; ``held``: ``hand`` said no, and nothing was sent."""

    state: Literal["sent", "perhaps", "failed", "again", "held"]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Relay:
    """Where it is. ``implicit``: TLS from the first byte; else STARTTLS, which only a relay on this machine may lack.

    ``seconds``: how long each answer may take.
    """

    host: str
    port: int
    implicit: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    seconds: float = 60.0

    @property
    def near(self) -> bool:
        """Whether it is on this machine, where nobody listens on the way."""
        return self.host in _OWN


class Connection:
    """A relay that let us in. Use it as a context manager, or ``close`` it."""

    def __init__(self, relay: Relay, name: str) -> None:
        """Connect, encrypt, sign in; ``name``: our own, as a greeting needs one. Raises RelayProblem."""
        self._relay = relay
        place = f"{relay.host}:{relay.port}"
        try:
            self._smtp = _open(relay, name)
        except ssl.SSLCertVerificationError as error:
            raise RelayProblem("certificate", f"{place}: its certificate is not good: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise RelayProblem("tls", f"{place} speaks no TLS as we do: {error.reason}") from None
        except smtplib.SMTPResponseException as error:
            raise RelayProblem("relay", f"{place} greets us with {_said(error)}") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if _timed_out(error):
                raise RelayProblem("relay", f"{place} does not answer within {relay.seconds:g} s") from None
            raise RelayProblem("relay", f"{place} cannot be reached: {_reason(error)}") from None
        try:
            self._enter(place)
        except BaseException:
            self.close()
            raise
        self._smtp.within(None)

    def _enter(self, place: str) -> None:
        relay = self._relay
        if relay.username is None:
            return
        try:
            self._smtp.login(relay.username, relay.password or "")
        except smtplib.SMTPNotSupportedError:
            raise RelayProblem("auth", f"{place} takes no sign-in, and a user is set") from None
        except smtplib.SMTPAuthenticationError as error:
            raise RelayProblem("auth", f"{place} does not let us in: {_said(error)}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise RelayProblem("relay", f"{place} ended while we signed in: {_reason(error)}") from None

    def alive(self) -> bool:
        """Whether it still answers: relays end what is idle."""
        try:
            return bool(self._smtp.noop()[0] == 250)
        except (OSError, smtplib.SMTPException):
            return False

    def ask(self, sender: str) -> None:
        """Ask whether it takes e-mails from a sender, and send none. Raises RelayProblem."""
        try:
            code, answer = self._smtp.mail(sender)
            if code != 250:
                said = _answer("sender", code, answer).answer
                raise RelayProblem("sender", f"the relay takes nothing from {sender}: {said}")
            self._smtp.rset()
        except (OSError, smtplib.SMTPException) as error:
            raise RelayProblem("relay", f"the relay ended when it was asked: {_reason(error)}") from None

    def send(self, sender: str, to: str, mail: bytes, hand: Callable[[], bool]) -> Outcome:
        """Hand an e-mail over, its lines ended as SMTP has them. What ``hand`` raises leaves the connection closed.

        Raises RelayProblem where the relay takes nothing from this sender.
        """
        stage: Stage = "sender"
        self._smtp.within(self._relay.seconds * BEFORE)
        try:
            options = []
            if not to.isascii():
                if not self._smtp.has_extn("smtputf8"):
                    return _failed("the relay takes no address with signs beyond ASCII (SMTPUTF8)", "recipient")
                options = ["SMTPUTF8", "BODY=8BITMIME"]
            code, answer = self._smtp.mail(sender, options)
            if code >= 500:
                said = _answer("sender", code, answer)
                if code == 552 or (said.enhanced or "").startswith("5.3.4"):
                    return self._reset(Outcome("failed", said))
                if options and self._takes(sender):
                    # it promised SMTPUTF8 and takes none: that is this address alone
                    return self._reset(Outcome("failed", said))
                self.close()
                raise RelayProblem("sender", f"the relay takes nothing from {sender}: {said.answer}")
            if code != 250:
                return self._reset(_by_code(_answer("sender", code, answer)))
            stage = "recipient"
            code, answer = self._smtp.rcpt(to)
            if code not in (250, 251, 252):
                return self._reset(_by_code(_answer("recipient", code, answer)))
            stage = "content"
            code, answer = self._smtp.docmd("DATA")
            if code != 354:
                return self._reset(_by_code(_answer("content", code, answer)))
            self._smtp.send(_DOTS.sub(b"..", mail))
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Outcome("again", Answer(stage, None, None, f"the connection ended: {_reason(error)}"))
        except UnicodeError:
            return self._reset(_failed("the address holds signs that cannot be sent", "recipient"))
        return self._finish(hand)

    def _takes(self, sender: str) -> bool:
        return self._smtp.rset()[0] == 250 and self._smtp.mail(sender)[0] == 250

    def _finish(self, hand: Callable[[], bool]) -> Outcome:
        """The last dot, after which it is the relay's; without it the relay has nothing."""
        try:
            held = not hand()
        except BaseException:
            self.drop()
            raise
        if held:
            self.drop()
            return Outcome("held", Answer("content", None, None, "held back before the last dot"))
        self._smtp.within(None)
        self._smtp.seconds = self._relay.seconds * FINAL
        try:
            self._smtp.send(b".\r\n")
            code, answer = self._smtp.getreply()
            self._smtp.seconds = self._relay.seconds
        except (OSError, smtplib.SMTPException) as error:
            self.drop()
            text = f"handed to the relay, and its answer was lost: {_reason(error)}"
            return Outcome("perhaps", Answer("lost", None, None, text))
        said = _answer("content", code, answer)
        if 200 <= code < 300:
            return Outcome("sent", said._replace(stage="sent"))
        if 400 <= code < 600:
            return self._reset(_by_code(said._replace(bounced=False)))
        self.drop()
        return Outcome("perhaps", said._replace(stage="lost"))

    def _reset(self, outcome: Outcome) -> Outcome:
        """Ready for the next e-mail, or closed."""
        self._smtp.within(None)
        try:
            if outcome.answer.code == 421 or self._smtp.rset()[0] != 250:
                self.close()
        except (OSError, smtplib.SMTPException):
            self.close()
        return outcome

    @property
    def closed(self) -> bool:
        """Whether another one is needed."""
        return self._smtp.sock is None

    def drop(self) -> None:
        """End without a word: what is not ended with a dot is none."""
        self._smtp.close()

    def close(self) -> None:
        """End it as one says goodbye, where somebody still listens."""
        try:
            if self._smtp.sock is not None:
                self._smtp.seconds = min(2.0, self._relay.seconds)
                self._smtp.within(None)
                self._smtp.quit()
        except (OSError, smtplib.SMTPException):
            pass  # it has gone before us
        finally:
            self._smtp.close()


def _open(relay: Relay, name: str) -> Line:
    context = ssl.create_default_context(cafile=relay.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    within = relay.seconds * ENTERING
    if relay.implicit:
        found: Line = TlsLine(relay.host, relay.port, name, relay.seconds, context, within)
    else:
        found = Line(relay.host, relay.port, name, relay.seconds, within)
    try:
        found.ehlo_or_helo_if_needed()
        if not relay.implicit:
            if found.has_extn("starttls"):
                found.starttls(context=context)
                found.ehlo()
            elif not relay.near:
                raise RelayProblem("tls", f"{relay.host}:{relay.port} offers no STARTTLS, and nothing is sent so")
    except BaseException:
        found.close()
        raise
    return found


def _by_code(said: Answer) -> Outcome:
    return Outcome("failed" if said.code is not None and said.code >= 500 else "again", said)


def _failed(text: str, stage: Stage) -> Outcome:
    return Outcome("failed", Answer(stage, None, None, text))


def _answer(stage: Stage, code: int, answer: bytes) -> Answer:
    text = _plain(answer)
    match = _ENHANCED.match(text)
    enhanced = match[0] if match is not None and match[1] == str(code)[:1] else None
    return Answer(stage, code, enhanced, f"{code} {text}".strip(), bounced=_bounced(stage, code, enhanced))


def _bounced(stage: Stage, code: int, enhanced: str | None) -> bool:
    """Whether there is no such mailbox: by its enhanced code (RFC 3463), without one by the code."""
    if stage != "recipient" or code < 500:
        return False
    if enhanced is None:
        return code in (550, 551, 553)
    return enhanced in _NO_MAILBOX


def _plain(answer: bytes) -> str:
    """A relay's words, in one line, without any address: they are shown to operators."""
    text = " ".join(answer.decode("utf-8", "replace").split())
    return visible(_ADDRESS.sub("(address)", text))[:_LONGEST]


def _said(error: smtplib.SMTPResponseException) -> str:
    raw = error.smtp_error
    return f"{error.smtp_code} {_plain(raw if isinstance(raw, bytes) else str(raw).encode())}"


def _reason(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error)
    if _timed_out(error):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return _plain(str(error).encode()) or type(error).__name__


def _timed_out(error: BaseException) -> bool:
    """Also where smtplib says that the connection was closed: it calls everything that."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
