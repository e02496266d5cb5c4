"""Looks once a minute at the homes whose residents agreed to it, and tells their carers.

A spell without movement that is longer than usual, while the home is heard, is told to the first carer; who does not
answer in time is followed by the next one. A home or sensor that is not heard is told as that, in office hours, and
never as quiet; a gateway that takes its homes with it is the operator's concern alone (`store.care_alerts.gateways`).
Without a carer everything is noted, and told to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.movement import cold, quiet
from analytics.movement.arrays import AWAY_LONG, NEVER, NONE, OPEN, OUTAGE, QUIET, SECOND, SILENT, Usual
from analytics.movement.clock import day_number, kinds
from analytics.movement.spells import STUCK, TIMEOUT
from borough.delivery.care_telling import tell
from borough.delivery.triggers import TriggerOptions
from devices.bank_holidays import bank_holidays
from devices.duration import duration
from store import arrays, care, care_alerts, movement
from store.care_alerts import Alert, Gateway
from store.connect import Connection
from store.movement import Sensor
from store.times import instant, microseconds

#: How far back temperatures are read.
_WARMTH = timedelta(hours=24)


def look(connection: Connection, options: TriggerOptions, now: datetime) -> None:
    """Judge all homes, note what began and ended, and put what is to be told. Raises psycopg.Error.

    Noting is one transaction, telling of each alert another; interrupted anywhere, the next look goes on with it.
    """
    with connection.transaction():
        note(connection, options.zone, now)
        # alerts are locked before links, by all
        care.end_of_tenancies(connection, now, now.astimezone(options.zone).date())
        care_alerts.unshadow(connection)
    for alert_id in care_alerts.untold(connection, now):
        with connection.transaction():
            tell(connection, options, alert_id, now)


def note(connection: Connection, zone: ZoneInfo, now: datetime) -> None:
    """Note which alerts began and ended, in the running transaction. Raises psycopg.Error."""
    homes = defaultdict[int, list[Sensor]](list)
    for sensor in movement.sensors(connection, now, zone):
        homes[sensor.tenancy_id].append(sensor)
    unended = defaultdict[int, list[Alert]](list)
    for alert in care_alerts.unended(connection):
        unended[alert.tenancy_id].append(alert)
    back = _back(connection, homes, zone, now)
    judged = judge(homes, movement.usual(connection, list(homes)), back, zone, now)
    out = defaultdict[str, list[int]](list)
    for tenancy, sensors in homes.items():
        _note_sensors(
            connection, tenancy, sensors, unended[tenancy], judged.get(tenancy), back.get(tenancy, NEVER), now
        )
        if (found := judged.get(tenancy)) is not None:
            _note_home(connection, tenancy, found, unended[tenancy], now)
            if found.state == OUTAGE:
                out[found.gateway].append(found.since)
        else:  # its last sensor of motion was taken away, others stay
            for alert in unended[tenancy]:
                if alert.kind == "quiet" or (alert.kind == "silent" and not alert.device):
                    _end(connection, alert, "no sensor", now)
    _note_cold(connection, homes, unended, zone, now)
    for tenancy in unended.keys() - homes.keys():  # its sensors were taken away
        for alert in unended[tenancy]:
            _end(connection, alert, "no sensor", now)
    care_alerts.note_gateways(
        connection, [Gateway(name, len(since), instant(max(since))) for name, since in out.items()], now
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """One home: a state of `analytics.movement.arrays.STATES`, since when, what is usual [us], the newest movement and
    the last time heard [us], and its gateway."""

    state: int
    since: int
    limit: int
    last: int
    heard: int
    gateway: str


def judge(
    homes: Mapping[int, Sequence[Sensor]],
    usual: Mapping[int, movement.Usual],
    back: Mapping[int, int],
    zone: ZoneInfo,
    now: datetime,
) -> dict[int, Judged]:
    """What is to be said of homes, by tenancy; those without a sensor of motion are left out.

    ``back`` [us]: when a home that was not heard was heard again. Nobody knows what was before, so that a spell is
    counted from there: no data is not no movement.
    """
    watched = {
        tenancy: [sensor for sensor in sensors if sensor.motion is not None]
        for tenancy, sensors in homes.items()
        if any(sensor.motion is not None for sensor in sensors)
    }
    order = list(watched)
    names = sorted({name for sensors in watched.values() if (name := _gateway(sensors))})
    code = {name: place for place, name in enumerate(names)}
    begun = np.array([_newest(_begun(one) for one in watched[tenancy]) for tenancy in order], np.int64)
    moved = np.array([_newest(_moved(one, now) for one in watched[tenancy]) for tenancy in order], np.int64)
    door = np.array([_newest(_opened(one) for one in homes[tenancy]) for tenancy in order], np.int64)
    heard = np.array([_newest(_heard(one) for one in watched[tenancy]) for tenancy in order], np.int64)
    # where no movement is known: since when one would be
    floor = np.array([_since(watched[tenancy], now) for tenancy in order], np.int64)
    weakest = np.array([min(_heard(one) for one in watched[tenancy]) for tenancy in order], np.int64)
    beats = [[beat for one in watched[tenancy] if (beat := duration(one.heartbeat))] for tenancy in order]
    today = day_number(now.astimezone(zone).date())
    found = quiet.judge(
        _usual([usual.get(tenancy) for tenancy in order]),
        kinds(np.array([today, today + 1]), bank_holidays().keys()),
        np.where(begun == NEVER, floor, begun),
        moved,
        door,
        heard,
        weakest,
        np.array([back.get(tenancy, NEVER) for tenancy in order], np.int64),
        np.array([min(own, default=NONE) for own in beats], np.int64),
        np.array([code.get(_gateway(watched[tenancy]), -1) for tenancy in order], np.int64),
        microseconds(now),
        zone,
    )
    return {
        tenancy: Judged(
            int(found.state[place]), int(found.since[place]), int(found.limit[place]),
            int(max(begun[place], door[place])), int(heard[place]), _gateway(watched[tenancy]),
        )
        for place, tenancy in enumerate(order)
    }  # fmt: skip


def _back(
    connection: Connection, homes: Mapping[int, Sequence[Sensor]], zone: ZoneInfo, now: datetime
) -> dict[int, int]:
    alone, by_gateway = care_alerts.back(connection, now, zone)
    found = {}
    for tenancy, sensors in homes.items():
        instants = [alone.get(tenancy), by_gateway.get(_gateway(sensors))]
        found[tenancy] = _newest(microseconds(one) for one in instants if one is not None)
    return found


def _usual(homes: Sequence[movement.Usual | None]) -> Usual:
    nothing = np.full((movement.KINDS, movement.BINS), NONE)
    limits = np.array([nothing if one is None else one.limits for one in homes], np.int64).reshape(-1, *nothing.shape)
    begun = np.array([nothing[0] if one is None else one.begun for one in homes], np.int64).reshape(-1, movement.BINS)
    away = np.array([NONE if one is None else one.away for one in homes], np.int64)
    days = np.array([0 if one is None else one.days for one in homes], np.int64)
    limits, begun, away = (np.where(one == NONE, NONE, one * SECOND) for one in (limits, begun, away))
    return Usual(limits, begun, away, days)


def _note_home(connection: Connection, tenancy: int, found: Judged, unended: Sequence[Alert], now: datetime) -> None:
    lasting = {(alert.kind, alert.device): alert for alert in unended}
    spell = lasting.get(("quiet", ""))
    # only movement ends a spell: what is usual is longer by night, and a home that is not heard says nothing
    if spell is not None and found.last > microseconds(spell.since):
        _end(connection, spell, "movement", now)
        spell = None
    if spell is None and found.state in (QUIET, AWAY_LONG):
        care_alerts.begin(connection, tenancy, "quiet", "", instant(found.since), found.limit // SECOND, now)
    silent = lasting.get(("silent", ""))
    if silent is not None and found.heard > microseconds(silent.since) and found.state not in (SILENT, OUTAGE):
        _end(connection, silent, "heard", now)
    elif silent is None and found.state == SILENT:
        care_alerts.begin(connection, tenancy, "silent", "", instant(found.since), None, now)


def _note_sensors(
    connection: Connection,
    tenancy: int,
    sensors: Sequence[Sensor],
    unended: Sequence[Alert],
    found: Judged | None,
    back: int,
    now: datetime,
) -> None:
    """Single sensors that are not heard, while others of the home are; those that were taken away end too."""
    lasting = {alert.device: alert for alert in unended if alert.kind == "silent" and alert.device}
    alone = found is None or found.state not in (SILENT, OUTAGE)
    for sensor in sensors:
        heard = _heard(sensor)
        limit = int(quiet.silence(np.array([duration(sensor.heartbeat) or NONE]))[0])
        alert = lasting.pop(sensor.device, None)
        if microseconds(now) - max(heard, back) <= limit:
            # with the home that is heard again it has time to speak up, but has not spoken
            if alert is not None and heard > microseconds(alert.since):
                _end(connection, alert, "heard", now)
        elif alert is None and alone:
            care_alerts.begin(connection, tenancy, "silent", sensor.device, instant(heard), None, now)
    for alert in lasting.values():
        _end(connection, alert, "no sensor", now)


def _note_cold(
    connection: Connection,
    homes: Mapping[int, Sequence[Sensor]],
    unended: Mapping[int, Sequence[Alert]],
    zone: ZoneInfo,
    now: datetime,
) -> None:
    rows = [
        (tenancy, one.temperature, microseconds(one.start))
        for tenancy, own in homes.items()
        for one in own
        if one.temperature is not None
    ]
    order = sorted({tenancy for tenancy, *_ in rows})
    place = {tenancy: number for number, tenancy in enumerate(order)}
    start, end = microseconds(now - _WARMTH), microseconds(now) + 1
    read = arrays.read_series(connection, [series for _, series, _ in rows], start, end)
    counts = np.diff(read.offsets)
    home = np.repeat(np.array([place[tenancy] for tenancy, *_ in rows], np.int64), counts)
    # what was before the sensor hung there for this household is another one's
    theirs = read.times >= np.repeat(np.array([begin for *_, begin in rows], np.int64), counts)
    found = cold.find(home[theirs], read.times[theirs], read.values[theirs], len(order), zone)
    for tenancy in homes:
        alert = next((one for one in unended.get(tenancy, ()) if one.kind == "cold"), None)
        since = int(found.since[place[tenancy]]) if tenancy in place else NONE
        if alert is not None and tenancy not in place:
            _end(connection, alert, "no sensor", now)
        elif alert is not None and found.warm[place[tenancy]]:
            _end(connection, alert, "warm", now)
        elif since != NONE and alert is None:
            care_alerts.begin(connection, tenancy, "cold", "", instant(since), None, now)


def _end(connection: Connection, alert: Alert, reason: str, now: datetime) -> None:
    if care_alerts.end(connection, alert.id, now):
        care_alerts.withhold(connection, alert.id, reason, now)


def _gateway(sensors: Sequence[Sensor]) -> str:
    """The one gateway of a home's sensors; "" where there is none, or where they have several."""
    names = {one.gateway or "" for one in sensors}
    return names.pop() if len(names) == 1 else ""


def _newest(instants: Iterable[int]) -> int:
    return max(instants, default=NEVER)


def _begun(sensor: Sensor) -> int:
    return NEVER if sensor.moved is None else microseconds(sensor.moved)


def _moved(sensor: Sensor, now: datetime) -> int:
    """When the newest movement ended, a time-out before the sensor said so; ``OPEN`` while it still says that somebody
    moves. One that has said so for hours is stuck, and hides no other."""
    began = _begun(sensor)
    if sensor.still is not None:
        end = microseconds(sensor.still)
        return max(began, end - TIMEOUT) if end - began <= STUCK else began
    return OPEN if began != NEVER and microseconds(now) - began <= STUCK else began


def _since(sensors: Sequence[Sensor], now: datetime) -> int:
    """From when on a movement would be known: nobody knows what was before the first sensor hung there."""
    return microseconds(max(min(one.start for one in sensors), now - movement.LOOKED_BACK))


def _opened(sensor: Sensor) -> int:
    return NEVER if sensor.opened is None else microseconds(sensor.opened)


def _heard(sensor: Sensor) -> int:
    """When it said anything last; one that never did is waited for since it hangs there."""
    return microseconds(sensor.start if sensor.heard is None else sensor.heard)
