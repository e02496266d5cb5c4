"""Messages to people: whether the relay lets us in and takes our sender, and whether what is due goes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg

from borough.database import reachable
from borough.delivery import smtp
from borough.delivery.outbox import Mail
from borough.delivery.smtp import RelayProblem
from borough.doctor.finding import Finding, ill, well
from borough.errors import Failure, SettingsError
from borough.settings.delivery import deliver_options
from borough.settings.settings import Settings, need_database_url, variable
from devices.counts import counted
from store import outbox_list
from store.connect import connect

#: What was due for so long, the relay being well, has nobody who hands it over.
LATE = timedelta(minutes=10)
#: A relay that fails now and then is a relay; one that has for so long loses what is of use for an hour.
FAILING = timedelta(minutes=10)
#: What became of messages is looked at for so long.
SPAN = timedelta(days=7)
#: The relay is asked with a shorter patience than the service has [s].
_SECONDS = 10.0
_CODES = {
    "relay": "mail-relay",
    "tls": "mail-tls",
    "certificate": "mail-certificate",
    "auth": "mail-auth",
    "sender": "mail-sender",
}


def mail(settings: Settings) -> list[Finding]:
    """Findings about the relay and the outbox."""
    try:
        options = deliver_options(settings)
    except SettingsError as error:
        return [ill("mail-settings", str(error))]
    return [*_relay(options.mail), *_outbox(settings, relay_set=options.mail is not None)]


def _relay(given: Mail | None) -> Iterator[Finding]:
    if given is None:
        yield well("mail", f"{variable('smtp_url')} is not set: no e-mails")
        return
    relay = given.relay
    try:
        asked = smtp.Connection(replace(relay, seconds=min(relay.seconds, _SECONDS)), given.sender.domain)
        try:
            asked.ask(given.sender.address)
        finally:
            asked.close()
    except RelayProblem as error:
        yield ill(_CODES[error.kind], str(error))
        return
    yield well("mail", f"{relay.host}:{relay.port} takes e-mails from {given.sender.address}")


def _outbox(settings: Settings, *, relay_set: bool) -> Iterator[Finding]:
    now = datetime.now(UTC)
    try:
        url = need_database_url(settings)
        with reachable(url), connect(url, "borough doctor") as connection:
            counts = outbox_list.counts(connection, now, SPAN)
            late = outbox_list.late(connection, now - LATE)
            relay = outbox_list.relay(connection)
    except (Failure, SettingsError, psycopg.Error):
        return  # the database's own finding says it
    failing = relay is not None and relay.failing_since is not None
    if relay is not None and relay.failing_since is not None and now - relay.failing_since > FAILING:
        yield ill("outbox-relay", f"since {relay.failing_since:%Y-%m-%d %H:%M} UTC {relay.problem}")
    if late and not relay_set:
        yield ill("outbox-none", f"{counted(late, 'message is', 'messages are')} due by e-mail, and no relay is set")
    elif late and not failing:
        yield ill("outbox-late", f"{counted(late, 'message has', 'messages have')} been due for ten minutes and more")
    for state, code, words in (("perhaps", "outbox-perhaps", "perhaps sent"), ("failed", "outbox-failed", "refused")):
        if count := sum(one.messages for one in counts if one.state == state):
            yield ill(code, f"in seven days {counted(count, 'message was', 'messages were')} {words}")
