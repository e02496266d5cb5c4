"""Quiet spells, what is usual, and the judgement, a home at a time in plain loops: nothing shared with the arrays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: (start, end, away, lasts)
Spell = tuple[int, int, bool, bool]


def movements(rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of a motion sensor's (time, value) in order: movements as (begun, seen until), one for each 1 and each end."""
    found = []
    state, since = 0, 0
    for time, value in rows:
        if value:
            found.append((time, time))
            since = time
        elif state:
            until = max(time - 90_000_000, since)
            if time - since <= 3 * HOUR:
                found.append((since, until))
            else:
                found.append((until, until))
        state = value
    return found


def spells(motion: list[list[tuple[int, int]]], door: list[int], start: int, end: int) -> list[Spell]:
    """A home's quiet spells of a quarter of an hour at least in [start, end); ``motion``: rows of each sensor."""
    seen = [
        one
        for rows in motion
        for one in movements([row for row in rows if start <= row[0] < end])
    ]  # fmt: skip
    begun = [row[0] for rows in motion for row in rows if row[1] and start <= row[0] < end]
    opened = [time for time in door if start <= time < end]
    seen += [(time, time) for time in opened]
    seen.sort()
    found = []
    until: int | None = None
    begun.sort()
    opened.sort()
    doors = begins = 0
    for low, high in [*seen, (end, end)]:
        if until is not None and low - until >= 15 * MINUTE:
            while doors < len(opened) and opened[doors] <= until:
                doors += 1
            while begins < len(begun) and begun[begins] <= until:
                begins += 1
            away = doors > 0 and (begins == 0 or opened[doors - 1] >= begun[begins - 1] - 30_000_000)
            found.append((until, low, away, low >= end))
        until = high if until is None else max(until, high)
    return found


def half_hour(time: int, zone: ZoneInfo) -> tuple[date, int]:
    """Local day and half-hour of it."""
    local = (_EPOCH + timedelta(microseconds=time)).astimezone(zone)
    return local.date(), local.hour * 2 + local.minute // 30


def longest(
    found: list[Spell], unheard: list[tuple[int, int]], first: date, days: int, zone: ZoneInfo, *, whole: bool
) -> dict[bool, dict[tuple[date, int], int]]:
    """By absence or not: (day, half-hour) -> seconds, -1 where it is not known, of the days asked for."""
    kept = {first + timedelta(days=day) for day in range(days)}
    table: dict[bool, dict[tuple[date, int], int]] = {False: {}, True: {}}
    unknown = set()
    for low, high in unheard:
        unknown |= _halves(low, high, zone)
    for low, high, away, _ in found:
        lost = any(begin < high and finish > low for begin, finish in unheard)
        if lost or (not away and high - low >= 16 * HOUR):
            unknown |= _halves(low, high, zone)
        for step in range(low // (30 * MINUTE), (high - 1) // (30 * MINUTE) + 1):
            until = high if whole or away else min(high, (step + 1) * 30 * MINUTE)
            half = half_hour(step * 30 * MINUTE, zone)
            table[away][half] = max(table[away].get(half, 0), 1, (until - low) // 1_000_000)
    for away in (False, True):
        for half in unknown:
            table[away][half] = -1
        table[away] = {half: value for half, value in table[away].items() if half[0] in kept}
    return table


def lasted(
    found: list[Spell], unheard: list[tuple[int, int]], first: date, days: int, zone: ZoneInfo
) -> dict[tuple[date, int], int]:
    """(day, half-hour) -> seconds of the longest spell that began then, of those of which it is known."""
    table: dict[tuple[date, int], int] = {}
    for low, high, away, _ in found:
        lost = any(begin < high and finish > low for begin, finish in unheard)
        day, half = half_hour(low, zone)
        if not away and not lost and high - low < 16 * HOUR and 0 <= (day - first).days < days:
            table[day, half] = max(table.get((day, half), 0), (high - low) // 1_000_000)
    return table


def learn(
    table: dict[bool, dict[tuple[date, int], int]],
    begun: dict[tuple[date, int], int] | None,
    first: date,
    days: int,
    holidays: set[date],
) -> tuple[dict[tuple[int, int], int], dict[int, int], int, int]:
    """(kind, half-hour) -> limit [us], half-hour -> limit of spells that began then [us], the limit of absences [us],
    and the days that are known; -1: not learned. ``begun`` None: no door is watched."""
    every = [(first + timedelta(days=day), half) for day in range(days) for half in range(48)]
    quiet = {half: table[False].get(half, 0) for half in every}
    heard = [sum(quiet[first + timedelta(days=day), half] >= 0 for half in range(48)) for day in range(days)]
    told = [day for day in range(days) if heard[day] >= 24]
    known = len(told)
    wide = _wide([quiet[half] for half in every])
    limits = {}
    for kind in (0, 1):
        for half in range(48):
            own = [day for day in range(days) if _kind(first + timedelta(days=day), holidays) == kind]
            of_kind = len(set(own) & set(told))
            usual = max(_ranked(wide, range(days), half, known), _ranked(wide, own, half, of_kind)) * 1_000_000
            limit = max(usual + min(usual // 3 + 45 * MINUTE, 80 * MINUTE), 90 * MINUTE)
            limits[kind, half] = limit if known >= 14 else -1
    by_begin = dict.fromkeys(range(48), -1)
    if begun is not None and known >= 14:
        lasting = _wide([begun.get(half, 0) for half in every])
        for half in range(48):
            usual = _ranked(lasting, range(days), half, known) * 1_000_000
            if usual <= 90 * MINUTE:
                by_begin[half] = max(usual + min(usual // 3 + 45 * MINUTE, 80 * MINUTE), 90 * MINUTE)
    out = []
    for day in range(days):
        most = max([0, *(table[True].get((first + timedelta(days=day), half), 0) for half in range(48))])
        out.append(most if most < 86_400 else 0)
    out.sort(reverse=True)
    usual_out = out[_skipped(known)] * 1_000_000 if out else 0
    away = max(usual_out + 2 * HOUR, 6 * HOUR) if known >= 14 else -1
    return limits, by_begin, away, known


def judge(
    limit: int,
    limit_heard: int,
    by_begin: dict[int, int],
    zone: ZoneInfo,
    away_limit: int,
    motion: list[list[tuple[int, int]]],
    door: list[int],
    beats: list[list[int]],
    heartbeat: int,
    now: int,
) -> tuple[str, int]:
    """State and last movement from readings up to ``now``; ``beats``: by motion sensor, when anything came of it;
    ``limit_heard``: the limit at the time of day at which the home was last heard."""
    begun = [time for rows in motion for time, value in rows if value and time <= now]
    ends, still = [], False
    for rows in motion:
        on = False
        for time, value in rows:
            if time <= now:
                if on and not value:
                    ends.append(time - 90_000_000)
                on = bool(value)
        still |= on
    opened = [time for time in door if time <= now]
    newest = [max(time for time in own if time <= now) for own in beats]
    heard, weakest = max(newest), min(newest)
    moving = still and now - max(begun) <= 3 * HOUR
    if moving:
        last, away = heard, False
    else:
        last = max(begun) if still else max(begun + ends)
        away = bool(opened) and max(opened) >= max(begun) - 30_000_000
    everything = sorted(time for own in beats for time in own if time <= now)
    back = [two for one, two in pairwise(everything) if two - one > heartbeat * 5 // 4]
    last = max([last, *opened, *back])
    silent_after = heartbeat * 5 // 2
    if now - heard > silent_after:
        return "silent", last
    usual = away_limit if away else limit
    if usual == -1:
        return "learning", last
    proven = usual if away else max(usual, limit_heard)
    if not away:
        of_begun = by_begin[half_hour(last, zone)[1]]
        if of_begun != -1:
            usual, proven = min(usual, of_begun), min(proven, of_begun)
        if now - weakest > silent_after:
            usual, proven = usual + 20 * MINUTE, proven + 20 * MINUTE
    if heard - last > proven:
        return ("away-long" if away else "quiet"), last
    if not away and now - last > usual and now - heard > 2 * heartbeat:
        return "silent", last
    return ("away" if away else "usual"), last


def _halves(low: int, high: int, zone: ZoneInfo) -> set[tuple[date, int]]:
    return {
        half_hour(half * 30 * MINUTE, zone) for half in range(low // (30 * MINUTE), (high - 1) // (30 * MINUTE) + 1)
    }


def _kind(day: date, holidays: set[date]) -> int:
    return int(day.weekday() >= 5 or day in holidays)


def _wide(values: list[int]) -> list[int]:
    return [
        max(values[near] for near in range(place - 2, place + 3) if 0 <= near < len(values))
        for place in range(len(values))
    ]


def _skipped(days: int) -> int:
    return max(-(-days // 14) - 1, 0)


def _ranked(wide: list[int], days: range | list[int], half: int, known: int) -> int:
    ordered = sorted((wide[day * 48 + half] for day in days), reverse=True)
    return max(ordered[_skipped(known)], 0) if ordered else 0
