"""The register of a simulated borough's bays, in the words of `devices.bays`: what a council would import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from devices.bays import Bay, EventDay, Permit, Register, Restriction, SensorLink, Suspension
from devices.device import Device
from simulators.kerbside import Closing, Kerbside
from simulators.parking import make_bays, places_of
from simulators.plans import Fleet
from simulators.streets import STREETS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Residents' hours: Monday to Saturday.
_RESIDENTS = Restriction(0b0111111, 510, 1_110)
#: While there is an event in its zone, a bay that is paid for by the hour is watched from eight to ten in the evening.
_EVENT = Restriction(0b1111111, 480, 1_320, maximum_stay=45, no_return=120, event_days="only")
#: Kinds of bays whose restrictions rest on bank holidays.
_RESTING = ("pay", "limited-waiting")


def make_register(fleet: Fleet, devices: Sequence[Device]) -> Register:
    """The register of a fleet with parking bays, in its order; ``devices`` are its sensors.

    A link begins when the fleet was installed. Raises ValueError where the fleet has no bays.
    """
    made, places = make_bays(fleet), places_of(fleet)
    kerbside = made.kerbside
    assert kerbside is not None
    kinds = list(STREETS)
    watched = {event.zone for event in kerbside.events}
    width = max(3, len(str(len(made.kind))))
    ids = [f"space-{bay + 1:0{width}d}" for bay in range(len(made.kind))]
    bays = tuple(
        Bay(
            id=name,
            street=places.names[places.street[bay]],
            zone=zone_name(kerbside, bay),
            kind=kerbside.kind[bay],
            lon=float(places.lon[bay]),
            lat=float(places.lat[bay]),
            off_street=kinds[made.kind[bay]] == "car-park",
            length=5.0,
            personal=bool(kerbside.personal[bay]),
            origin="simulated",
            restrictions=_restrictions(kerbside, bay, event=int(kerbside.zone[bay]) in watched),
        )
        for bay, name in enumerate(ids)
    )
    begins = instant(fleet.start_us)
    ends = {swap.bay: instant(swap.at) for swap in kerbside.swaps}
    links = [SensorLink(name, devices[bay].id, begins, ends.get(bay)) for bay, name in enumerate(ids)]
    links += [SensorLink(ids[swap.bay], devices[swap.device].id, instant(swap.at), None) for swap in kerbside.swaps]
    return Register(
        bays=bays,
        sensors=tuple(links),
        suspensions=tuple(Suspension(*_closing(ids, one)) for one in kerbside.suspensions),
        permits=tuple(Permit(*_closing(ids, one)) for one in kerbside.permits),
        events=tuple(EventDay(f"Z{event.zone + 1:02d}", event.day, event.name) for event in kerbside.events),
    )


def zone_name(kerbside: Kerbside, bay: int) -> str:
    """The zone of a bay, as its sensor's attribute ``zone_code`` says it."""
    return f"Z{int(kerbside.zone[bay]) + 1:02d}"


def instant(moment: int) -> datetime:
    """An instant [us since the epoch] with its offset."""
    return _EPOCH + timedelta(microseconds=moment)


def _closing(ids: Sequence[str], one: Closing) -> tuple[str, datetime, datetime, str]:
    return ids[one.bay], instant(one.start), instant(one.end), one.words


def _restrictions(kerbside: Kerbside, bay: int, *, event: bool) -> tuple[Restriction, ...]:
    kind, minutes = kerbside.kind[bay], int(kerbside.permitted[bay])
    if kind == "resident-permit":
        return (_RESIDENTS,)
    if not minutes:
        return ()
    days = sum(1 << day for day in np.flatnonzero(kerbside.days[bay]).tolist())
    resting, event = kind in _RESTING, event and kind in _RESTING
    usual = Restriction(
        days,
        round(kerbside.begin[bay] * 60),
        round(kerbside.end[bay] * 60),
        maximum_stay=minutes,
        no_return=60 if resting else None,
        bank_holidays="off" if resting else "as-usual",
        event_days="not" if event else "any",
    )
    return (usual, _EVENT) if event else (usual,)
