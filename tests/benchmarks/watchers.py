"""Clients of a live page, in a process of their own: when each of them saw each change.

Reads ``{"url", "path", "clients", "deaf"}`` on standard input, ``deaf`` of the clients read nothing; writes a line when
all have their snapshot (the deaf ones: an answer), and at the end of standard input ``{bay: [seconds, …]}`` by the
machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from typing import Any

from tests.tools.listening import Listener


async def _main(job: dict[str, Any]) -> None:
    listeners = []
    for number in range(job["clients"]):
        deaf = number < job["deaf"]
        one = await Listener(job["url"], job["path"]).open(receive=4_096 if deaf else None)
        if not deaf:
            await one.kind("snapshot")
            one.events.clear()
        listeners.append(one)
    print("watching", flush=True)
    seen: dict[str, list[float]] = defaultdict(list)

    async def watch(one: Listener) -> None:
        while (event := await one.next()) is not None:
            seen[event.data["id"]].append(time.monotonic())

    tasks = [asyncio.create_task(watch(one)) for one in listeners[job["deaf"] :]]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(seen), flush=True)
    for one in listeners:
        await one.close()


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.stdin.readline())))
