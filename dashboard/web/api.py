"""What every API answers with: JSON with an ETag, pages with a cursor and a ``Link``, problem+json (RFC 9457)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from dashboard.web.values import Count, Cursor


class Problem(BaseModel):
    """What went wrong, by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Sign in first",
                "status": 401,
                "detail": "This is shown to people who have signed in.",
            }
        }
    )


#: What a route of the API may answer but its own model, for its description.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
        "description": text,
    }
    for status, text in (
        (400, "Something in the request is not right"),
        (401, "Nobody is signed in"),
        (403, "The sign-in does not include this"),
        (404, "There is no such thing, or it is not yours"),
    )
}
PROBLEMS[304] = {"description": "Nothing has changed since the ETag in If-None-Match"}

Limit = Annotated[Count, Query(description="Items of a page")]
After = Annotated[Cursor | None, Query(alias="cursor", description="`next` of the page before")]


def answer(request: Request, body: BaseModel, following: str | None = None, *, public: int | None = None) -> Response:
    """A body as JSON with its ETag, 304 where the client has it; ``following``: the cursor of the next page.

    ``public``: how long anybody may keep the answer [s]; without it nobody may, for it is of a household.
    """
    text = body.model_dump_json(by_alias=True).encode()
    etag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-store"}
    if public is not None:
        headers |= {"Cache-Control": f"public, max-age={public}", "Access-Control-Allow-Origin": "*"}
    if following is not None:
        url = request.url.include_query_params(cursor=following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    if has_already(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type="application/json")


def has_already(request: Request, etag: str) -> bool:
    """Whether the client has what ``etag`` (perhaps weak) stands for, as its If-None-Match says."""
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    return etag.removeprefix("W/") in known or "*" in known
