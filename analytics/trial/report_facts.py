"""What a report must be told of a trial beside its panel: the design, the draw, who left, and what nobody measures.

What nobody said is None, or has no key: the report then says "not known" in that place and leaves no line out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

#: What no panel tells and evaluators ask for: key -> the question that the design answers in words.
TEXTS: Mapping[str, str] = {
    "eligibility": "Who could take part",
    "nudges": "What was sent, how and how often",
    "contact": "What the control homes were told",
    "joint-savings": "Savings that other schemes may count too",
    "other-schemes": "Other schemes in these homes at the same time",
    "spillover": "Whether neighbours may have told each other",
    "data": "Where the readings come from and what was left out",
    "limits": "What else limits what this trial can say",
}


@dataclass(frozen=True, slots=True)
class Noted:
    """One look as it was noted when somebody looked. Effects in kWh a day; ``month``: the last one that it holds,
    its first day."""

    month: date
    arm: str
    effect: float
    low: float
    high: float
    fixed_low: float
    fixed_high: float


@dataclass(frozen=True, slots=True)
class Facts:
    """One trial. Sequences by arm are in the order of ``arms``, whose first is the control (`devices.trials.Arm`)."""

    trial: int
    name: str
    #: ``real`` or ``simulated``.
    origin: str
    fuel: str
    arms: Sequence[str]
    #: Parts of a block.
    shares: Sequence[int]
    begins: date
    #: For how many months it is planned: as many looks.
    months: int
    #: The last day that is read; None where no month has been.
    until: date | None = None
    ended_on: date | None = None
    assigned_at: datetime | None = None
    seed: str | None = None
    #: Name and version of what drew.
    program: str | None = None
    #: The rule of the strata in words, and what the homes of each have in common, by its number.
    strata: str | None = None
    strata_names: Sequence[str] = ()
    #: Of the list of those that were eligible.
    list_hash: str | None = None
    #: Whether the draw made again gave the same; None: nobody tried.
    draw_agrees: bool | None = None
    #: Members drawn, by arm. Numbers of homes are exact here; a report hides those that are too small (None).
    assigned: Sequence[int | None] = ()
    #: Homes of the fuel that were not eligible, by the reason in words.
    not_eligible: Mapping[str, int | None] = field(default_factory=dict)
    #: Members that left, by the reason in words, each by arm.
    left: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    #: Members that were erased, by arm.
    erased: Sequence[int | None] = ()
    #: The effect that the trial was made to find, and the least that it finds with a power of 80 % [percent].
    target: float | None = None
    detectable: float | None = None
    #: What each arm cost until now [pounds], None where nobody said.
    cost: Sequence[float | None] = ()
    looks: Sequence[Noted] = ()
    #: Looks that were noted by another version of the program and cannot be read any more.
    unread: int = 0
    #: Answers to `TEXTS`.
    texts: Mapping[str, str] = field(default_factory=dict)
    #: Of a simulated trial: the effect that was planted, by arm [kWh a day], the control's 0; empty for a real one.
    planted: Sequence[float] = ()
