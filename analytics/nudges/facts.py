"""What is known of a home and a month when a nudge is made: all that its words rest on, kept with it as told.

Figures of others are those of the comparison's row and no more: what the row does not hold, no nudge can say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, get_args

from analytics.energy.prices import Energy
from analytics.report import words
from analytics.report.household import rate
from devices.homes import HomeDetails, Reason, State, Tariff, Tenancy
from store.comparisons import Comparison

#: ``compare``: with the neighbours; ``zone``: with the fifth of them that uses least; ``own``: with the home's past;
#: ``help``: whom to call, for a home that looks like hardship.
Kind = Literal["compare", "zone", "own", "help"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: With one of these there is nothing to tell: no agreement, too little measured, another origin, not theirs throughout.
_UNTOLD = frozenset((Reason.NO_CONSENT, Reason.COVERAGE, Reason.OTHER_ORIGIN, Reason.NOT_COUNTED, "tenancy"))


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the month's own half-hours and weather say; None: not known.

    ``background`` [W] is always on; ``peak_share`` [%] of the use falls into 16:00 to 19:00; ``change`` [%] against the
    same days a year before with the weather taken out, negative for less.
    """

    background: int | None = None
    peak_share: int | None = None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A home and its month of one fuel.

    ``own``, ``before``: use as it is shown [Wh]; ``average``, ``efficient``: of others [Wh], None where the row holds
    none. ``rate`` [pence/kWh], the lowest of the tariff; ``guide``: it is a reference price; ``spread`` [pence/kWh]:
    how much dearer the dearest hours are. ``days``: of the month; ``days_before``: of the one before. ``cost``: of the
    month as its report says it, standing charge included [pence]; None: no report says it.
    """

    kind: Kind
    fuel: str
    from_day: date
    to_day: date
    state: str
    reason: str | None
    own: int
    before: int | None
    days_before: int
    average: int | None
    efficient: int | None
    rate: float | None
    guide: bool
    spread: float
    dwelling: str
    heating: str
    owner: bool
    people: int | None
    medical: bool
    pattern: Pattern = Pattern()
    help_line: str | None = None
    cost: int | None = None

    @property
    def days(self) -> int:
        """Of the month."""
        return (self.to_day - self.from_day).days

    @property
    def low(self) -> bool:
        """Whether it is at or below the average of its neighbours, as far as the row says so."""
        return self.state in (State.GREAT, State.GOOD)

    @property
    def heats(self) -> bool:
        """Whether the weather plays a part."""
        return self.fuel in ("gas", "heat") or self.heating in ("electric", "heat-pump")

    @property
    def weekly(self) -> int | None:
        """What a week of it cost [pence]: as the report says, else at ``rate``. None: it is not known; the lowest of
        several rates would say too little."""
        if self.rate is None:
            return None
        if self.cost is not None:
            return int(self.cost * 7 / self.days + 0.5)
        return self.pence(self.own, self.days) if self.spread == 0 else None

    def pence(self, watt_hours: int, days: int) -> int | None:
        """What so much of ``days`` days is worth a week [pence], half up; None: no rate is known."""
        return None if self.rate is None else int(abs(watt_hours) / 1_000 * self.rate * 7 / days + 0.5)

    def as_json(self) -> dict[str, Any]:
        """Plain values, days as text; without the help line, which is the council's own."""
        found = asdict(self)
        del found["help_line"]
        return {**found, "from_day": self.from_day.isoformat(), "to_day": self.to_day.isoformat()}


def read(stored: Mapping[str, Any]) -> Facts:
    """The same from what ``as_json`` made. Raises KeyError, TypeError, ValueError for anything else."""
    given = dict(stored)
    given["pattern"] = Pattern(**given["pattern"])
    for name in ("from_day", "to_day"):
        given[name] = date.fromisoformat(given[name])
    return Facts(**given)


def kind_of(it: Comparison, wanted: Kind) -> Kind | None:
    """Which nudge a row allows where an arm (or, without a trial, ``compare``) wants one; None: there is none.

    What a row lacks is told in the next smaller kind: a home without enough neighbours hears of its own past.
    """
    if it.own is None or it.kind != "month" or not it.final or it.reason in _UNTOLD:
        return None
    if it.state == State.NEUTRAL:
        return "help"
    if wanted == "compare" and it.compared and it.average is not None:
        return "compare"
    if wanted == "zone" and it.efficient is not None:
        return "zone"
    return "own"


def row_of(
    rows: Sequence[Comparison], wanted: Kind, first: str | None, energy: Energy, tariffs: Sequence[Tariff]
) -> tuple[Comparison, Kind] | None:
    """Which row of a home's month is told, for it is told once, and as which kind; None: none of them.

    Hardship in any fuel goes before all else. Then the fuel ``first`` (a trial's), a row that allows the kind that is
    wanted, and the one that costs most.
    """
    found = [(row, kind) for row in rows if (kind := kind_of(row, wanted)) is not None]

    def order(pair: tuple[Comparison, Kind]) -> tuple[bool, bool, bool, float]:
        row, kind = pair
        pence = (rate(row, energy, tariffs) or 0.0) * (row.own or 0)
        return kind == "help", row.fuel == first, kind == wanted, pence

    return max(found, key=order, default=None)


def facts(
    it: Comparison,
    kind: Kind,
    details: HomeDetails,
    tenancy: Tenancy,
    energy: Energy,
    tariffs: Sequence[Tariff],
    *,
    pattern: Pattern = Pattern(),
    help_line: str | None = None,
) -> Facts:
    """What is known of a row that allows a nudge of ``kind`` (see ``kind_of``): no figure of others that it must not
    say is taken along. Raises ValueError for a row without a use of its own."""
    if it.own is None:
        raise ValueError("a row without a use of its own gives no nudge")
    neutral, compared = kind == "help", kind == "compare"
    own_rates = _own_rates(it, tariffs)
    before = None if neutral or it.before is None else words.shown(it.before)
    return Facts(
        kind=kind,
        fuel=it.fuel,
        from_day=it.from_day,
        to_day=it.to_day,
        state=it.state if compared or neutral else State.SUPPRESSED,
        reason=it.reason if neutral else None,
        own=words.shown(it.own),
        before=before,
        days_before=(it.from_day - _month_before(it.from_day)).days,
        average=it.average if compared else None,
        efficient=it.efficient if compared or kind == "zone" else None,
        rate=None if neutral else rate(it, energy, tariffs),
        guide=not own_rates,
        spread=max(own_rates, default=0.0) - min(own_rates, default=0.0),
        dwelling=details.dwelling,
        heating=details.heating,
        owner=details.tenure == "owner",
        people=tenancy.occupants,
        medical=bool(tenancy.medical_equipment),
        pattern=Pattern() if neutral else pattern,
        help_line=help_line,
        cost=it.cost if not neutral and it.tariff is not None and it.tariff_own == bool(own_rates) else None,
    )


def _month_before(first: date) -> date:
    return date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)


def _own_rates(it: Comparison, tariffs: Sequence[Tariff]) -> list[float]:
    """Rates of the tariff that holds on the month's last day [pence/kWh]; none: a reference price is used."""
    held = [one for one in tariffs if one.fuel == it.fuel and one.from_day < it.to_day]
    newest = max(held, key=lambda one: one.from_day, default=None)
    return [] if newest is None else [register.rate for register in newest.registers]
