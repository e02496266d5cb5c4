"""A real Keycloak with a realm of ours, where ``BOROUGH_TEST_KEYCLOAK`` names its unpacked folder.

``org.keycloak:keycloak-quarkus-dist:26.7.3`` of Maven Central (its zip, 180 MB), for Java 17. The realm is what
docs/how-to/use-keycloak.md says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from borough.postgres_server import free_port
from tests.tools.program import WITH_US
from tests.tools.servers import wait_for

_VARIABLE = "BOROUGH_TEST_KEYCLOAK"
REALM, CLIENT, SECRET, PASSWORD = "borough", "borough-site", "a secret of the client", "correct horse battery"


def find_keycloak() -> Path:
    """Its folder; skips where there is none or no Java."""
    folder = os.environ.get(_VARIABLE)
    if folder is None or shutil.which("java") is None:
        pytest.skip(f"{_VARIABLE} names no folder of Keycloak's distribution, or there is no Java")
    return Path(folder)


def realm(site: str, tenancy: int) -> dict[str, Any]:
    """A realm with the client of a site, an engineer and the resident of a tenancy."""
    profile = {"attributes": [{"name": "username"}, {"name": "email"}], "unmanagedAttributePolicy": "ADMIN_EDIT"}
    return {
        "realm": REALM,
        "enabled": True,
        "sslRequired": "none",
        "roles": {"realm": [{"name": "engineer"}]},
        "components": {
            "org.keycloak.userprofile.UserProfileProvider": [
                {"providerId": "declarative-user-profile", "config": {"kc.user.profile.config": [json.dumps(profile)]}}
            ]
        },
        "clients": [
            {
                "clientId": CLIENT,
                "secret": SECRET,
                "protocol": "openid-connect",
                "publicClient": False,
                "standardFlowEnabled": True,
                "directAccessGrantsEnabled": False,
                "redirectUris": [f"{site}/sign-in/callback"],
                "attributes": {"pkce.code.challenge.method": "S256"},
                "protocolMappers": [
                    _mapper("roles", "oidc-usermodel-realm-role-mapper", "borough_roles", {"multivalued": "true"}),
                    _mapper(
                        "tenancy", "oidc-usermodel-attribute-mapper", "borough_tenancy",
                        {"user.attribute": "borough_tenancy"},
                    ),
                ],
            }
        ],
        "users": [
            _user("nadia", roles=["engineer"]),
            _user("alice", attributes={"borough_tenancy": [str(tenancy)]}),
        ],
    }  # fmt: skip


def _mapper(name: str, kind: str, claim: str, more: dict[str, str]) -> dict[str, Any]:
    config = {"claim.name": claim, "jsonType.label": "String", "id.token.claim": "true", **more}
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}


def _user(name: str, roles: list[str] | None = None, attributes: dict[str, list[str]] | None = None) -> dict[str, Any]:
    return {
        "username": name,
        "enabled": True,
        "email": f"{name}@council.example",
        "emailVerified": True,
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        "realmRoles": roles or [],
        "attributes": attributes or {},
    }


@contextmanager
def keycloak(distribution: Path, folder: Path, port: int, site: str, tenancy: int) -> Iterator[str]:
    """A running one with the realm; the issuer's address. It works on a copy: the distribution stays as it is."""
    home = folder / "keycloak"
    shutil.copytree(distribution, home, symlinks=True)
    (home / "data/import").mkdir(parents=True)
    (home / "data/import/borough.json").write_text(json.dumps(realm(site, tenancy)))
    issuer = f"http://127.0.0.1:{port}/realms/{REALM}"
    log = folder / "keycloak.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [
                *WITH_US, str(home / "bin/kc.sh"), "start-dev", "--import-realm", f"--http-port={port}",
                "--http-host=127.0.0.1", f"--http-management-port={free_port()}",
            ],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            env={**os.environ, "JAVA_OPTS_KC_HEAP": "-Xmx512m"},
        )  # fmt: skip
    try:
        found = wait_for(lambda: process.poll() is not None or _answers(issuer), 900)
        assert found, f"Keycloak did not start: {log.read_text()[-3000:]}"
        assert process.poll() is None, f"Keycloak ended: {log.read_text()[-3000:]}"
        yield issuer
    finally:
        process.terminate()  # kc.sh becomes Java by exec
        process.wait(60)


def _answers(issuer: str) -> bool:
    try:
        with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=5) as answer:
            return bool(json.load(answer)["issuer"] == issuer)
    except (OSError, urllib.error.URLError):
        return False
