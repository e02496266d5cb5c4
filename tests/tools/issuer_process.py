"""The process of `tests.tools.issuer`: an OpenID Connect issuer whose tokens name no key, and which can change it.

Started as ``python -m tests.tools.issuer_process PORT TOKEN_SECONDS [CLAIMS as JSON ...]``. ``POST /new-key`` changes
the key: tokens are signed by the new one from then on, and the old one is published no more.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta

import uvicorn
from oidc_provider_mock import app
from oidc_provider_mock._storage import User, storage


def main(port: int, token_seconds: int, people: list[str]) -> None:
    """Serve until the end."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    users = [User(sub=claims.pop("sub"), claims=claims) for claims in map(json.loads, people)]
    site = app(access_token_max_age=timedelta(seconds=token_seconds), user_claims=users)

    def new_key() -> str:
        storage.jwk = type(storage.jwk).generate_key(is_private=True)
        return "changed"

    site.add_url_rule("/new-key", view_func=new_key, methods=["POST"])

    uvicorn.run(site, interface="wsgi", host="127.0.0.1", port=port, log_config=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
