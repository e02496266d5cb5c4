"""How often somebody may try: token buckets of this process, by account and by address."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from fastapi import Request

from dashboard.web.forwarded import bucket


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` times at once, and from then on ``burst`` times in ``seconds``, evenly."""

    burst: int
    seconds: float


#: kind -> (of one account, of one address). Many people share the address of a library or an office.
RATES: dict[str, tuple[Rate, Rate]] = {
    "sign-in": (Rate(20, 60), Rate(60, 60)),
    "code": (Rate(5, 900), Rate(20, 900)),
    # an office with a pile of slips enters them from one address
    "slip": (Rate(60, 900), Rate(240, 900)),
    "complaint": (Rate(5, 3_600), Rate(20, 3_600)),
    "complaint-look": (Rate(20, 900), Rate(40, 900)),
    # of an account or none, and of where they are; then of a mailbox, which others may want to fill
    "air-alert": (Rate(10, 3_600), Rate(20, 3_600)),
    "air-alert-mailbox": (Rate(3, 86_400), Rate(3, 86_400)),
    "air-alert-link": (Rate(60, 900), Rate(120, 900)),
    # a mail service stops for many people from one address
    "stop": (Rate(60, 60), Rate(600, 60)),
    "export": (Rate(10, 600), Rate(60, 600)),
}


@dataclass(slots=True)
class Limits:
    """Buckets in memory, bounded: of very many keys those go that were not used for longest.

    Several processes of one site each count for themselves. ``clock`` [s] must be monotonic.
    """

    clock: Callable[[], float] = time.monotonic
    most: int = 50_000
    _buckets: OrderedDict[Hashable, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, kind: str, account: int | None, address: str) -> float:
        """Count one try; 0.0 where it is allowed, else seconds [s] until the next is. Raises KeyError: no such kind."""
        of_account, of_address = RATES[kind]
        keys: list[tuple[Hashable, Rate]] = [((kind, "address", address), of_address)]
        if account is not None:
            keys.append(((kind, "account", account), of_account))
        with self._lock:
            now = self.clock()
            states = [(key, rate, *self._fill(key, rate, now)) for key, rate in keys]
            wait = max(wait for *_, wait in states)
            if wait == 0.0:
                for key, _, tokens, _ in states:
                    self._buckets[key] = (tokens - 1.0, now)
                    self._buckets.move_to_end(key)
            while len(self._buckets) > self.most:
                self._buckets.popitem(last=False)
        return wait

    def _fill(self, key: Hashable, rate: Rate, now: float) -> tuple[float, float]:
        """Tokens in a bucket now, and seconds until it holds a whole one."""
        tokens, since = self._buckets.get(key, (float(rate.burst), now))
        tokens = min(float(rate.burst), tokens + (now - since) * rate.burst / rate.seconds)
        return tokens, 0.0 if tokens >= 1.0 else (1.0 - tokens) * rate.seconds / rate.burst


def address(request: Request) -> str:
    """Where a request comes from, for limits by address (`dashboard.web.forwarded.bucket`)."""
    return bucket(request.client.host if request.client is not None else "")
