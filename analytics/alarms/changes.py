"""What begins, goes on and ends, from how alarms stood and the conditions that hold now. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from analytics.alarms.conditions import Condition
from analytics.alarms.rules import BY_KEY, CALM
from store.alarms import Alarm


@dataclass(slots=True)
class Changes:
    """How alarms stand now: ``added`` have no number yet, ``kept`` have one, ``dropped`` were conditions that went
    before they became alarms. An alarm in ``added`` or ``kept`` that is in ``begun`` or ``ended`` too is to be told."""

    added: list[Alarm] = field(default_factory=list)
    kept: list[Alarm] = field(default_factory=list)
    dropped: list[Alarm] = field(default_factory=list)
    begun: list[Alarm] = field(default_factory=list)
    ended: list[Alarm] = field(default_factory=list)


def step(stood: Iterable[Alarm], conditions: Iterable[Condition], now: datetime, *, gap: bool = False) -> Changes:
    """How alarms stand at ``now``. ``stood``: those that had not ended.

    A condition becomes an alarm when it has held for its rule's time under one mark; an alarm ends when its condition
    has not held for `CALM`, with the instant at which that began. ``gap``: nobody looked for a while, so that what was
    seen before may not have held meanwhile: its time begins anew.
    """
    holding = {(one.rule, one.subject): one for one in conditions}
    found = Changes()
    for old in stood:
        condition = holding.pop((old.rule, old.subject), None)
        if old.begun_at is None:
            if condition is None:
                found.dropped.append(old)
            else:
                anew = gap or condition.mark != old.mark
                seen = now if anew else old.seen_at
                one = old._replace(text=condition.text, mark=condition.mark, seen_at=seen)
                found.kept.append(_begin(found, one, now))
        elif condition is not None and condition.mark == old.mark:
            found.kept.append(old._replace(text=condition.text, calm_at=None))
        else:
            found.kept.append(_calm(found, old, now))
    for condition in holding.values():
        rule = BY_KEY[condition.rule]
        one = Alarm(None, rule.key, condition.subject, rule.severity, condition.text, condition.mark, now)
        found.added.append(_begin(found, one, now))
    return found


def _begin(found: Changes, one: Alarm, now: datetime) -> Alarm:
    if now - one.seen_at < BY_KEY[one.rule].holds:
        return one
    one = one._replace(begun_at=now)
    found.begun.append(one)
    return one


def _calm(found: Changes, one: Alarm, now: datetime) -> Alarm:
    if one.calm_at is None:
        return one._replace(calm_at=now)
    if now - one.calm_at < CALM:
        return one
    assert one.begun_at is not None
    one = one._replace(ended_at=max(one.calm_at, one.begun_at))  # the clock may have been put back
    found.ended.append(one)
    return one
