"""The issuer's keys: held, and fetched again when a token is signed by none of them, at most once a minute.

An issuer changes its keys when it likes, and tells nobody. A token may name its key (``kid``); one that names none is
allowed while the issuer has one key, and then the change shows in nothing but a signature that does not fit.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from authlib.integrations.starlette_client import StarletteOAuth2App
from joserfc.errors import ClaimError, JoseError

#: Keys are fetched again no sooner than so long after the last time [s]: forged tokens must not make us ask and ask.
REST_SECONDS = 60.0


class Client(StarletteOAuth2App):  # type: ignore[misc]  # Authlib carries no types
    """A client of one issuer for all sign-ins of this process."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._asking = asyncio.Lock()
        self._asked: float | None = None

    async def fetch_jwk_set(self, force: bool = False) -> Any:
        """The issuer's keys as they are held, fetched where none are; ``force``: anew, where that is not too soon.

        Raises httpx2.HTTPError, ValueError: the issuer is away or gives something else.
        """
        if not force:
            return await super().fetch_jwk_set()
        known = self.server_metadata.get("jwks")
        async with self._asking:
            now = time.monotonic()
            rested = self._asked is None or now - self._asked >= REST_SECONDS
            # whoever waited here takes what the one before brought
            if rested and self.server_metadata.get("jwks") is known:
                self._asked = now
                return await super().fetch_jwk_set(force=True)
        return self.server_metadata.get("jwks") or await super().fetch_jwk_set()

    async def parse_id_token(self, *args: Any, **options: Any) -> Any:
        """Check an ID token; once more with fresh keys where none that are held has signed it. Raises JoseError."""
        known = self.server_metadata.get("jwks")
        try:
            return await super().parse_id_token(*args, **options)
        except ClaimError:
            raise  # signed well
        except JoseError:
            # another sign-in may have fetched them meanwhile
            held = self.server_metadata.get("jwks")
            if held is known and await self.fetch_jwk_set(force=True) is known:
                raise
            return await super().parse_id_token(*args, **options)
