"""What of a home's use is not the weather's doing: months, and the newest in words, for its own page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.report import words as report_words
from analytics.weather import runner
from analytics.weather.runner import MonthChange
from dashboard.labels import amount, month_words
from dashboard.web.household import Household
from dashboard.web.site import Site
from store.connect import Connection
from store.times import next_month

#: Months that are tried for the newest that can be told: this one is not over.
_TRIED = 3


@dataclass(frozen=True, slots=True)
class Told:
    """A heading that says the finding, and what stands below it."""

    headline: str
    sentences: Sequence[str]


def read_changes(site: Site, connection: Connection, household: Household, fuel: str, count: int) -> list[MonthChange]:
    """Of the last ``count`` months of one's own those that are over and whose change can be told.

    Raises psycopg.Error.
    """
    own = household.first, household.end
    return runner.months(connection, household.home, fuel, household.months(count), own, site.zone)


def told(site: Site, connection: Connection, household: Household, fuel: str) -> Told | None:
    """The newest change of a fuel that heats, or None where none can be told. Raises psycopg.Error."""
    if fuel != "gas" and not runner.heats(fuel, household.home.details):
        return None
    found = read_changes(site, connection, household, fuel, _TRIED)
    return change_words(fuel, found[-1]) if found else None


def change_words(fuel: str, it: MonthChange) -> Told:
    """A month's change in sentences: no praise, no blame, no reason for it."""
    noun, month = report_words.FUEL.get(fuel, "energy"), month_words(it.first)
    part = round(abs(it.percent))
    if it.found and part:
        less = "less" if it.actual < it.expected else "more"
        headline = f"Apart from the weather, you used {part}% {less} {noun} in {month}"
    else:
        headline = f"Apart from the weather, you used about as much {noun} as before in {month}"
    said = [
        "This goes by your own use in the year before.",
        f"The weather of this month would have meant about {amount(it.expected)}. You used {amount(it.actual)}.",
    ]
    if not (it.found and part):
        said.append("The difference is no larger than chance can make it.")
    if it.days < (next_month(it.first) - it.first).days:
        days = report_words.count(it.days, "day", "days")
        said.append(f"This counts {days} of which we know both your use and the weather.")
    said.append("Nobody else's use is in this figure.")
    return Told(headline, said)
