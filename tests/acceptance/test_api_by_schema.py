"""The API against its own description: schemathesis asks what the description allows and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.examples import examples
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds.resident_world import World, living

#: What an answer must keep to. That everything allowed is accepted is not among it: our days are of two centuries.
_KEPT = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found:
        yield found


@pytest.mark.parametrize("negative", [False, True])
def test_every_answer_is_as_described(world: World, negative: bool) -> None:
    # not above: half a run has no part of it, and each process of a run would import it
    import schemathesis
    from schemathesis.checks import CHECKS
    from schemathesis.core.result import Ok

    mode = schemathesis.GenerationMode.NEGATIVE if negative else schemathesis.GenerationMode.POSITIVE
    schema = schemathesis.openapi.from_url(f"{world.url}/api/v1/openapi.json")
    checks = CHECKS.get_by_names(list(_KEPT))
    cookies = {site.COOKIE: world.cookies["ann"]}
    asked = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if negative and not list(operation.iter_parameters()):
            continue  # it takes nothing that could be wrong

        @seed(9)
        @settings(
            max_examples=examples(25),
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(cookies=cookies, checks=checks)

        ask()
    assert asked >= 50
