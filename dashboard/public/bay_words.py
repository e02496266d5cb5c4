"""What a bay's sign says, in words: what holds now, and its hours."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashboard.labels import DAYS
from devices.bays import DAY_MINUTES, Restriction
from devices.bays_hours import EVERY_DAY, runs_of_days, time_said
from devices.counts import counted


@dataclass(frozen=True, slots=True)
class Calendar:
    """What is special about days: ``holidays``, and ``events``: days with an event in the bay's zone."""

    holidays: Collection[date] = ()
    events: Collection[date] = ()


def holds(one: Restriction, day: date, calendar: Calendar) -> bool:
    """Whether a restriction holds at all on a local day."""
    return one.holds_on(day, holiday=day in calendar.holidays, event=day in calendar.events)


def now(restrictions: Sequence[Restriction], at: datetime, calendar: Calendar) -> str:
    """What holds at a local instant: ``At most 2 hours until 18:30, no return within 1 hour``."""
    minute = at.hour * 60 + at.minute
    found = next(
        (one for one in restrictions if holds(one, at.date(), calendar) and one.start <= minute < one.end), None
    )
    if found is None:
        return "No time limit now" if restrictions else "No limits are registered"
    until, day = found.end, at.date()
    # a limit that goes on after midnight is another line of the sign and the same to who stands there
    for _ in range(7):
        if until < DAY_MINUTES:
            break
        next_day = day + timedelta(days=1)
        following = next((one for one in restrictions if one.start == 0 and holds(one, next_day, calendar)), None)
        if following is None or following.maximum_stay != found.maximum_stay:
            break
        until, day = following.end, next_day
    else:
        return f"{_limit(found)}{_no_return(found)}"
    named = "" if day == at.date() else f" on {DAYS[day.weekday()]}"
    return f"{_limit(found)} until {_clock(until)}{named}{_no_return(found)}"


def hours(one: Restriction) -> str:
    """A line of the sign: ``Monday to Friday, 08:30 to 18:30: at most 2 hours``."""
    when = "at any time" if (one.start, one.end) == (0, DAY_MINUTES) else f"{_clock(one.start)} to {_clock(one.end)}"
    parts = [f"{_days(one.days)}, {when}"]
    if one.bank_holidays != "as-usual":
        parts.append("on bank holidays only" if one.bank_holidays == "only" else "not on bank holidays")
    if one.event_days != "any":
        parts.append("on event days only" if one.event_days == "only" else "not on event days")
    limit = _limit(one)
    return f"{', '.join(parts)}: {limit[:1].lower()}{limit[1:]}{_no_return(one)}"


def _limit(one: Restriction) -> str:
    return "No time limit" if one.maximum_stay is None else f"At most {_length(one.maximum_stay)}"


def _no_return(one: Restriction) -> str:
    return "" if one.no_return is None else f", no return within {_length(one.no_return)}"


def _length(minutes: int) -> str:
    whole, rest = divmod(minutes, 60)
    parts = [counted(whole, "hour")] if whole else []
    return " ".join([*parts, *([counted(rest, "minute")] if rest or not whole else [])])


def _clock(minute: int) -> str:
    return "midnight" if minute == DAY_MINUTES else time_said(minute)


def _days(days: int) -> str:
    if days == EVERY_DAY:
        return "Every day"
    said = [
        DAYS[first] if first == last else f"{DAYS[first]} {'and' if last == first + 1 else 'to'} {DAYS[last]}"
        for first, last in runs_of_days(days)
    ]
    return ", ".join(said)
