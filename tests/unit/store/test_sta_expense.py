"""Which questions to many observations are refused, and that few are never too many."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboard.sensorthings.options import parse
from store.sta_expense import MANY, refuse_costly
from store.sta_query import QueryRefused
from store.sta_scope import Along, Everything, Keyed, Scope
from tests.worlds import sensorthings_query

NOW = datetime(2026, 3, 29, tzinfo=UTC)
WEEK = "phenomenonTime ge 2026-03-01T00:00:00Z and phenomenonTime lt 2026-03-08T00:00:00Z"

DEEP_WEEK = WEEK.replace("phen", "Datastreams/Observations/phen")


def ask(entity: str, scope: Scope, rows: int, version: str, items: dict[str, str]) -> None:
    model = sensorthings_query.model(version)  # type: ignore[arg-type]
    refuse_costly(model, entity, parse(model, entity, [(f"${n}", t) for n, t in items.items()]), scope, rows, NOW)


CHEAP: list[tuple[str, str, dict[str, str]]] = [
    ("Observation", "1.1", {}),
    ("Observation", "1.1", {"orderby": "id desc", "top": "5"}),
    ("Observation", "1.1", {"filter": WEEK}),
    ("Observation", "1.1", {"filter": f"result gt 20 and {WEEK}", "orderby": "result desc"}),
    ("Observation", "1.1", {"filter": "result gt 20 and Datastream/id eq 5"}),
    ("Observation", "1.1", {"filter": "Datastream/Thing/id eq 'bay-1'", "orderby": "phenomenonTime desc"}),
    ("Observation", "1.1", {"filter": "Datastream/id in (1,2,3) and result gt 1"}),
    ("Observation", "1.1", {"filter": "Datastream/id eq 1 or Datastream/id eq 2"}),
    ("Observation", "1.1", {"filter": "id eq '1-1772323200000000'"}),
    ("Observation", "1.1", {"filter": "resultTime gt now() sub duration'P1D' and result gt 3"}),
    ("Observation", "1.1", {"filter": "2026-03-28T00:00:00Z le phenomenonTime"}),
    ("Thing", "1.1", {"filter": "name eq 'a'", "orderby": "name"}),
    ("Thing", "1.1", {"filter": f"Datastreams/Observations/result gt 5 and {DEEP_WEEK}"}),
    ("Datastream", "2.0", {"filter": "Observations/any(o: o/result gt 5 and o/resultTime gt 2026-03-28T00:00:00Z)"}),
    ("Datastream", "1.1", {"expand": "Observations($orderby=phenomenonTime desc;$top=1)"}),
    ("Datastream", "1.1", {"expand": "Observations($filter=phenomenonTime ge 2020-01-01T00:00:00Z)"}),
]  # fmt: skip
COSTLY: list[tuple[str, str, dict[str, str]]] = [
    ("Observation", "1.1", {"filter": "result gt 20"}),
    ("Observation", "1.1", {"orderby": "phenomenonTime desc", "top": "1"}),
    ("Observation", "1.1", {"orderby": "result"}),
    ("Observation", "1.1", {"filter": "phenomenonTime ge 2020-01-01T00:00:00Z"}),
    ("Observation", "1.1", {"filter": f"({WEEK}) or result gt 20"}),
    ("Observation", "1.1", {"filter": f"not ({WEEK})"}),
    ("Observation", "1.1", {"filter": "Datastream/name eq 'a'"}),
    ("Observation", "1.1", {"filter": "Datastream/Sensor/id eq 's1' and result gt 5"}),
    ("Thing", "1.1", {"filter": "Datastreams/Observations/result gt 5"}),
    ("Datastream", "2.0", {"filter": "Observations/any(o: o/result gt 5)"}),
    ("Datastream", "2.0", {"filter": "name eq 'a' or not Observations/any(o: o/result gt 5)"}),
    ("Thing", "2.0", {"filter": "Datastreams/any(d: d/Observations/any(o: o/result gt 5))"}),
    ("Datastream", "1.1", {"expand": "Observations($filter=result gt 5)"}),
    ("Datastream", "1.1", {"expand": "Observations($orderby=result desc)"}),
    ("Thing", "1.1", {"expand": "Datastreams($expand=Observations($orderby=result))"}),
    ("Thing", "1.1", {"expand": "Datastreams($filter=Observations/result gt 5)"}),
]


@pytest.mark.parametrize(("entity", "version", "items"), CHEAP)
def test_what_an_index_gives_is_answered(entity: str, version: str, items: dict[str, str]) -> None:
    ask(entity, Everything(), 100 * MANY, version, items)


@pytest.mark.parametrize(("entity", "version", "items"), COSTLY)
def test_what_no_index_gives_is_refused_with_what_to_ask(entity: str, version: str, items: dict[str, str]) -> None:
    with pytest.raises(
        QueryRefused, match=r"Observations of all are too many .* Datastreams\(17\)/Observations"
    ) as told:
        ask(entity, Everything(), MANY, version, items)
    assert told.value.status == 400
    ask(entity, Everything(), MANY - 1, version, items)


def test_one_datastream_may_be_asked_anything() -> None:
    for _, version, items in COSTLY[:6]:
        ask("Observation", Along("Datastream", (5,), ("Observations",)), 100 * MANY, version, items)
    ask("Datastream", Keyed((5,)), 100 * MANY, "1.1", {"expand": "Observations($orderby=result desc)"})
