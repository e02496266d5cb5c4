"""Judges of the API's description, and of the answers against it in every role."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import NODE, npm
from tests.tools import site
from tests.worlds.whole_borough import NOBODY, RESIDENT, STAFF

SPECTRAL, REDOCLY = "6.16.0", "2.77.0"
#: What every answer keeps to, whoever asks. That all that is allowed is accepted is not among it: our days are of two
#: centuries, and most roles are refused.
KEPT = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
#: In whose name it is asked: nobody's, and one of each role; the demo's carer asks like any other account.
ROLES = (None, NOBODY, RESIDENT, "carer", *STAFF)
_EXAMPLES = 6


def document(place: Place) -> Path:
    """The description as the site serves it, in a file."""
    path = place.folder / "openapi.json"
    with place.world.client(None) as web:
        path.write_bytes(web.get("/api/v1/openapi.json").raise_for_status().content)
    return path


def count(path: Path) -> int:
    """How many operations a description has."""
    return sum(len(ways) for ways in json.loads(path.read_bytes())["paths"].values())


def _node(place: Place, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a Node program in the judge's folder; it looks for no newer version of itself and tells nobody."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    return subprocess.run(
        ["node", "--no-warnings", *arguments],
        cwd=place.folder, env={**os.environ, **quiet}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def lint_with_spectral(place: Place) -> Verdict:
    """All of spectral's rules for OpenAPI; a warning counts."""
    path = document(place)
    rules = place.folder / "rules.yaml"
    rules.write_text("extends: ['spectral:oas']\n")
    main = place.had["spectral"] / "node_modules/@stoplight/spectral-cli/dist/index.js"
    done = _node(place, [str(main), "lint", str(path), "--ruleset", str(rules), "--format", "json", "--quiet"])
    # its last line is for people
    told = json.loads(done.stdout[: done.stdout.rindex("]") + 1])
    return Verdict(
        count(path), "operations", tuple(f"{one['code']} {'.'.join(one['path'])}: {one['message']}" for one in told)
    )


def lint_with_redocly(place: Place) -> Verdict:
    """Redocly's recommended rules; a warning counts."""
    path = document(place)
    main = place.had["redocly"] / "node_modules/@redocly/cli/bin/cli.js"
    done = _node(place, [str(main), "lint", str(path), "--extends", "recommended", "--format", "json"])
    told = json.loads(done.stdout[done.stdout.index("{") :])
    problems = [
        f"{one['ruleId']} {one['location'][0].get('pointer', '')}: {one['message']}" for one in told["problems"]
    ]
    return Verdict(count(path), "operations", tuple(problems))


def ask_everything(place: Place) -> Verdict:
    """schemathesis: what the description allows and what it does not, in every role; each answer is as described."""
    world = place.world
    schema = schemathesis.openapi.from_url(f"{world.url}/api/v1/openapi.json")
    asked, problems = 0, []
    for result in schema.get_all_operations():
        if not isinstance(result, Ok):
            problems.append(f"the description cannot be read: {result.err()}")
            continue
        operation = result.ok()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            if mode == schemathesis.GenerationMode.NEGATIVE and not list(operation.iter_parameters()):
                continue  # it takes nothing that could be wrong
            for who in ROLES:
                cookies = {} if who is None else {site.COOKIE: world.cookies[who]}
                count, problem = _ask(operation, mode, cookies)
                asked += count
                if problem:
                    problems.append(f"{operation.label} as {who or 'anybody'}, {mode.value}: {problem}")
    return Verdict(asked, "requests", tuple(problems))


def _ask(operation: Any, mode: schemathesis.GenerationMode, cookies: dict[str, str]) -> tuple[int, str]:
    """Ask one operation with what a seed makes up; how often, and what was wrong."""
    checks = CHECKS.get_by_names(list(KEPT))
    asked = 0

    @seed(11)
    @settings(
        max_examples=_EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        case.call_and_validate(cookies=cookies, checks=checks)

    try:
        ask()
    except Exception as error:  # noqa: BLE001 - each kind of failure is one of schemathesis' own exceptions
        return asked, " ".join(str(error).split())[:400]
    return asked, ""


JUDGES: tuple[Judge, ...] = (
    Judge("spectral", SPECTRAL, (NODE, npm("@stoplight/spectral-cli", SPECTRAL, name="spectral")), lint_with_spectral),
    Judge("redocly", REDOCLY, (NODE, npm("@redocly/cli", REDOCLY, name="redocly")), lint_with_redocly),
    Judge("schemathesis, every role", schemathesis.__version__, (), ask_everything),
)
