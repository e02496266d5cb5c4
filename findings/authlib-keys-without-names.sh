#!/bin/sh
# After an issuer of identities has changed its key, Authlib takes the new tokens where they name their key, and refuses
# all of them where they name none, until the process is started again.
#
# Field: residents and staff sign in with the council's OpenID Connect issuer, which changes its keys without a word.
# Versions: Authlib 1.9.9 with joserfc 1.8.0, httpx2 2.16.2, starlette 1.10.0.
# Seen: the issuer publishes one key and signs with it. With a "kid" the set is fetched a second time when an unknown one
# turns up, and the token of the new key is good. Without one, which OpenID Connect allows while the set has one key, the
# token fails as one with a bad signature, time after time, and the set is not fetched again. A new client takes it.
# What we do: a token without "kid" that fails is tried with the keys fetched anew, at most once a
# minute (dashboard/account/issuer.py).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    authlib==1.9.9 joserfc==1.8.0 httpx2==2.16.2 starlette==1.10.0 itsdangerous==2.2.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

from authlib.integrations.starlette_client import OAuth
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey


class Issuer(HTTPServer):
    """An issuer with one key at a time."""

    def __init__(self, named: bool) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.named, self.fetched, self._number = named, 0, 0
        self.change_key()

    def change_key(self) -> None:
        self._number += 1
        names = {"kid": f"key-{self._number}"} if self.named else {}
        self.key = RSAKey.generate_key(2048, {"use": "sig", **names}, auto_kid=False)

    def token(self) -> dict[str, str]:
        now = int(time.time())
        head = {"alg": "RS256"} | ({"kid": self.key.kid} if self.named else {})
        body = {"iss": self.url, "sub": "resident", "aud": "borough", "iat": now, "exp": now + 300, "nonce": "n"}
        return {"id_token": jwt.encode(head, body, self.key)}


class Answer(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        if self.path == "/keys":
            self.server.fetched += 1
            answer = {"keys": [self.server.key.as_dict(private=False)]}
        else:
            answer = {"issuer": self.server.url, "jwks_uri": f"{self.server.url}/keys"}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def client(issuer: Issuer):
    return OAuth().register(
        "issuer", client_id="borough", server_metadata_url=f"{issuer.url}/.well-known/openid-configuration"
    )


async def taken(asked, issuer: Issuer) -> str:
    try:
        await asked.parse_id_token(issuer.token(), nonce="n")
    except JoseError as error:
        return type(error).__name__
    return "taken"


async def seen(named: bool) -> list[str | int]:
    issuer = Issuer(named)
    threading.Thread(target=issuer.serve_forever, daemon=True).start()
    asked = client(issuer)
    before = await taken(asked, issuer)
    issuer.change_key()
    after = [await taken(asked, issuer) for _ in range(2)]
    fetched = issuer.fetched
    anew = await taken(client(issuer), issuer)
    issuer.shutdown()
    issuer.server_close()
    return [before, *after, fetched, anew]


with_names, without = asyncio.run(seen(True)), asyncio.run(seen(False))
print(f"Authlib {version('authlib')}, joserfc {version('joserfc')}")
for name, (before, first, second, fetched, anew) in (("named", with_names), ("not named", without)):
    print(f"{name}: before {before}; new key {first}, {second}, set fetched {fetched} times; a new client {anew}")
assert with_names == ["taken", "taken", "taken", 2, "taken"]
assert without == ["taken", "BadSignatureError", "BadSignatureError", 1, "taken"], "it has changed: say so here"
PYTHON
