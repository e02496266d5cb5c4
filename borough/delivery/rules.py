"""Who may be sent what, and when: one table of kinds, and one function that looks at everything that may forbid it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from devices.device import Origin
from store.outbox import SECRET, Kind
from store.outbox_work import Candidate, Verdict


class Rule(NamedTuple):
    """Of a kind. ``cap``: so many a person in 24 hours; ``quiet``: it keeps quiet hours; ``stoppable``: its messages
    have a link that stops them; ``confirmed``: only to who showed that the address is theirs; ``agreed``: only to a
    tenancy that agrees to messages; ``lives``: only while it lives there: who has left may complain still, and must be
    answered."""

    cap: int
    quiet: bool = True
    stoppable: bool = True
    confirmed: bool = True
    agreed: bool = False
    lives: bool = True


#: Who asks for a code or a confirmation over and over for somebody else's address floods no mailbox: the cap.
KINDS: Mapping[Kind, Rule] = {
    "air-confirm": Rule(3, quiet=False, stoppable=False, confirmed=False),
    "air-alert": Rule(6),
    "care-alert": Rule(48, quiet=False),
    "care-note": Rule(12),
    "complaint": Rule(6, quiet=False, stoppable=False, confirmed=False, lives=False),
    "code": Rule(6, quiet=False, stoppable=False, confirmed=False),
    # a household has one a month at most; who has several at one address, as neighbours may, gets each
    "nudge": Rule(6, agreed=True),
    "letter-notice": Rule(2, agreed=True),
}

#: What a withheld message says for a reason.
SIMULATED = "it tells of a simulated home, and goes to a real person"
INVENTED = "the person is simulated, and this is no demo"
BOUNCED = "an earlier message was answered: no such mailbox"
STOPPED = "stopped by whom it goes to"
WITHDRAWN = "the household does not agree to messages"
LEFT = "the household does not live there any more"
UNCONFIRMED = "nobody has shown that the address is theirs"
CAP = "the cap of its kind for one person in 24 hours is reached"
ELSEWHERE = "a code or a link that confirms an address goes by e-mail alone"
LATE = "it came to nothing before it was of no use"


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds here. ``quiet``: local times between which quiet kinds wait, across midnight where the first is the
    later; the same twice: never. ``caps``: other than in ``KINDS``. ``origin``: of the people of this installation."""

    zone: ZoneInfo
    quiet: tuple[time, time] = (time(21), time(8))
    caps: Mapping[str, int] = field(default_factory=dict)
    origin: Origin = "real"


def decide(one: Candidate, held: int, rules: Rules, now: datetime) -> Verdict:
    """What becomes of a message that is due; ``held``: see `store.outbox_work.take`."""
    rule = KINDS[one.kind]
    if one.expires_at <= now:
        return Verdict("expired", LATE)
    if (reason := _forbidden(one, rule, rules)) is not None:
        return Verdict("withheld", reason)
    # paper makes no noise
    if rule.quiet and one.channel != "letter" and (until := quiet_until(rules, now)) is not None:
        # of no use by then: said now, so that whoever waits for it can do something else
        return Verdict("waiting", None, until) if until < one.expires_at else Verdict("expired", LATE)
    if one.recent + held >= rules.caps.get(one.kind, rule.cap):
        return Verdict("withheld", CAP)
    return Verdict("sent" if one.channel == "page" else "send")


def _forbidden(one: Candidate, rule: Rule, rules: Rules) -> str | None:
    if one.origin == "simulated" and one.contact_origin == "real":
        return SIMULATED
    if one.contact_origin == "simulated" and rules.origin == "real":
        return INVENTED
    if one.bounced:
        return BOUNCED
    if one.stopped and rule.stoppable:
        return STOPPED
    # a letter would go to whoever lives there now
    if one.lives is False and (rule.lives or one.channel == "letter"):
        return LEFT
    if one.channel != "email" and one.kind in SECRET:
        return ELSEWHERE
    if rule.agreed and one.agreed is not True:
        return WITHDRAWN
    if rule.confirmed and not one.confirmed and one.channel == "email":
        return UNCONFIRMED
    return None


def quiet_until(rules: Rules, now: datetime) -> datetime | None:
    """When the quiet hours that hold ``now`` end, by the clock on the wall; None: none do."""
    begin, end = rules.quiet

    def within(instant: datetime) -> bool:
        at = instant.astimezone(rules.zone).time().replace(tzinfo=None)
        return begin <= at < end if begin <= end else at >= begin or at < end

    if not within(now):
        return None
    local = now.astimezone(rules.zone)
    day = local.date() if local.time() < end else local.date() + timedelta(days=1)
    until = datetime.combine(day, end, rules.zone).astimezone(now.tzinfo)
    late = datetime.combine(day, end.replace(fold=1), rules.zone).astimezone(now.tzinfo)
    if until.astimezone(rules.zone).time() != end:
        # clocks go forward over it: when they do
        gap = now.replace(second=0, microsecond=0)
        while within(gap):
            gap += timedelta(minutes=1)
        return gap
    # the hour that comes twice: its first end has passed
    return until if until > now else late
