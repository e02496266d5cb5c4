"""A trial's report in words: the fixed list of what evaluators ask for, always whole and always in this order.

What nobody measured or said stands as "not known" in its place. `html` makes one file without a script that asks
nothing of anybody; the site shows the same sections in its own layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, FileSystemLoader

from analytics.trial.report_facts import TEXTS
from analytics.trial.report_rows import Report
from dashboard.labels import FUEL_WORDS
from dashboard.staff import trial_words as words
from dashboard.staff.trial_effects import effects, looks, other_methods, persistence, subgroups, worth
from dashboard.staff.trial_parts import Section, Table
from dashboard.web.site import HERE
from devices.counts import counted
from devices.text import visible


@dataclass(frozen=True, slots=True)
class Shown:
    """A report as it is read."""

    title: str
    #: Where it is simulated: said before anything else.
    warning: str
    lead: str
    findings: Sequence[str]
    sections: Sequence[Section]
    recovered: Sequence[str] = field(default_factory=tuple)


def show(report: Report) -> Shown:
    """The report in words."""
    facts = report.facts
    period = "no whole month yet"
    if report.months:
        period = f"{words.month(report.months[0])} to {words.month(report.months[-1])}"
    homes = f"{words.homes_counted(report.drawn)} drawn" if report.homes is None else words.homes_counted(report.homes)
    lead = f"{FUEL_WORDS.get(facts.fuel, facts.fuel)}; {homes}; {period}."
    simulated = facts.origin != "real"
    warning = (
        "This trial is simulated. Its homes do not exist, and its effect was planted to see whether the method"
        " finds it."
        if simulated
        else ""
    )
    return Shown(
        title=f"Report of the trial {facts.name}",
        warning=warning,
        lead=lead,
        findings=[*_early(report), *(_finding(one.arm, words.change(one.percent)) for one in report.main())]
        if report.main()
        else ["Nothing can be said yet: no arm has enough known months."],
        recovered=[
            f"{words.ARM_WORDS.get(one.arm, one.arm)}: planted {words.number(one.planted, 3)} kWh a day, found"
            f" {words.ranged(one.found, 3)}: {'recovered' if one.held else 'NOT recovered'}."
            for one in report.recovered
        ],
        sections=[
            _tried(report), _eligible(report), _drawn(report), _alike(report), _left(report), effects(report),
            other_methods(report), looks(report), subgroups(report), persistence(report), worth(report),
            _beside(report), _method(report),
        ],
    )  # fmt: skip


def html(report: Report) -> str:
    """The report as one HTML file: no script, nothing from elsewhere."""
    return _environment().get_template("staff/trial_report_file.html").render(shown=show(report))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["shown"] = visible
    return made


def _finding(arm: str, change: str) -> str:
    return f"{words.ARM_WORDS.get(arm, arm)}: {change}."


def _early(report: Report) -> list[str]:
    """That the trial is not over: its intervals are of one look, and who reads them each month looks often."""
    read, planned = len(report.months), report.facts.months
    if read >= planned:
        return []
    return [
        (
            f"Read so far: {counted(read, 'month')} of {planned}. Until all are, these intervals may mislead, for they"
            " hold at one look alone: an effect is shown where the interval that holds at every look leaves zero."
        )
    ]


def _tried(report: Report) -> Section:
    facts = report.facts
    rows = [
        [words.ARM_WORDS.get(one.arm, one.arm), words.ARM_LONG.get(one.arm, ""), str(one.share)] for one in report.arms
    ]
    return Section(
        key="tried",
        title="What was tried",
        facts=[
            ("Fuel", FUEL_WORDS.get(facts.fuel, facts.fuel)),
            ("Homes", "simulated" if facts.origin != "real" else "real"),
            ("First day", words.day(facts.begins)),
            ("Read up to", words.day(facts.until)),
            ("Ended", "still running" if facts.ended_on is None else words.day(facts.ended_on)),
            ("Effect that it was made to find", _percent(facts.target)),
            ("Least effect that it finds four times in five", _percent(facts.detectable)),
        ],
        tables=[Table("Arms", ("Arm", "What its homes get", "Homes in each block"), rows, words_in=1)],
    )


def _eligible(report: Report) -> Section:
    facts = report.facts
    rows = [[why, words.homes(count)] for why, count in facts.not_eligible.items()]
    table = Table("Homes that could not take part", ("Why", "Homes"), rows)
    return Section(
        key="eligible",
        title="Who could take part",
        paragraphs=[_answer(report, "eligibility")],
        facts=[("Drawn", words.homes(report.drawn))],
        tables=[table] if rows else [],
        notes=[] if rows else ["How many homes could not take part, and why: not known."],
    )


def _drawn(report: Report) -> Section:
    facts = report.facts
    agrees = {True: "yes", False: "NO: the list or the draw has changed", None: words.NOT_KNOWN}[facts.draw_agrees]
    when = words.NOT_KNOWN
    if facts.assigned_at is not None:
        when = f"{facts.assigned_at.day} {facts.assigned_at:%B %Y, %H:%M} ({facts.assigned_at.tzname()})"
    return Section(
        key="drawn",
        title="How homes were drawn",
        paragraphs=[
            "Homes were drawn by chance in small blocks of alike homes, and written down before the first day."
        ],
        facts=[
            ("Seed", visible(facts.seed) if facts.seed else words.NOT_KNOWN),
            ("Program", visible(facts.program) if facts.program else words.NOT_KNOWN),
            ("Drawn on", when),
            ("Strata", visible(facts.strata) if facts.strata else words.NOT_KNOWN),
            ("Number of strata and blocks", f"{report.strata:,} and {report.blocks:,}"),
            ("Hash of the list of homes (SHA-256)", facts.list_hash or words.NOT_KNOWN),
            ("The draw made again gives the same", agrees),
        ],
    )


def _alike(report: Report) -> Section:
    rows = [
        [one.what, words.ARM_WORDS.get(one.arm, one.arm), _mean(one.mean, 2), _mean(one.control, 2),
         _mean(one.difference, 3)]
        for one in report.balance
    ]  # fmt: skip
    head = ("Before the trial", "Arm", "Its mean", "Mean of the control", "Difference [standard deviations]")
    return Section(
        key="alike",
        title="Whether the arms were alike before",
        paragraphs=[
            (
                "Use is in kWh a day, the rest are shares of homes. A difference beyond 0.1 is larger than chance"
                " leaves in a large trial, and is looked at. A figure of fewer than 15 homes is not shown, nor one that"
                " would tell it."
            ),
            f"All of it together, p of a joint test: {words.p_value(report.balance_p)}.",
        ],
        tables=[Table("Arms beside the control before the trial", head, rows, words_in=1)] if rows else [],
        notes=[] if rows else ["Not known: too few homes."],
    )


def _mean(value: float | None, digits: int) -> str:
    return "not shown" if value is None else words.number(value, digits)


def _left(report: Report) -> Section:
    whys = list(dict.fromkeys(why for one in report.arms for why in one.left))
    head = ("Arm", "Drawn", *(why.capitalize() for why in whys), "Erased", "With a known month", "Months known")
    rows = [
        [words.ARM_WORDS.get(one.arm, one.arm), words.homes(one.assigned),
         *(words.homes(one.left.get(why, 0)) for why in whys), words.homes(one.erased), words.homes(one.measured),
         words.NOT_KNOWN if one.known is None else f"{100 * one.known:.1f} %"]
        for one in report.arms
    ]  # fmt: skip
    return Section(
        key="left",
        title="Who left",
        paragraphs=[
            (
                "Every home counts in the arm that it was drawn for, whatever it did with its nudges. A home that"
                " left counts up to that day. Of erased homes only the number is kept."
            )
        ],
        tables=[Table("Homes drawn, and what became of them", head, rows)],
    )


def _beside(report: Report) -> Section:
    return Section(
        key="beside",
        title="What these figures do not tell",
        facts=[(question, _answer(report, key)) for key, question in TEXTS.items() if key != "eligibility"],
    )


def _method(report: Report) -> Section:
    percent = f"{100 * report.level:g}\N{NO-BREAK SPACE}%"
    return Section(
        key="method",
        title="How this was worked out",
        paragraphs=[
            (
                "Use by month on the arm, with prior use of the year, the summer and the winter by month, weighted"
                f" by known days; standard errors by household; intervals of {percent}. This method (post-only) was"
                " chosen before the trial, and its figures are the trial's. Source: Allcott (2011) and the protocols"
                " of the Uniform Methods Project, chapter 17, and of SEE Action (2012)."
            ),
            (
                "Beside it: regression with all interactions (Lin 2013), difference in differences, and"
                " randomisation inference by the recorded seed and blocks. The looks hold however often one looks"
                " (Lindon et al. 2022)."
            ),
            *(f"Not worked out: {one}" for one in report.missing),
        ],
    )


def _answer(report: Report, key: str) -> str:
    given = report.facts.texts.get(key, "").strip()
    return visible(given, lines=True) if given else f"{words.NOT_KNOWN.capitalize()}."


def _percent(value: float | None) -> str:
    return words.NOT_KNOWN if value is None else f"{value:.3g}\N{NO-BREAK SPACE}%"
