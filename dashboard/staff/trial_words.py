"""Arms, reasons and figures of a trial as the pages and the report say them: plain, and never more than is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from analytics.trial.report_rows import LEAST_HOMES, Range
from devices.counts import counted
from devices.trials import Arm

NOT_KNOWN = "not known"
#: Between words that stay in one line.
_HELD = "\N{NO-BREAK SPACE}"

ARM_WORDS: Mapping[str, str] = {
    Arm.NOTHING: "Control",
    Arm.OWN_HISTORY: "Own history",
    Arm.ZONE: "Efficiency zone",
    Arm.COMPARISON: "Comparison",
    Arm.COMPARISON_YEAR: "Comparison for a year",
}
ARM_LONG: Mapping[str, str] = {
    Arm.NOTHING: "sees its own use, and gets no nudge until the trial ends",
    Arm.OWN_HISTORY: "sees its own use; nudges compare it with its own past",
    Arm.ZONE: "sees itself beside the fifth of similar homes that uses least",
    Arm.COMPARISON: "sees itself beside similar homes nearby",
    Arm.COMPARISON_YEAR: "as comparison for a year, then as the control",
}


def number(value: float | None, digits: int, *, sign: bool = False) -> str:
    """``1,234.50``, with a minus that is one; ``sign``: a plus too; "not known" for None."""
    if value is None:
        return NOT_KNOWN
    rounded = round(value, digits) + 0.0  # no minus before a zero
    return f"{rounded:{'+' if sign and rounded else ''},.{digits}f}".replace("-", "\N{MINUS SIGN}")


def ranged(given: Range, digits: int) -> str:
    """``0.16 (0.11 to 0.21)``, each with its minus; the figure alone where it has no interval."""
    if given.value is None:
        return NOT_KNOWN
    text = number(given.value, digits)
    if given.low is None or given.high is None:
        return text
    return f"{text} ({between(given.low, given.high, digits)})"


def between(low: float, high: float, digits: int) -> str:
    """``0.11 to 0.21`` in one line."""
    return f"{number(low, digits)}{_HELD}to{_HELD}{number(high, digits)}"


def homes(count: int | None) -> str:
    """How many homes, as a number; None: so few that it is not shown."""
    return f"fewer than {LEAST_HOMES}" if count is None else f"{count:,}"


def homes_counted(count: int | None) -> str:
    """``1,200 homes``, ``1 home``."""
    return f"fewer than {counted(LEAST_HOMES, 'home')}" if count is None else counted(count, "home")


def change(percent: Range) -> str:
    """What happened to use, in words: ``2.0 % less (1.6 to 2.4 % less)``."""
    if percent.value is None or percent.low is None or percent.high is None:
        return NOT_KNOWN
    if percent.low <= 0 <= percent.high:
        ends = f"between {_side(percent.low)} and {_side(percent.high)}"
        return f"no change that can be told from chance: {ends}"
    near, far = sorted((abs(percent.low), abs(percent.high)))
    side = "less" if percent.value < 0 else "more"
    return f"{_side(percent.value)} ({near:.1f} to {far:.1f}{_HELD}% {side})"


def p_value(value: float | None) -> str:
    """``0.031``, ``under 0.001``."""
    if value is None:
        return NOT_KNOWN
    return f"under{_HELD}0.001" if value < 0.001 else f"{value:.3f}"


def day(given: date | None) -> str:
    """``1 January 2026``."""
    return NOT_KNOWN if given is None else f"{given.day} {given:%B %Y}"


def month(given: date) -> str:
    """``January 2026``."""
    return f"{given:%B %Y}"


def short_month(given: date) -> str:
    """``Jan 26``, where there is little room."""
    return f"{given:%b %y}"


def _side(percent: float) -> str:
    return f"{abs(percent):.1f}{_HELD}% {'less' if percent < 0 else 'more'}"
