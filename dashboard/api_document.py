"""The description of the API (OpenAPI 3.1): FastAPI's, with what that leaves out or loses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from dashboard import roles
from dashboard.options import SiteOptions

#: What is said of each tag.
TAGS: Mapping[str, str] = {
    "home": "A household's own use, comparisons and consents, for whoever has signed in to it.",
    "air": "Monitors of the air with their index, hours and days, for anybody.",
}
_ABOUT = (
    "What a borough's street and home sensors say. Times are RFC 3339, units are in the names of the fields or in their"
    " descriptions. An answer has an `ETag`, a list of several pages a `Link` to the next one, and what goes wrong is"
    " told as RFC 9457 problem details. Ask less often when the answer is 429: `Retry-After` says when."
)
_SESSION = "session"


def describe(app: FastAPI, options: SiteOptions, routes: Iterable[APIRoute]) -> None:
    """Have ``app`` describe itself so; ``routes`` are those of the API. Made once, at the first question."""
    described = list(routes)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, options, described)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to change it


def _document(app: FastAPI, options: SiteOptions, routes: Iterable[APIRoute]) -> dict[str, Any]:
    found = get_openapi(
        title=app.title,
        version=version("borough-telemetry"),
        openapi_version=app.openapi_version,
        summary="Readings of a borough's sensors, and what follows from them",
        description=_ABOUT,
        routes=app.routes,
        contact={"name": options.council_name},
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        servers=[{"url": options.public_url or "/"}],
    )
    schemas = found.get("components", {}).get("schemas", {})
    used = set()
    for route in routes:
        for operation in found["paths"].get(route.path, {}).values():
            used |= set(operation.get("tags", ()))
            operation["security"] = [] if roles.need(route.path) == roles.ANYBODY else [{_SESSION: []}]
        for name, example in _examples(route.response_model):
            if name in schemas:
                schemas[name]["example"] = example
    found["tags"] = [{"name": tag, "description": TAGS[tag]} for tag in sorted(used)]
    found.setdefault("components", {})["securitySchemes"] = {
        _SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": options.session_cookie,
            "description": "The cookie of a sign-in.",
        }
    }
    return found


def _examples(model: Any) -> list[tuple[str, Any]]:
    """Examples of a model and of those in it, by name. FastAPI drops every null that is in one."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    schema = model.model_json_schema(mode="serialization")
    parts = {model.__name__: schema, **schema.get("$defs", {})}
    return [(name, part["example"]) for name, part in parts.items() if "example" in part]
