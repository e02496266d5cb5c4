#!/bin/sh
# The list of routes of a FastAPI application no longer holds the routes of the routers that it includes.
#
# Field: a site that holds personal readings checks when it starts that each of its routes names who may see it.
# Versions: fastapi 0.165.0 with starlette 1.10.0.
# Seen: of two included routes and one of the application's own, app.routes has the own one with its path and, for the
# router, one entry without a path; all three answer, and the API's description has all three. A check that walks
# app.routes looks at a third of the site and passes.
# What we do: the check walks the routers before they are included, and refuses to start where it finds no route.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastapi==0.165.0 starlette==1.10.0 httpx2==2.16.2
"$folder/venv/bin/python" - <<'PYTHON'
import fastapi
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

router = APIRouter()
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@router.get("/home")
def home() -> str:
    return "home"


@router.get("/readings")
def readings() -> str:
    return "readings"


@app.get("/health")
def health() -> str:
    return "health"


app.include_router(router)
answers = [path for path in ("/home", "/readings", "/health") if TestClient(app).get(path).status_code == 200]
listed = [route.path for route in app.routes if isinstance(route, APIRoute)]
print(f"fastapi {fastapi.__version__}: answers {answers}, described {list(app.openapi()['paths'])}, listed {listed}")
print("entries of the list:", [type(route).__name__ for route in app.routes])
assert sorted(answers) == sorted(app.openapi()["paths"]) == ["/health", "/home", "/readings"]
assert listed == ["/health"], "it has changed: say so here and in dashboard/app.py"
PYTHON
