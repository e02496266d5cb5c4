"""Who asked to be told that a place's air reaches a band is told: a trigger of ``borough deliver``.

What is found is noted, and the message put, in one transaction for each person: who is killed anywhere has told
everything or nothing, and the next look tells the rest. Several places of one person that begin together are one
message. Nobody is told of hours that are over for long: what readings that come late show is noted and told to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from analytics.air.episodes import compare, find
from analytics.air.index import BANDS, BEGINS, overall
from analytics.air.places import PlaceHours, of_place
from borough.delivery.triggers import TriggerOptions
from dashboard.public import air_alert_mail as mail
from dashboard.public.air_alert_mail import Begun, Ended, Here, Mail
from store import air, air_alerts, air_places, outbox
from store.air import HUMID, INDEXED, Hours
from store.air_alerts import Episode, Noted, Subscription, instant_of
from store.connect import Connection
from store.times import microseconds

#: So many hours are looked at: what began before them and goes on is known by its note.
WINDOW = 72
#: Nobody is told of the beginning of what was last in its band longer ago, nor of an end that is longer ago.
FRESH, FRESH_END = timedelta(hours=3), timedelta(hours=12)
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Air:
    """Hours of all monitors in service from the hour ``first`` to ``newest``, and which are near a place."""

    now: Sequence[air.Now]
    hours: Hours
    overall: air.Int8
    first: int
    newest: int


def look(connection: Connection, options: TriggerOptions, now: datetime) -> None:
    """Note what began and ended, and put what is to be told. Raises psycopg.Error."""
    air_alerts.forget_old(connection, now)
    subscriptions = air_alerts.watched(connection, options.origin)
    if not subscriptions:
        return
    known = read(connection, options, now)
    places: dict[tuple[float, float, bool], PlaceHours] = {}
    found: dict[int, Sequence[Episode]] = {}
    for one in subscriptions:
        key = one.lon, one.lat, one.whole
        if key not in places:
            near = air_places.within(known.now, one.lon, one.lat)
            order = {monitor.device: place for place, monitor in enumerate(known.now)}
            places[key] = of_place(known.overall, [order[other.now.device] for other in near], whole=one.whole)
        found[one.id] = find(places[key].value, known.first, *bounds(one.band))
    since = instant_of(known.first)
    noted = air_alerts.noted(connection, [one.id for one in subscriptions], since)
    here = Here(options.origin == "simulated", options.zone, options.site.rstrip("/"))
    for contact, own in groupby(subscriptions, key=lambda one: one.contact):
        some = list(own)
        # most people, most of the time, have nothing that changes: their rows are not even locked
        if any(_step(one, noted.get(one.id, []), found[one.id], known, now).due for one in some):
            _tell(connection, contact, found, known, places, here, options, now)


def read(connection: Connection, options: TriggerOptions, now: datetime) -> Air:
    """The hours that are over, of all monitors in service of the site's origin. Raises psycopg.Error."""
    newest = microseconds(now) // _HOUR_US - 1
    first = newest - WINDOW + 1
    monitors = air.now(connection, now, options.origin)
    devices = [one.device for one in monitors]
    hours = air.hours(connection, devices, instant_of(first), instant_of(newest + 1))
    return Air(monitors, hours, overall(hours.index)[0], first, newest)


def bounds(band: str) -> tuple[int, int]:
    """The lowest and the highest index of a band."""
    later = BANDS[BANDS.index(band) + 1 :]
    return BEGINS[band], BEGINS[later[0]] - 1 if later else 10


@dataclass(frozen=True, slots=True)
class _Step:
    """Episodes of a subscription as they are now: to be ``written``, of these those whose beginning (``begun``) and
    whose end (``ended``) is to be told, by their place, and messages that may be of no use any more."""

    written: list[Noted]
    begun: list[int]
    ended: list[int]
    stale: list[int]

    @property
    def due(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.written)


def _step(one: Subscription, noted: Sequence[Noted], found: Sequence[Episode], known: Air, now: datetime) -> _Step:
    changes = compare(noted, found, known.first, known.newest)
    changed = {other.id: other for other in changes.changed}
    step = _Step([], [], [], [])
    new = [
        Noted(None, one.id, episode, known.newest)
        for episode in changes.new
        # what was over before they wished to be told is not theirs
        if episode.end is None or (one.confirmed_at is not None and instant_of(episode.end) > one.confirmed_at)
    ]
    for other in [*(changed.get(old.id, old) for old in noted), *new]:
        begun, ended = _to_tell(one, other, now)
        if other.id is None or other.id in changed or begun or ended:
            if begun:
                step.begun.append(len(step.written))
            if ended:
                step.ended.append(len(step.written))
            if other.message is not None and other.episode.end is not None:
                step.stale.append(other.message)
            step.written.append(other)
    return step


def _to_tell(one: Subscription, noted: Noted, now: datetime) -> tuple[bool, bool]:
    """Whether the beginning of an episode, and its end, are to be told now."""
    episode = noted.episode
    if episode.end is None:
        return noted.told is None and now - instant_of(episode.last + 1) <= FRESH, False
    wished = one.tell_end and noted.told is not None and noted.end_told is None
    known = episode.final and episode.how in ("below", "unknown")
    return False, wished and known and now - instant_of(episode.end) <= FRESH_END


def _tell(
    connection: Connection,
    contact: int,
    found: dict[int, Sequence[Episode]],
    known: Air,
    places: dict[tuple[float, float, bool], PlaceHours],
    here: Here,
    options: TriggerOptions,
    now: datetime,
) -> None:
    """Note and put what is to be told to one person, in one transaction; as it is once their rows are held."""
    with connection.transaction():
        own = [one for one in air_alerts.hold(connection, contact) if one.id in found]
        noted = air_alerts.noted(connection, [one.id for one in own], instant_of(known.first))
        begun: list[tuple[Subscription, Noted]] = []
        ended: list[tuple[Subscription, Noted]] = []
        stale: set[int] = set()
        for one in own:
            step = _step(one, noted.get(one.id, []), found[one.id], known, now)
            written = [replace(row, id=air_alerts.note(connection, row, now)) for row in step.written]
            begun += [(one, written[place]) for place in step.begun]
            ended += [(one, written[place]) for place in step.ended]
            stale.update(step.stale)
        # what waited for the morning, or for the relay, and is over by now
        withheld = {message for message in sorted(stale) if air_alerts.withhold(connection, message, now)}
        ended = [(one, row) for one, row in ended if row.message not in withheld]
        if begun:
            said = mail.begun(here, [_begun(one, row, known, places) for one, row in begun])
            message = _put(connection, options, begun, said, "begun", now)
            for _, row in begun:
                air_alerts.note(connection, replace(row, told=now, message=message), now)
        if ended:
            _put(connection, options, ended, mail.ended(here, list(_ended(ended))), "ended", now)
            for _, row in ended:
                air_alerts.note(connection, replace(row, end_told=now), now)


def _put(
    connection: Connection,
    options: TriggerOptions,
    told: Sequence[tuple[Subscription, Noted]],
    said: Mail,
    what: str,
    now: datetime,
) -> int | None:
    one, first = told[0]
    # an episode whose message was withheld may be told later: by another message
    key = f"air-alert:{first.id}:{what}:{microseconds(now)}"
    return outbox.put(
        connection, key=key, contact=one.contact, kind="air-alert", origin=options.origin, subject=said.subject,
        text=said.text, html=said.html, due_at=now,
    )  # fmt: skip


def _begun(one: Subscription, noted: Noted, known: Air, places: dict[tuple[float, float, bool], PlaceHours]) -> Begun:
    hour = noted.episode.last - known.first
    of = places[one.lon, one.lat, one.whole]
    monitor = int(of.monitor[hour])
    parts = dict(zip(INDEXED, known.hours.index[monitor, :, hour].tolist(), strict=True))
    least, _ = bounds(one.band)
    reached = sorted((name for name in INDEXED if parts[name] >= least), key=lambda name: -parts[name])
    near = air_places.within([known.now[monitor]], one.lon, one.lat)[0]
    return Begun(
        place=one.place,
        asked=one.band,
        since=instant_of(noted.episode.begin),
        hour=instant_of(noted.episode.last),
        value=int(of.value[hour]),
        pollutants=reached,
        monitor=near.now.monitor.name,
        metres=near.metres,
        indicative=near.now.indicative,
        humid=bool(known.hours.humidity[monitor, hour] > HUMID) and reached[0].startswith("pm"),
        earlier=noted.episode.begin == known.first,
    )


def _ended(told: Sequence[tuple[Subscription, Noted]]) -> Iterator[Ended]:
    for one, noted in told:
        episode = noted.episode
        assert episode.end is not None
        yield Ended(
            place=one.place,
            asked=one.band,
            since=instant_of(episode.begin),
            end=instant_of(episode.end),
            highest=episode.highest,
            how="unknown" if episode.how == "unknown" else "below",
        )
