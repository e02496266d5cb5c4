"""The demo's carer: somebody made up whom two households have named, and a spell without movement in one home.

None of them exists. The spell begins hours before the demo's scene and ends minutes after it, so that its notice, the
e-mail and the end of it can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from borough.demo.analyst import LIFETIME
from devices.device import Device
from devices.homes import HomeRow
from simulators.clock import HOUR_US
from simulators.stream import Signals
from store import accounts, care, contacts, homes
from store.connect import Connection, connect

#: No mail reaches a name that ends so (RFC 2606); the demo's own relay takes it.
ADDRESS = "robin.hale@demo-borough.example"
_NAME = "Robin"
#: What the carer reads, by the place of a household: the first one's home is where the spell is.
_HOMES = ("Aunt Ada (planted spell)", "Bilal")
#: The issuer and subject of who signs in by the demo's link of a carer (`dashboard.account.binding`).
_ISSUER, _SUBJECT = "demo", "role carer"
#: The planted spell [us] before and after the scene: longer than any night.
BEFORE, AFTER = 14 * HOUR_US, HOUR_US // 3


def homes_of(devices: Sequence[Device]) -> list[list[Device]]:
    """The movement sensors of each simulated home, in order."""
    found: dict[str, list[Device]] = {}
    for device in devices:
        if device.family == "movement-sensor":
            found.setdefault(device.attributes["home"], []).append(device)
    return [found[home] for home in sorted(found)]


def still(signals: Iterator[Signals], scenes: Sequence[int]) -> Iterator[Signals]:
    """The same without any movement in the first home around each scene [us]; its sensors still say that they live."""
    for one in signals:
        first = min((device.attributes.get("home", "") for device in one.devices), default="")
        if one.family != "movement-sensor" or not first or not scenes:
            yield one
            continue
        at_home = np.array([device.attributes.get("home") == first for device in one.devices])
        moves = np.isin(one.property, [one.properties.index(name) for name in ("motion", "contact")
                                       if name in one.properties])  # fmt: skip
        quiet = np.zeros(len(one.time), np.bool_)
        for scene in scenes:
            quiet |= (one.time >= scene - BEFORE) & (one.time < scene + AFTER)
        kept = ~(at_home[one.device] & moves & quiet)
        yield replace(
            one, device=one.device[kept], property=one.property[kept], time=one.time[kept], value=one.value[kept],
            message=one.message[kept],
        )  # fmt: skip


def name_carer(connection: Connection, homes_: Sequence[HomeRow]) -> None:
    """Have the first households with movement sensors name somebody made up, once, and commit. Raises psycopg.Error."""
    now, day = datetime.now(UTC), datetime.now(UTC).date()
    with connection.transaction():
        account = accounts.sign_in(connection, _ISSUER, _SUBJECT).id
        contact = contacts.email(connection, ADDRESS, origin="simulated", account=account, confirmed_at=now)
        for row, words in zip([home for home in homes_ if home.sensors], _HOMES, strict=False):
            home = homes.by_uprn(connection, row.uprn)
            tenancy = None if home is None else homes.current_tenancy(connection, home.id, day)
            if tenancy is None or care.links_of_tenancy(connection, tenancy.id):
                continue
            named = care.name_carer(connection, tenancy.id, "practitioner", _NAME, words, now, day)
            link = None if named is None else care.take_code(connection, account, named[1], now, day)
            if link is not None:
                care.set_contact(connection, link.id, contact)
    connection.commit()


def care_links(url: str, page: str) -> list[str]:
    """Where the carer signs in: lines to tell. Raises psycopg.Error."""
    with connect(url, "borough demo") as connection:
        code = accounts.make_code(connection, "demo", None, datetime.now(UTC), LIFETIME, ("carer",))
    return [f"  carer     {page}sign-in/demo/{code}  (two homes; in one a spell without movement is planted)"]
