"""When a regulation holds: a D-TRO's time validities to restrictions of a bay, and back.

Times are local, days are local, intervals half-open. ``00:00:00`` as an end, and ``23:59:59``, are the end of the day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from devices.bays import DAY_MINUTES, EventDays, Restriction
from devices.bays_hours import LONGEST, contradictions, hours_said
from devices.dtro.looking import NotHeld, Object, Unreadable, moment_of, object_of, objects, word_of, words_of
from devices.duration import duration

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ALL_DAYS = 127
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])\Z", re.ASCII)
_SPECIAL = (
    "easter", "eventDay", "goodFriday", "marketDay", "matchDay", "nonSchoolDay", "other", "publicHoliday", "schoolDay",
)  # fmt: skip
_EVENTS = ("eventDay", "matchDay")
#: What a placeholder's validity begins with.
_PLACEHOLDER = datetime(1970, 1, 1)  # noqa: DTZ001  # local, as all of them
_MINUTE = 60_000_000


@dataclass(frozen=True, slots=True)
class Validity:
    """One time validity: local days, the end not included, None: open; hours within them, none: always.

    ``told``: what of it is not held, in words.
    """

    from_day: date | None
    to_day: date | None
    restrictions: tuple[Restriction, ...]
    told: tuple[str, ...] = ()
    #: To the second, as it stands there.
    start: datetime | None = None
    end: datetime | None = None


def read_validity(found: Object) -> Validity:
    """A ``timeValidity``. Raises Unreadable, and NotHeld for hours that our restrictions cannot say."""
    start, end = moment_of(found, "start"), moment_of(found, "end")
    if start is None:
        raise Unreadable("timeValidity has no start")
    told = []
    open_start = found.get("isPlaceholderTro") is True or start <= _PLACEHOLDER
    if not open_start and start.time() != time():
        told.append(f"the time of day of its start, {start:%H:%M} on {start:%Y-%m-%d}: that whole day is taken")
    if end is not None and end.time() != time():
        told.append(f"the time of day of its end, {end:%H:%M} on {end:%Y-%m-%d}: that whole day is taken")
    if end is not None and end <= start:
        raise Unreadable(f"timeValidity ends {end} and begins {start}")
    restrictions = [one for period in objects(found, "validPeriod") for one in _period(period)]
    for period in objects(found, "exceptionPeriod"):
        restrictions = _without(restrictions, period)
    check_apart(restrictions)
    return Validity(
        None if open_start else start.date(),
        None if end is None else _day_after(end),
        tuple(restrictions),
        tuple(told),
        None if open_start else start,
        end,
    )


def _day_after(end: datetime) -> date:
    return end.date() + timedelta(days=end.time() != time())


def _period(period: Object) -> list[Restriction]:
    unknown = [name for name in ("recurrents", "recurringPeriod", "periodStart", "periodEnd") if name in period]
    if unknown:
        raise NotHeld(f"hours by {' and '.join(unknown)}")
    start, end = moment_of(period, "startOfPeriod"), moment_of(period, "endOfPeriod")
    days, bank, event = _days(period)
    stay, back = _stay(period)
    from_day = None if start is None else start.date()
    to_day = None if end is None else _day_after(end)
    if from_day and to_day and to_day <= from_day:
        raise Unreadable(f"a validPeriod ends {end} and begins {start}")
    rows: list[Restriction] = []
    for begin, finish in _times(period):
        row = Restriction(days, begin, finish, stay, back, "as-usual", event, from_day, to_day)
        if begin < finish:
            rows.append(row)
        elif (bank, event) != ("as-usual", "any"):
            raise NotHeld("hours over midnight on special days")
        else:
            rows += [replace(row, end=DAY_MINUTES), _morning(row)]
    if bank == "also":
        others = _ALL_DAYS & ~days
        return rows + [replace(row, days=others, bank_holidays="only") for row in rows if others]
    return [replace(row, bank_holidays=bank) for row in rows]  # type: ignore[arg-type]  # narrowed by the line above


def _morning(row: Restriction) -> Restriction:
    """What of hours over midnight is on the day after."""
    from_day, to_day = (None if day is None else day + timedelta(1) for day in (row.from_day, row.to_day))
    days = (row.days << 1 & _ALL_DAYS) | row.days >> 6
    return replace(row, days=days, start=0, from_day=from_day, to_day=to_day)


def _times(period: Object) -> list[tuple[int, int]]:
    found = objects(period, "recurringTimePeriodOfDay")
    if not found:
        return [(0, DAY_MINUTES)]
    times = []
    for one in found:
        begin, end = _clock(one, "startTimeOfPeriod"), _clock(one, "endTimeOfPeriod")
        times.append((begin, end or DAY_MINUTES))
        if begin == DAY_MINUTES or (begin == end and end):
            raise Unreadable("a time of day begins when it ends")
    return times


def _clock(value: Object, name: str) -> int:
    found = value.get(name)
    clock = _CLOCK.match(found) if isinstance(found, str) else None
    if clock is None:
        raise Unreadable(f"{name} is no time such as 08:00:00")
    hour, minute, second = (int(part) for part in clock.groups())
    if second not in (0, 59):
        raise NotHeld(f"times to the second ({found})")
    return hour * 60 + minute + (second == 59)


def _days(period: Object) -> tuple[int, str, EventDays]:
    """Days of the week, what bank holidays do (``also``: on them too, whatever day they are), event days."""
    days, named = 0, False
    for one in objects(period, "recurringDayWeekMonthPeriod"):
        others = [name for name in one if name != "applicableDay"]
        if others:
            raise NotHeld(f"days by {' and '.join(sorted(others))}")
        named = True
        for day in words_of(one, "applicableDay", DAYS):
            days |= 1 << DAYS.index(day)
    if named and not days:
        raise Unreadable("recurringDayWeekMonthPeriod names no day")
    bank, event = "as-usual", "any"
    for special in objects(period, "recurringSpecialDay"):
        kind, meets = _special(special)
        if kind == "publicHoliday":
            bank = "only" if meets or not named else "also"
        elif meets or not named:
            event = "only"
        else:
            raise NotHeld("hours on days of the week and on event days beside them")
    return days or _ALL_DAYS, bank, event  # type: ignore[return-value]  # one of its words


def _special(special: Object) -> tuple[str, bool]:
    kind = word_of(special, "specialDayType", _SPECIAL)
    meets = special.get("intersectWithApplicableDays")
    if kind is None or not isinstance(meets, bool):
        raise Unreadable("recurringSpecialDay has no specialDayType or no intersectWithApplicableDays")
    if kind != "publicHoliday" and kind not in _EVENTS:
        raise NotHeld(f"hours by special days of the kind {kind}")
    if "publicHolidayName" in special:
        raise NotHeld("hours on one bank holiday by its name")
    return kind, meets


def _stay(period: Object) -> tuple[int | None, int | None]:
    if "maxStayNoReturn" not in period:
        return None, None
    found = object_of(period, "maxStayNoReturn")
    return _minutes(found, "maximumOccupancy"), _minutes(found, "minimumPeriodForReturn")


def _minutes(value: Object, name: str) -> int | None:
    text = value.get(name)
    if text is None:
        return None
    found = duration(text) if isinstance(text, str) else None
    if found is None or found % _MINUTE or found > LONGEST * _MINUTE:
        raise NotHeld(f"{name} {str(text)[:40]!r}, which is no number of whole minutes, hours or days, up to 31 days")
    return found // _MINUTE


def _without(restrictions: Sequence[Restriction], period: Object) -> list[Restriction]:
    """Restrictions that an exception takes off some days."""
    if set(period) != {"recurringSpecialDay"}:
        raise NotHeld("exceptions other than bank holidays and event days")
    rows = list(restrictions)
    for special in objects(period, "recurringSpecialDay"):
        kind, _ = _special(special)
        if not rows:
            raise NotHeld("all times except on special days")
        if kind == "publicHoliday":
            if any(row.bank_holidays == "only" for row in rows):
                raise NotHeld("hours on bank holidays that an exception takes off bank holidays")
            rows = [replace(row, bank_holidays="off") for row in rows]
        else:
            if any(row.event_days == "only" for row in rows):
                raise NotHeld("hours on event days that an exception takes off event days")
            rows = [replace(row, event_days="not") for row in rows]
    return rows


def check_apart(restrictions: Sequence[Restriction]) -> None:
    """Raises NotHeld where two could hold at once."""
    for first, second in contradictions(restrictions):
        said = hours_said(restrictions[first]), hours_said(restrictions[second])
        raise NotHeld(f"hours that overlap ({said[0]}; {said[1]})")


# ---------------------------------------------------------------------------------------------------- writing


def write_validities(
    from_day: date | None, to_day: date | None, restrictions: Sequence[Restriction]
) -> list[dict[str, Any]]:
    """Time validities that `read_validity` reads back, in order; one without periods where nothing is restricted."""
    groups: dict[tuple[bool, bool], list[Restriction]] = {}
    for row in restrictions:
        groups.setdefault((row.bank_holidays == "off", row.event_days == "not"), []).append(row)
    if not groups:
        return [_validity(from_day, to_day)]
    found = []
    for (no_holidays, no_events), rows in groups.items():
        validity = _validity(from_day, to_day)
        validity["validPeriod"] = [_period_of(row) for row in rows]
        off = [("publicHoliday", no_holidays), ("eventDay", no_events)]
        if exceptions := [{"recurringSpecialDay": [_day_of(kind)]} for kind, wanted in off if wanted]:
            validity["exceptionPeriod"] = exceptions
        found.append(validity)
    return found


def moment(value: datetime) -> str:
    """A local time as a D-TRO has it."""
    return value.replace(tzinfo=None).isoformat(timespec="seconds")


def _validity(start: date | None, end: date | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "start": moment(_PLACEHOLDER) if start is None else _midnight(start),
        "isPlaceholderTro": start is None,
    }
    if end is not None:
        found["end"] = _midnight(end)
    return found


def _midnight(day: date) -> str:
    return moment(datetime.combine(day, time()))


def _day_of(kind: str) -> dict[str, Any]:
    return {"specialDayType": kind, "intersectWithApplicableDays": True}


def _period_of(row: Restriction) -> dict[str, Any]:
    named = [day for place, day in enumerate(DAYS) if row.days >> place & 1]
    found: dict[str, Any] = {
        "recurringDayWeekMonthPeriod": [{"applicableDay": named}],
        "recurringTimePeriodOfDay": [{"startTimeOfPeriod": _text(row.start), "endTimeOfPeriod": _text(row.end)}],
    }
    if row.from_day is not None:
        found["startOfPeriod"] = _midnight(row.from_day)
    if row.to_day is not None:
        found["endOfPeriod"] = _midnight(row.to_day)
    special = [("publicHoliday", row.bank_holidays == "only"), ("eventDay", row.event_days == "only")]
    if days := [_day_of(kind) for kind, wanted in special if wanted]:
        found["recurringSpecialDay"] = days
    limits: Mapping[str, int | None] = {
        "maximumOccupancy": row.maximum_stay,
        "minimumPeriodForReturn": row.no_return,
    }
    if stay := {name: f"PT{minutes}M" for name, minutes in limits.items() if minutes is not None}:
        found["maxStayNoReturn"] = stay
    return found


def _text(minute: int) -> str:
    minute %= DAY_MINUTES
    return f"{minute // 60:02}:{minute % 60:02}:00"
