"""Broker accounts of a fleet: a secret for each device or gateway, Mosquitto's password file and ACL file.

Pure: what the files held goes in, what they should hold comes out. A device may publish to its own topics and read
nothing; a gateway (attribute ``gateway`` of the devices it speaks for) may publish for all its devices.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import io
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from devices.csv_table import csv_text
from devices.device import DEVICE_ID, Device
from devices.topics import account_of, base_of, filled, name_flaw

#: The collector's account at the broker.
COLLECTOR = "borough-collector"
#: What mosquitto_passwd of Mosquitto 2.0 uses. More would protect a weak password; these are 32 random bytes.
ITERATIONS = 101
#: What mosquitto_passwd of Mosquitto 2.0 uses.
_SALT_BYTES = 12
_RIGHT = re.compile(r"topic (?:read|write) (.*)\Z")
_COLUMNS = ("device_id", "username", "password")


def random_secret() -> str:
    """A new secret: 32 random bytes, URL-safe text."""
    return secrets.token_urlsafe(32)


def username(name: str) -> str:
    """The broker's user name of a device. A colon ends the name in a password file, so it is written ``%3A``."""
    return name.replace(":", "%3A")


def hash_password(secret: str, salt: bytes | None = None) -> str:
    """Mosquitto 2's ``$7$`` form: PBKDF2 with SHA-512, ``$7$<iterations>$<base64 salt>$<base64 hash>``."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(secret: str, hashed: str) -> bool:
    """Whether a ``$7$`` hash is that of this secret; False for any other form of hash."""
    try:
        empty, form, iterations, salt, digest = hashed.split("$")
        known = base64.b64decode(digest, validate=True)
        made = hashlib.pbkdf2_hmac("sha512", secret.encode(), base64.b64decode(salt, validate=True), int(iterations))
    except ValueError:
        return False
    return not empty and form == "7" and hmac.compare_digest(known, made)


@dataclass(frozen=True, slots=True)
class Files:
    """What an earlier run wrote: Mosquitto's password file and the list of secrets; empty text where there is none."""

    passwords: str = field(default="", repr=False)
    secret_list: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The three files, and how they differ from what they were: names only, so that this can be shown.

    ``passwords`` and ``acl`` are Mosquitto's files; ``secret_list`` is a CSV ``device_id,username,password`` of every
    secret that is known in plain text, for whoever sets up the devices.
    """

    passwords: str = field(repr=False)
    acl: str
    secret_list: str = field(repr=False)
    added: Sequence[str]
    kept: Sequence[str]
    rotated: Sequence[str]
    removed: Sequence[str]


def accounts(
    devices: Iterable[Device],
    topics: Mapping[str, Sequence[str]],
    filters: Sequence[str],
    old: Files | None = None,
    *,
    rotate: bool = False,
    token: Callable[[], str] = random_secret,
) -> Accounts:
    """The accounts of all devices in service.

    ``topics`` are the topic templates by model (``{device}`` and ``{family}`` are filled in), ``filters`` what the
    collector reads, ``old`` the files as they are now. A known hash or secret stays unless ``rotate``; names that
    are no device in service any more are removed. Raises ValueError for old files that are not ours and for a model
    without topics.
    """
    rights = writers(devices, topics)
    hashes, known = (read_passwords(old.passwords), read_secrets(old.secret_list)) if old else ({}, {})
    names = [COLLECTOR, *sorted(rights)]
    lines: list[str] = []
    plain: dict[str, str] = {}
    added: list[str] = []
    kept: list[str] = []
    rotated: list[str] = []
    for name in names:
        user = username(name)
        secret = known.get(name)
        if not rotate and user in hashes and (secret is None or matches(secret, hashes[user])):
            kept.append(name)
            hashed = hashes[user]
        elif not rotate and secret is not None:
            # a run that was cut short after the secrets were written: the device may already have its secret
            kept.append(name)
            hashed = hash_password(secret)
        else:
            (rotated if user in hashes else added).append(name)
            secret = token()
            hashed = hash_password(secret)
        lines.append(f"{user}:{hashed}\n")
        if secret is not None:
            plain[name] = secret
    removed = sorted({*hashes} - {username(name) for name in names})
    return Accounts("".join(lines), acl(rights, filters), write_secrets(plain), added, kept, rotated, removed)


def writers(devices: Iterable[Device], topics: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The topic filters that each account may publish to: by device id, or by gateway for the devices behind one.

    Raises ValueError for a model without topics and for a device and a gateway of the same name as the collector.
    """
    rights: dict[str, list[str]] = {}
    for device in devices:
        if device.retired:
            continue
        if device.model not in topics:
            raise ValueError(f"device {device.id}: model {device.model!r} has no topics")
        account = account_of(device, topics[device.model])
        if account == COLLECTOR:
            raise ValueError(f"device {device.id}: {COLLECTOR} is the collector's own account")
        if not DEVICE_ID.match(account):
            raise ValueError(f"device {device.id}: gateway {account!r}: letters, digits and . _ : @ - only")
        if device.topic != device.id and (wrong := name_flaw(device.topic)) is not None:
            raise ValueError(f"device {device.id}: its topic {wrong}")
        rights.setdefault(account, []).extend(filled(template, device) for template in topics[device.model])
    return rights


def acl(rights: Mapping[str, Sequence[str]], filters: Sequence[str]) -> str:
    """Mosquitto's ACL file: the collector reads ``filters``, each account writes its own topics, nobody else does."""
    head = "# Written by: borough devices credentials. Changes made here are lost at its next run.\n"
    collector = f"user {COLLECTOR}\n" + "".join(f"topic read {topic}\n" for topic in dict.fromkeys(filters))
    writing = (
        f"user {username(name)}\n" + "".join(f"topic write {topic}\n" for topic in sorted({*rights[name]}))
        for name in sorted(rights)
    )
    return "\n".join((head, collector, *writing))


class Held(NamedTuple):
    """Mosquitto's password file and ACL file, and our list of secrets, as they are."""

    passwords: str
    acl: str
    secret_list: str


def forget(held: Held, devices: Collection[str]) -> tuple[Held, list[str]]:
    """The files without some devices: their accounts, and what gateways may write for them; which accounts had it.

    A gateway that speaks for nobody any more goes too. Raises ValueError for files that are not ours, and where the
    collector would lose a right to read.
    """
    gone = set(devices)
    hashes, known = read_passwords(held.passwords), read_secrets(held.secret_list)
    users = {username(device) for device in gone}
    found = {user for user in hashes if user in users} | {username(name) for name in known if name in gone}
    kept: list[str] = []
    for part in held.acl.split("\n\n"):
        lines = part.splitlines()
        user = next((line.removeprefix("user ") for line in lines if line.startswith("user ")), None)
        left = [line for line in lines if not _names_one(line, gone)]
        if user is not None and (user in users or len(left) < len(lines)):
            found.add(user)
            if user in users or len(left) == 1:
                users.add(user)
                continue
        kept.append("\n".join(left))
    acl_text = "\n\n".join(kept)
    if held.acl and not acl_text.endswith("\n"):
        acl_text += "\n"
    # what the collector reads for the sake of a name of several levels goes with the name
    if lost := [topic for topic in lost_reads(held.acl, acl_text) if not _is_deep(topic, gone)]:
        raise ValueError(f"the collector would lose its right to read {', '.join(lost)}")
    passwords = "".join(f"{user}:{hashed}\n" for user, hashed in hashes.items() if user not in users)
    secrets_left = {name: secret for name, secret in known.items() if username(name) not in users}
    return (
        Held(
            passwords if found else held.passwords,
            acl_text if found else held.acl,
            write_secrets(secrets_left) if found and held.secret_list else held.secret_list,
        ),
        sorted(found),
    )


def _names_one(line: str, names: Collection[str]) -> bool:
    """Whether the topic of a line names one of these devices, by one level or several."""
    found = _RIGHT.match(line)
    topic = line if found is None else found[1]
    levels = topic.split("/")
    return any(name in levels for name in names) or any(_is_deep(topic, [name]) for name in names)


def _is_deep(topic: str, names: Iterable[str]) -> bool:
    """Whether a topic holds one of the names of several levels among these, with or without its channel."""
    return any(f"/{text}/" in f"/{topic}/" for name in names if "/" in name for text in {name, base_of(name)[0]})


def lost_reads(old: str, new: str) -> list[str]:
    """Filters that the collector could read by one ACL file and cannot by another.

    Mosquitto throws away what waits for a reader that has lost its right, at its next reload.
    """
    return sorted(_reads(old) - _reads(new))


def _reads(text: str) -> set[str]:
    found: set[str] = set()
    user = ""
    for line in text.splitlines():
        if line.startswith("user "):
            user = line.removeprefix("user ")
        elif user == COLLECTOR and line.startswith("topic read "):
            found.add(line.removeprefix("topic read "))
    return found


def read_passwords(text: str) -> dict[str, str]:
    """Hashes by user name of a Mosquitto password file. Raises ValueError naming the line."""
    hashes = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            user, colon, hashed = line.strip().partition(":")
            if not colon or not hashed.startswith("$"):
                raise ValueError(f"line {number} is no name and hash as in a Mosquitto password file")
            hashes[user] = hashed
    return hashes


def read_secrets(text: str) -> dict[str, str]:
    """Secrets by device of our own list. Raises ValueError naming the line, never a secret."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    known = {}
    for number, row in enumerate(rows, 1):
        if number == 1:
            if tuple(row) != _COLUMNS:
                raise ValueError(f"line 1 is not {','.join(_COLUMNS)}")
        elif row:
            if len(row) != len(_COLUMNS) or not row[0] or not row[2]:
                raise ValueError(f"line {number} is no {','.join(_COLUMNS)}")
            known[row[0]] = row[2]
    return known


def write_secrets(known: Mapping[str, str]) -> str:
    """Our own list of secrets as CSV, for programs: `read_secrets` reads it back."""
    rows = ((name, username(name), secret) for name, secret in known.items())
    return csv_text(_COLUMNS, rows, machine=True, line_end="\n")
