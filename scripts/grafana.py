"""Makes the dashboards of deploy/grafana with grafana-foundation-sdk: classic JSON, as Grafana 11 and newer import it.

    .venv/bin/python -m scripts.grafana

They are kept in the repository; a test makes them again and compares.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DataSourceRef,
    Panel,
    Threshold,
    ThresholdsMode,
    VariableOption,
)

FOLDER = Path(__file__).parents[1] / "deploy/grafana/dashboards"
#: As deploy/grafana/provisioning/datasources names them.
PROMETHEUS = DataSourceRef("prometheus", "borough-prometheus")
DATABASE = DataSourceRef("grafana-postgresql-datasource", "borough-database")
_WIDTH = 24
_LONDON = VariableOption(True, "Europe/London", "Europe/London")


class Query(Dataquery):
    """A query in SQL; the SDK has none of its own for PostgreSQL."""

    def __init__(self, sql: str, form: str, ref: str = "A") -> None:
        self.sql, self.form, self.ref = sql, form, ref

    def to_json(self) -> dict[str, object]:
        """As the data source reads it."""
        return {
            "datasource": DATABASE.to_json(),
            "editorMode": "code",
            "format": self.form,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.ref,
        }


class Sql(Builder[Dataquery]):
    """The builder of a `Query`; ``form`` is ``time_series`` or ``table``."""

    def __init__(self, sql: str, form: str = "time_series") -> None:
        lines = (line.strip() for line in sql.splitlines())
        self._query = Query("\n".join(line for line in lines if line), form)

    def build(self) -> Query:
        """The query."""
        return self._query


def _prom(expression: str, legend: str, ref: str = "A") -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(ref).range().datasource(PROMETHEUS)


def _series(title: str, text: str, unit: str, source: DataSourceRef, *targets: Builder[Any]) -> timeseries.Panel:
    panel = timeseries.Panel().title(title).description(text).unit(unit).datasource(source).min(0)
    return panel.targets(list(targets)).fill_opacity(10).span(_WIDTH // 2).height(8)


def _stat(
    title: str, text: str, expression: str, *, bad_from: float | None, bad_below: float | None = None
) -> stat.Panel:
    steps = [Threshold(None, "green")]
    if bad_from is not None:
        steps.append(Threshold(bad_from, "red"))
    if bad_below is not None:
        steps = [Threshold(None, "red"), Threshold(bad_below, "green")]
    thresholds = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    panel = stat.Panel().title(title).description(text).datasource(PROMETHEUS).thresholds(thresholds)
    return panel.with_target(_prom(expression, "{{instance}}")).span(_WIDTH // 4).height(4)


def _table(title: str, text: str, sql: str, width: int = _WIDTH // 2) -> table.Panel:
    panel = table.Panel().title(title).description(text).datasource(DATABASE)
    return panel.with_target(Sql(sql, "table")).span(width).height(8)


def _board(uid: str, title: str, text: str, span: str, panels: Iterable[Builder[Panel]]) -> Dashboard:
    board = dashboard.Dashboard(title).uid(uid).description(text).tags(["borough"]).readonly()
    board = board.time(f"now-{span}", "now").refresh("30s").timezone("browser")
    for panel in panels:
        board = board.with_panel(panel)
    return board.build()


def collectors() -> Dashboard:
    """What collectors say of themselves."""
    rate = "sum by (family) (rate({}[$__rate_interval]))"
    quantile = "histogram_quantile({}, sum by (le) (rate({}_bucket[$__rate_interval])))"
    return _board(
        "borough-collectors",
        "Borough: collectors",
        "What collectors say of themselves. Words: docs/reference/metrics.md.",
        "3h",
        [
            _stat(
                "Database", "1: reached, and takes what is written.", "borough_database_up", bad_from=None, bad_below=1
            ),
            _stat(
                "Broker",
                "1: connected, every subscription confirmed.",
                "borough_broker_connected",
                bad_from=None,
                bad_below=1,
            ),
            _stat(
                "Dropped by the broker in 10 min",
                "Readings are lost.",
                "increase(borough_broker_dropped_total[10m])",
                bad_from=1,
            ),
            _stat("Archive failing", "1: messages are not archived.", "borough_archive_failing", bad_from=1),
            _series(
                "Messages received",
                "By family.",
                "msg/s",
                PROMETHEUS,
                _prom(rate.format("borough_messages_received_total"), "{{family}}"),
            ),
            _series(
                "Readings stored",
                "By family; new in the table.",
                "ops",
                PROMETHEUS,
                _prom(rate.format("borough_readings_stored_total"), "{{family}}"),
            ),
            _series(
                "What else became of readings",
                "Of all families.",
                "ops",
                PROMETHEUS,
                *(
                    _prom(f"sum(rate(borough_readings_{word}_total[$__rate_interval]))", word, ref)
                    for ref, word in zip(
                        "ABCDE", ("duplicates", "thinned", "restated", "rejected", "refused"), strict=True
                    )
                ),
            ),
            _series(
                "Rejections",
                "By reason.",
                "ops",
                PROMETHEUS,
                _prom("sum by (reason) (rate(borough_rejections_total[$__rate_interval]))", "{{reason}}"),
            ),
            _series(
                "Lag of event time",
                "From a reading's time to its commit. Late data make it large without anything being slow.",
                "s",
                PROMETHEUS,
                _prom(quantile.format("0.5", "borough_lag_seconds"), "half", "A"),
                _prom(quantile.format("0.99", "borough_lag_seconds"), "99 of 100", "B"),
            ),
            _series(
                "A batch's transaction",
                "How long it took.",
                "s",
                PROMETHEUS,
                _prom(quantile.format("0.5", "borough_write_seconds"), "half", "A"),
                _prom(quantile.format("0.99", "borough_write_seconds"), "99 of 100", "B"),
            ),
            _series(
                "In flight",
                "Received and not yet committed.",
                "short",
                PROMETHEUS,
                _prom("sum by (instance) (borough_messages_in_flight)", "{{instance}}"),
            ),
            _series(
                "Sessions and writes that failed",
                "In 10 minutes.",
                "short",
                PROMETHEUS,
                _prom("increase(borough_sessions_lost_total[10m])", "sessions lost {{instance}}", "A"),
                _prom("increase(borough_taken_over_total[10m])", "taken over {{instance}}", "B"),
                _prom("increase(borough_write_errors_total[10m])", "write errors {{instance}}", "C"),
            ),
        ],
    )


def account() -> Dashboard:
    """What stands in the database of the collectors' work, and the system's alarms."""
    counted = """
        select $__timeGroupAlias(minute, $__interval), family as metric, sum({})::float8 as value
        from public.accounting where $__timeFilter(minute)
        group by 1, 2 order by 1, 2"""
    return _board(
        "borough-account",
        "Borough: account and alarms",
        "Of the database, by the role borough_open. Words: docs/reference/database.md.",
        "24h",
        [
            _table(
                "Open alarms",
                "The page Alarms says what to do.",
                """select begun_at as "since", severity, rule, subject as "of", text as "what"
                from public.alarm where begun_at is not null and ended_at is null order by begun_at""",
            ),
            _table(
                "When the rules were looked at",
                "Older than three minutes: borough watch does not run.",
                """select looked_at as "looked at", round(extract(epoch from now() - looked_at)) as "seconds ago"
                from public.watch""",
            ),
            _series("Messages received", "By family.", "short", DATABASE, Sql(counted.format("messages_received"))),
            _series("Readings stored", "By family.", "short", DATABASE, Sql(counted.format("readings_stored"))),
            _series("Messages rejected", "By family.", "short", DATABASE, Sql(counted.format("messages_rejected"))),
            _series(
                "Rejections",
                "By reason, messages and readings together.",
                "short",
                DATABASE,
                Sql("""select $__timeGroupAlias(minute, $__interval), reason as metric, sum(count)::float8 as value
                from public.rejection_minute where $__timeFilter(minute)
                group by 1, 2 order by 1, 2"""),
            ),
            _series(
                "Batch and database time",
                "Of the slowest batch, and on average.",
                "s",
                DATABASE,
                Sql("""select $__timeGroupAlias(minute, $__interval), max(write_longest) as "longest",
                sum(write_seconds) / nullif(sum(batches), 0) as "batch",
                sum(database_seconds) / nullif(sum(batches), 0) as "database"
                from public.flow_minute where $__timeFilter(minute)
                group by 1 order by 1"""),
            ),
            _series(
                "Queue and drops at the broker",
                "Where the broker says so.",
                "short",
                DATABASE,
                Sql("""select $__timeGroupAlias(minute, $__interval), max(broker_queued)::float8 as "queued",
                sum(dropped)::float8 as "dropped"
                from (select minute, max(broker_queued) as broker_queued, max(broker_dropped) as dropped
                from public.flow_minute where $__timeFilter(minute) group by minute) minutes
                group by 1 order by 1"""),
            ),
            _table(
                "Alarms",
                "That began in this time, the newest first.",
                """select begun_at as "began", ended_at as "ended", severity, rule, subject as "of", text as "what"
                from public.alarm where $__timeFilter(begun_at) order by begun_at desc limit 200""",
            ),
            _table(
                "Absences of collectors",
                "Readings whose time is their arrival.",
                """select back_at as "read again", lost_at as "not read since", collector, family, messages, readings
                from public.absence where $__timeFilter(back_at) order by back_at desc limit 200""",
            ),
        ],
    )


def parking() -> Dashboard:
    """How zones are used: bays of no household."""
    # four big-endian int4 a quarter hour: occupied, free, suspended, unknown bay-seconds
    number = " + ".join(
        f"(get_byte(quarters, q * 16 + {{}} + {place})::int8 << {24 - 8 * place})" for place in range(4)
    )
    occupied, free = number.format(0, 0, 0, 0), number.format(4, 4, 4, 4)
    quarters = f"""
        from (
            select zone, (day::timestamp at time zone '$zone_of_time') + q * interval '15 minutes' as at,
            ({occupied})::float8 as occupied, ({free})::float8 as free
            from public.zone_day, generate_series(0, length(quarters) / 16 - 1) q
            where day between ($__timeFrom()::timestamptz - interval '1 day')::date
            and ($__timeTo()::timestamptz + interval '1 day')::date
        ) quarters where $__timeFilter(at) and occupied + free > 0"""
    board = _board(
        "borough-parking",
        "Borough: parking zones",
        "Of the record of parking, without bays of households. Words: docs/reference/parking.md.",
        "7d",
        [
            _series(
                "Occupancy",
                "Occupied of known bay-time, by zone.",
                "percentunit",
                DATABASE,
                Sql(f"""select $__timeGroupAlias(at, $__interval), zone as metric,
                sum(occupied) / sum(occupied + free) as value
                {quarters}
                group by 1, 2 order by 1, 2"""),
            )
            .max(1)
            .span(_WIDTH),
            _table(
                "Zones now",
                "The newest day of each.",
                """select distinct on (zone) zone, day, bays from public.zone_day order by zone, day desc""",
            ),
            _table(
                "Forecasts",
                "Shown where better than what is now and than the usual hour; error is of occupancy.",
                """select zone, minutes, at, occupancy, error, persistence_error as "as now",
                hour_of_week_error as "as usual"
                from public.zone_forecast where shown order by zone, minutes""",
            ),
            _table(
                "Bays",
                "Of no household, by zone and kind.",
                """select zone, kind, count(*) as bays, sum(spaces) as spaces
                from public.bay where to_day is null group by 1, 2 order by 1, 2""",
                _WIDTH,
            ),
        ],
    )
    zone = (
        dashboard.TextBoxVariable("zone_of_time")
        .label("Time zone of the site")
        .default_value("Europe/London")
        .current(_LONDON)
    )
    assert board.templating is not None
    board.templating.list_val = [zone.build()]
    return board


BOARDS = {"collectors": collectors, "account": account, "parking": parking}


def text(board: Dashboard) -> str:
    """A dashboard as it is kept."""
    return json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    """Write all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in BOARDS.items():
        (FOLDER / f"borough-{name}.json").write_text(text(make()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
