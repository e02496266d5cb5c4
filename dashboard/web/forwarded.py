"""Where a request comes from and how it came, behind reverse proxies: believed of the proxies that are configured only.

Each proxy adds whom it heard from to the end of ``X-Forwarded-For``. So the list is read from its end, and the first
that is no proxy of ours is who asked; what stands before it anybody may have written.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Signs of an address with its port, and some.
_LONGEST = 64
#: IPv4 addresses as a translator between the two shows them (RFC 6052): all of them in one /64.
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


def networks(proxies: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks (``192.0.2.1``, ``2001:db8::/64``). Raises ValueError, naming the one that is neither."""
    found = []
    for text in proxies:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError:
            raise ValueError(f"{text!r} is neither an address nor a network such as 192.0.2.0/24") from None
        if found[-1].prefixlen == 0:
            raise ValueError(f"{text!r} would believe everybody; name the proxies")
    return tuple(found)


def address_of(text: str) -> Address | None:
    """An address as a connection or a proxy writes it, with or without its port; None where it is none.

    IPv4 within IPv6 is IPv4: a socket that takes both shows it so.
    """
    # every request asks this twice; what is no address may be of any length and is not kept
    return _kept(text) if len(text) <= _LONGEST else _read(text)


def _read(text: str) -> Address | None:
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv4Address):
        return found
    if found in _TRANSLATED:
        return ipaddress.IPv4Address(found.packed[-4:])
    return found.ipv4_mapped or found


_kept = lru_cache(maxsize=4096)(_read)


def bucket(host: str) -> str:
    """What counts as one place for rate limits: an IPv4 address, the /64 of an IPv6 one: a household's or a firm's."""
    found = address_of(host)
    if found is None:
        return host
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found.packed, 64), strict=False))


class Forwarded:
    """ASGI middleware: ``scope["client"]`` and ``scope["scheme"]`` as the proxies in front of us saw them."""

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        """Raises ValueError, see `networks`."""
        self._app = app
        self._proxies = networks(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its origin."""
        if scope["type"] == "http":
            self._find(scope)
        await self._app(scope, receive, send)

    def _ours(self, found: Address | None) -> bool:
        return found is not None and any(found in network for network in self._proxies)

    def _find(self, scope: Scope) -> None:
        host, port = scope.get("client") or ("", 0)
        found = address_of(host)
        if found is None:
            return
        if self._ours(found):
            for name, value in scope["headers"]:
                if name == b"x-forwarded-proto" and value in (b"http", b"https"):
                    scope["scheme"] = value.decode()
            listed = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
            for text in reversed(listed.decode("latin-1").split(",")):
                hop = address_of(text)
                if hop is None:
                    break  # a proxy that writes no address: it is all that is known
                found, port = hop, 0
                if not self._ours(found):
                    break
        scope["client"] = (str(found), port)
