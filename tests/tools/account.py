"""The accounting in the table, and its two sums."""

from __future__ import annotations

from store.batch import COUNT_NAMES, Counts
from tests.tools.load import ask


def table_account(database: str) -> dict[str, Counts]:
    """Sums of the table ``accounting`` by family. Fails where they do not add up, in any minute of any collector.

    Nor may what was rejected by reason be more or less than what was rejected.
    """
    columns = ", ".join(COUNT_NAMES)
    for row in ask(database, f"select minute, collector, family, {columns} from public.accounting"):
        counts = Counts(*row[3:])  # type: ignore[arg-type]
        assert counts.adds_up(), f"accounting, {row[:3]}: {counts}"
    wrong = ask(
        database,
        "select minute, collector, family, counted, reasons from (select minute, collector, family,"
        " sum(messages_rejected + readings_rejected) as counted from public.accounting group by 1, 2, 3) a"
        " full join (select minute, collector, family, sum(count) as reasons from public.rejection_minute"
        " group by 1, 2, 3) r using (minute, collector, family) where coalesce(counted, 0) <> coalesce(reasons, 0)",
    )
    assert not wrong, f"accounting and rejection_minute: {wrong}"
    sums = ", ".join(f"sum({name})::int8" for name in COUNT_NAMES)
    rows = ask(database, f"select family, {sums} from public.accounting group by family")
    return {str(row[0]): Counts(*row[1:]) for row in rows}  # type: ignore[arg-type]


def total(account: dict[str, Counts]) -> Counts:
    """All families together."""
    result = Counts()
    for counts in account.values():
        result.add(counts)
    return result


def assert_same(metrics: dict[str, Counts], table: dict[str, Counts]) -> None:
    """/metrics of the only process and the table say the same."""
    assert {name: counts for name, counts in metrics.items() if counts.messages_received} == table
