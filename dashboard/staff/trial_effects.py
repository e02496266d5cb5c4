"""The figures of a trial's report: what each arm did, by which method, when, in whom, and what it was worth."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.trial.report_facts import Noted
from analytics.trial.report_rows import Effect, Range, Report, SubgroupLine
from dashboard.staff import trial_words as words
from dashboard.staff.trial_parts import Picture, Section, Table
from dashboard.staff.trial_pictures import Interval, Point
from dashboard.staff.trial_pictures import intervals as draw_intervals
from dashboard.staff.trial_pictures import looks as draw_looks
from devices.counts import counted

_METHODS = {
    "post-only": "Post-only",
    "lin": "Regression with interactions (Lin)",
    "differences": "Difference in differences",
}
#: What homes are parted by, as a table's heading ends.
_LABELS = {
    "tenure": "tenure",
    "deprivation": "deprivation of the place",
    "decile": "tenth of prior use, 1 uses least",
    "stratum": "stratum of the draw",
}

LOOKS = (
    "Who looks each month and stops when the fixed interval leaves zero is wrong far more often than one time in"
    " twenty. So a trial is judged by the interval that holds at every look."
)
_LOOKS_KEY = (
    "The thin line with ends is the interval that holds however often one looks; the wide faint bar is the fixed"
    " interval, which holds at one look alone."
)


def effects(report: Report) -> Section:
    """What each arm did, by the method that was chosen before the trial."""
    main = report.main()
    percent = f"{100 * report.level:g}\N{NO-BREAK SPACE}%"
    head = (
        "Arm",
        "Homes",
        "kWh a day",
        "Percent of the control's use",
        "kWh a home and year",
        "Pounds",
        "Tonnes CO2e",
        "p",
    )
    rows = [
        [words.ARM_WORDS.get(one.arm, one.arm), f"{one.homes:,}", words.ranged(one.kwh_day, 3),
         words.ranged(one.percent, 2), words.ranged(one.kwh_year, 0), words.ranged(one.pounds, 2),
         words.ranged(one.tonnes, 4), words.p_value(one.p)]
        for one in main
    ]  # fmt: skip
    drawn = [row for one in main if (row := _interval(report, one)) is not None]
    key = "A dot is the effect in percent of the control's use, the line its interval; left of zero is less use."
    if any(row.mark is not None for row in drawn):
        key += " The dashed stroke is the effect that was planted."
    said = "; ".join(f"{row.label}: {row.text}" for row in drawn)
    return Section(
        key="effects",
        title="What each arm did",
        paragraphs=[
            (
                f"Against the control, intervals of {percent}. Below zero: homes used less. Pounds and tonnes are of"
                f" one home and year. The control used {words.number(report.control_mean, 2)} kWh a day."
            ),
        ],
        pictures=[Picture("Change of use by arm, in percent", draw_intervals(drawn, f"Change by arm. {said}"), key)]
        if drawn
        else [],
        tables=[Table("Effect by arm, by the method chosen before the trial", head, rows)] if rows else [],
        notes=[*_year(report), _price(report)] if rows else [_few()],
    )


def _year(report: Report) -> list[str]:
    """What figures of a year rest on, where it was not read as often in all its months."""
    months = len(report.months)
    if months % 12 == 0:
        return []
    read = "the 1 month that was" if months == 1 else f"the {months} months that were"
    return [f"A year is 365 days like those of {read} read; in other months the effect may differ."]


def other_methods(report: Report) -> Section:
    """The same effect by the other methods and by chance alone."""
    rows = [
        [words.ARM_WORDS.get(one.arm, one.arm), _METHODS.get(one.method, one.method), words.ranged(one.kwh_day, 3),
         words.number(one.error, 4), words.ranged(one.percent, 2), words.p_value(one.p), f"{one.observations:,}"]
        for one in sorted(report.effects, key=lambda one: [line.arm for line in report.arms].index(one.arm))
    ]  # fmt: skip
    head = ("Arm", "Method", "kWh a day", "Standard error", "Percent", "p", "Observations")
    chance = [
        [words.ARM_WORDS.get(one.arm, one.arm), words.number(one.effect, 3), words.p_value(one.p),
         words.between(one.low, one.high, 4), f"{one.draws:,}"]
        for one in report.chance
    ]  # fmt: skip
    tables = [Table("Effect by method", head, rows, words_in=1)] if rows else []
    if chance:
        heads = ("Arm", "kWh a day", "p", "p lies between", "Draws")
        tables.append(Table("Randomisation inference", heads, chance))
    return Section(
        key="methods",
        title="The same by other methods",
        paragraphs=[
            (
                "Methods that rest on other assumptions should tell the same. Randomisation inference assumes"
                " nothing but the draw itself: it counts how many other draws of these homes would show as large an"
                " effect."
            )
        ],
        tables=tables,
        notes=[] if chance else ["Randomisation inference: not known."],
    )


def looks(report: Report) -> Section:
    """Every look, with the interval that holds at all of them beside the one that holds at one alone."""
    pictures, table = looks_of(report.looks, [line.arm for line in report.arms])
    return Section(
        key="looks",
        title="The looks, month by month",
        paragraphs=[LOOKS],
        pictures=pictures,
        tables=[] if table is None else [table],
        notes=[] if table is not None else ["Nobody has looked yet."],
    )


def looks_of(noted: Sequence[Noted], arms: Sequence[str]) -> tuple[list[Picture], Table | None]:
    """A picture for each arm that was looked at, and a table of all looks; None without any."""
    pictures, rows = [], []
    for arm in arms[1:]:
        mine = [one for one in noted if one.arm == arm]
        name = words.ARM_WORDS.get(arm, arm)
        if mine:
            last = mine[-1]
            told = words.ranged(Range(last.effect, last.low, last.high), 3)
            drawn = draw_looks(
                [_point(one) for one in mine], f"Looks at {name} by month, the last one {told} kWh a day"
            )
            pictures.append(Picture(f"{name}: {told} kWh a day at the last look", drawn, _LOOKS_KEY))
        rows += [
            [words.month(one.month), name, words.number(one.effect, 3), words.between(one.low, one.high, 3),
             words.between(one.fixed_low, one.fixed_high, 3)]
            for one in mine
        ]  # fmt: skip
    head = ("Up to", "Arm", "kWh a day", "However often one looks", "At one look alone")
    return pictures, Table("Looks", head, rows, words_in=1) if rows else None


def subgroups(report: Report) -> Section:
    """In whom, with how many were looked at: a table for each way to part the homes."""
    tables = []
    head = ("Homes", "Arm", "How many", "kWh a day", "p", "p after Holm")
    for label in dict.fromkeys(one.label for one in report.subgroups):
        rows = [
            [one.group, words.ARM_WORDS.get(one.arm, one.arm), *_of_group(one)]
            for one in report.subgroups
            if one.label == label
        ]
        tables.append(Table(f"Effect by {_LABELS.get(label, label)}", head, rows, words_in=1))
    return Section(
        key="subgroups",
        title="In which homes",
        paragraphs=[
            (
                f"{counted(report.looked_at, 'subgroup was', 'subgroups were')} looked at. Of so many some differ by"
                " chance alone, so each p is corrected by Holm's method for how many there are. A finding here is a"
                " question for the next trial."
            )
        ],
        tables=tables,
        notes=[] if tables else [_few()],
    )


def _of_group(one: SubgroupLine) -> list[str]:
    if one.why:
        return [one.why, "not shown", "not shown", "not shown"]
    homes = "not shown" if one.homes is None else f"{one.homes:,}"
    return [homes, words.ranged(one.kwh_day, 3), words.p_value(one.p), words.p_value(one.holm)]


def persistence(report: Report) -> Section:
    """What is left once nudges stop."""
    rows = [
        [words.ARM_WORDS.get(one.arm, one.arm), words.ranged(one.during, 3), words.ranged(one.after, 3),
         words.NOT_KNOWN if one.left is None else f"{one.left:.0f} %"]
        for one in report.persistence
    ]  # fmt: skip
    head = ("Arm", "While nudged [kWh a day]", "After the stop [kWh a day]", "Left of it")
    return Section(
        key="persistence",
        title="After the nudges stop",
        paragraphs=["One arm is nudged for a year and then no more, to see how long an effect lasts."],
        tables=[Table("While nudged and after", head, rows)] if rows else [],
        notes=[] if rows else ["Not known: no arm was stopped, or not long enough ago."],
    )


def worth(report: Report) -> Section:
    """What it cost and saved."""
    rows = [
        [words.ARM_WORDS.get(one.arm, one.arm), words.NOT_KNOWN if one.cost is None else f"£{one.cost:,.0f}",
         words.ranged(one.saved, 0), words.ranged(one.per_kwh, 3)]
        for one in report.values
    ]  # fmt: skip
    head = ("Arm", "Cost until now", "kWh saved until now", "Pounds for a kWh saved")
    return Section(
        key="worth",
        title="What it cost",
        paragraphs=[
            (
                "All homes of an arm together, in the months that were read. Pounds for a kWh are given where the"
                " interval of what was saved lies above zero: nobody can divide by a saving that may be none."
            )
        ],
        tables=[Table("Cost and saving", head, rows)] if rows else [],
        notes=[_price(report)] if rows else [_few()],
    )


def _price(report: Report) -> str:
    given = report.prices
    price = "Pounds: not known." if given.price is None else f"Pounds by {given.price}, {given.pence:g} pence a kWh."
    factor = (
        "Tonnes: not known."
        if given.factor is None
        else f"Tonnes by the factor of {given.factor}, {given.kilograms:g} kg CO2e a kWh."
    )
    return f"{price} {factor}"


def _few() -> str:
    return f"Not shown: {words.homes_counted(None)} in the arm or in the control, or no known month."


def _interval(report: Report, one: Effect) -> Interval | None:
    percent = one.percent
    if percent.value is None or percent.low is None or percent.high is None:
        return None
    planted = next((found.planted for found in report.recovered if found.arm == one.arm), None)
    # in percent of the same mean as the effect itself
    mark = None if planted is None or not report.control_mean else 100 * planted / report.control_mean
    text = f"{words.ranged(percent, 1)} %"
    return Interval(words.ARM_WORDS.get(one.arm, one.arm), text, percent.value, percent.low, percent.high, mark)


def _point(one: Noted) -> Point:
    return Point(words.short_month(one.month), one.effect, one.low, one.high, one.fixed_low, one.fixed_high)
