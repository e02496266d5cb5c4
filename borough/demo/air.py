"""The demo's air: a resident who does not exist asks to be told of it, as an episode goes on. None of it is real."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from simulators.plans import Fleet
from store import air_alerts, contacts
from store.connect import Connection

#: No mail reaches a name that ends so (RFC 2606); the demo's own relay takes it.
ADDRESS = "alex.moss@demo-borough.example"
#: The area of the demo's middle (`borough.demo.bays.demo_areas`).
PLACE = "Town Centre"


def subscribe(connection: Connection, fleet: Fleet) -> None:
    """Have somebody made up ask for air alerts of the town's middle, confirmed, and commit. Raises psycopg.Error."""
    # asked for yesterday, as it were: an episode that has begun since is told of
    at = datetime.now(UTC) - timedelta(days=1)
    with connection.transaction():
        contact = contacts.email(connection, ADDRESS, origin="simulated")
        assert contact is not None
        asked = air_alerts.ask(
            connection, contact, PLACE, fleet.lon, fleet.lat, "moderate", at, whole=True, tell_end=True
        )
        if asked is not None and not asked.confirmed:
            air_alerts.confirm(connection, asked.subscription, at)
    connection.commit()


def air_links(page: str) -> list[str]:
    """Where there is something to see of alerts: lines to tell."""
    return [
        f"  alerts    {page}air/alerts  (air alerts by e-mail; one of a simulated episode is soon in the mailbox)",
    ]
