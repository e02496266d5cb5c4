"""Prometheus' rules and what they go by: each alert shown firing and not by promtool, a live collector's metrics."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.parts import Parts
from store.connect import connect
from tests.tools.collector import Collector
from tests.tools.grafana import queries
from tests.tools.publisher import publish
from tests.tools.servers import Cluster, Mosquitto, wait_for

FOLDER = Path(__file__).parents[2] / "deploy/prometheus"
PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"
FILES = ("rules.test.yml", "rules-days.test.yml")
RULES = [rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
#: Of node_exporter, and Prometheus' own.
OTHERS = {"node_filesystem_avail_bytes", "node_filesystem_size_bytes", "up"}


def run(promtool: Path, *arguments: str, folder: Path = FOLDER, given: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [promtool, *arguments], cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def scraped(timescale: Cluster, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """What a collector answers as soon as it is ready, and after messages of each fate."""
    folder = tmp_path_factory.mktemp("prometheus")
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        connection.execute(
            "insert into personal.device (id, family, model, origin, personal, changed)"
            " values ('one', 'air-monitor', 'native', 'real', false, 0)"
        )
    with (
        Mosquitto(parts.mosquitto, folder / "broker") as broker,
        Collector(folder, timescale.url(name), broker.url, batch_age=0.05) as collector,
    ):
        collector.start()
        wait_for(lambda: "borough_broker_dropped_total" in collector.metrics(), 30)
        first = collector.get("/metrics")[1]
        topic = "borough/air-monitor/one/reading"
        reading = f'{{"time": "{datetime.now(UTC).isoformat()}", "pm2_5": 3}}'.encode()
        publish(broker.port, [(topic, reading), (topic, b"{"), ("borough/air-monitor/two/reading", reading)])
        wait_for(lambda: sum(collector.metrics().get("borough_messages_received_total", {}).values()) == 3, 30)
        collector.account_at_rest()
        yield first, collector.get("/metrics")[1]
    timescale.drop(name)


def names_of(expression: str) -> set[str]:
    """Names of metrics in an expression of Prometheus' language."""
    text = re.sub(r"\{[^{}]*\}|\"[^\"]*\"|\[[^\]]*\]|\b(?:by|without|on) ?\([^)]*\)", " ", expression)
    words = set(re.findall(r"[A-Za-z_:][A-Za-z0-9_:]*(?![A-Za-z0-9_:]*\s*\()", text))
    return {word for word in words if word not in {"and", "or", "unless", "offset", "by", "d", "m", "h"}} - {"le"}


def test_the_rules_are_rules_and_the_example_a_configuration(promtool: Path) -> None:
    status, said = run(promtool, "check", "config", "prometheus.yml")
    assert status == 0, said
    assert f"SUCCESS: {len(RULES)} rules found" in said


@pytest.mark.parametrize("file", FILES)
def test_each_alert_fires_where_it_must_and_only_there(promtool: Path, file: str) -> None:
    status, said = run(promtool, "test", "rules", file)
    assert status == 0, said


def test_no_alert_is_without_both_cases() -> None:
    tests = [one for file in FILES for one in yaml.safe_load((FOLDER / file).read_text())["tests"]]
    cases = [case for one in tests for case in one["alert_rule_test"]]
    for alert in ALERTS:
        mine = [bool(case["exp_alerts"]) for case in cases if case["alertname"] == alert]
        assert set(mine) == {True, False}, alert
    assert {case["alertname"] for case in cases} == ALERTS.keys()


def test_a_counter_that_is_first_seen_at_37_is_heard_by_these_rules_and_not_by_plain_ones(
    promtool: Path, tmp_path: Path
) -> None:
    """Which is what the first part of each recording rule is for."""
    text = (FOLDER / "rules.yml").read_text()
    plain = re.sub(r">-\n\s+\(borough_broker_dropped_total unless .*\n\s+or (increase.*)", r"\1", text)
    assert plain != text
    (tmp_path / "rules.yml").write_text(plain)
    (tmp_path / FILES[0]).write_text((FOLDER / FILES[0]).read_text())
    status, said = run(promtool, "test", "rules", FILES[0], folder=tmp_path)
    assert status != 0
    assert set(re.findall(r"name: (.*),\n", said)) == {"a counter of lost messages that is first seen at 37"}


def test_a_collector_s_metrics_have_no_finding(promtool: Path, scraped: tuple[str, str]) -> None:
    for text in scraped:
        status, said = run(promtool, "check", "metrics", given=text)
        assert (status, said) == (0, "")


def test_what_alerts_count_stands_at_0_as_soon_as_the_broker_answers(scraped: tuple[str, str]) -> None:
    first, _ = scraped
    for name in ("broker_dropped", "sessions_lost", "taken_over", "write_errors", "archive_missed"):
        assert re.search(rf"^borough_{name}_total 0\.0$", first, re.MULTILINE), name


def test_rules_and_dashboards_name_metrics_that_a_collector_publishes(scraped: tuple[str, str]) -> None:
    _, text = scraped
    published = set(re.findall(r"^(borough_\w+)", text, re.MULTILINE))
    assert "borough_lag_seconds_bucket" in published
    asked = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in RULES]
    asked += [(f"{one.board}: {one.panel}", one.expression) for one in queries() if one.expression]
    assert len(asked) > 30
    for place, expression in asked:
        names = names_of(expression)
        assert names, place
        assert names <= published | RECORDED | OTHERS, place


def test_the_dashboards_expressions_are_some(promtool: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": one.expression.replace("$__rate_interval", "5m")}
        for number, one in enumerate(queries())
        if one.expression
    ]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    status, said = run(promtool, "check", "rules", "panels.yml", folder=tmp_path)
    assert status == 0, said
    (tmp_path / "panels.yml").write_text((tmp_path / "panels.yml").read_text().replace("rate(", "rat("))
    assert run(promtool, "check", "rules", "panels.yml", folder=tmp_path)[0] != 0


def row(name: str, rule: dict[str, Any]) -> str:
    """An alert as the page has it."""
    when = f"`{rule['expr']}`" + (f" for {rule['for']}" if "for" in rule else "")
    means = f"{rule['annotations']['summary']}. {rule['annotations']['description']}"
    return f"| {name} | {rule['labels']['severity']} | {when} | {means} |"


def test_the_page_says_what_the_rules_say() -> None:
    table = PAGE.read_text().partition("## What to be woken for")[2]
    rows = [line for line in table.splitlines() if line.startswith("| Borough")]
    assert rows == [row(name, rule) for name, rule in ALERTS.items()]
    recorded = re.findall(r"^\| `(borough:[a-z0-9_:]+)` \|", table, re.MULTILINE)
    assert set(recorded) == RECORDED
