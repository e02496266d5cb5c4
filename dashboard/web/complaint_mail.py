"""What the pages of complaints have in common, the public's and the officer's: fields of forms, and what is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from dashboard.web.forms import Form
from dashboard.web.site import Site
from devices import lengths
from devices.device import Origin
from store import complaints, contacts, outbox
from store.complaints import Complaint, Given
from store.connect import Connection


def read_text(form: Form, name: str, missing: str, what: str) -> str:
    """Text of some lines that must be there; ``what`` is its name at the start of a sentence."""
    text = "\n".join(form.text(name).splitlines())
    wrong = lengths.refusal(text, complaints.LONGEST, lines=True)
    if not text:
        form.errors[name] = missing
    elif wrong is not None:
        form.errors[name] = f"{what} {wrong}"
    return text


def read_email(form: Form, name: str) -> str:
    """An e-mail address."""
    text = form.text(name)
    if not text:
        form.errors[name] = "Enter the e-mail address, or choose another way"
        return ""
    try:
        return contacts.checked(text)
    except contacts.BadAddress as error:
        form.errors[name] = f"This is no e-mail address: {error}"
        return ""


def read_address(form: Form, name: str) -> str:
    """A postal address of some lines."""
    lines = tuple(line.strip() for line in form.text(name).splitlines() if line.strip())
    wrong = lengths.address_refusal(lines)
    if len(lines) < 2:
        form.errors[name] = "Enter the address with its postcode, each part in a line of its own"
    elif wrong is not None:
        form.errors[name] = f"The address {wrong}"
    return "\n".join(lines)


def send(
    site: Site, connection: Connection, given: Given | Complaint, *, key: str, subject: str, text: str, now: datetime
) -> int | None:
    """Put an e-mail about a complaint into the outbox, inside the running transaction; its number there.

    It goes with the tenancy where it is of one; an open complaint has its address still. Raises psycopg.Error.
    """
    origin: Origin = "simulated" if site.options.demo else "real"
    contact = contacts.email(connection, given.address, origin=origin, tenancy=given.tenancy_id)
    if contact is None:  # the household is being erased at this moment: what must be answered is nobody's now
        contact = contacts.email(connection, given.address, origin=origin)
    assert contact is not None
    return outbox.put(
        connection, key=key, contact=contact, kind="complaint", origin=origin, subject=subject, text=text,
        thread=key.rpartition(":")[0], due_at=now,
    )  # fmt: skip


def receipt(site: Site, reference: str, page: str, now: datetime) -> str:
    """What is said at once. It says nothing of what was complained of: nobody has shown that the address is theirs."""
    return (
        f"We have your complaint. Its reference is {reference}.\n\n"
        f"We will acknowledge it by {complaints.last_day(now, site.zone):%-d %B %Y} at the latest, and then look into"
        " it and answer you.\n\n"
        "See what became of it, with the reference and the key that were shown when you sent it:\n"
        f"{page}\n\n"
        "If you did not complain, somebody else entered your address. You need not do anything.\n\n"
        f"{site.options.council_name}\n"
    )


def acknowledgement(site: Site, found: Complaint) -> str:
    """A draft of an acknowledgement, for the officer to change."""
    return (
        f"We received your complaint {found.reference} on {found.received_at.astimezone(site.zone):%-d %B %Y}.\n\n"
        "We are looking into how data about you were used, and will tell you what we found without undue delay.\n\n"
        f"Data Protection Officer, {site.options.council_name}{_call(site)}"
    )


def answer(site: Site, found: Complaint) -> str:
    """A draft of an answer's end, for the officer to write before it."""
    return (
        f"About your complaint {found.reference}:\n\n\n\n"
        "If you are not content with this answer, you can complain to the Information Commissioner's Office.\n\n"
        f"Data Protection Officer, {site.options.council_name}{_call(site)}"
    )


def _call(site: Site) -> str:
    return f"\nTelephone: {site.options.help_line}" if site.options.help_line else ""


#: What an officer may send, with its draft.
DRAFTS: Mapping[str, Callable[[Site, Complaint], str]] = {"acknowledgement": acknowledgement, "answer": answer}
