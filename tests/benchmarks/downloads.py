"""A load of downloads, in a process of its own: all ask at once, each reads as fast as it comes.

Reads ``{"host", "port", "jobs": [[cookie, path], …], "seconds"}`` on standard input; writes a line when all have asked,
and one with the statuses when all have been answered. An answer that does not end in time counts as ``late``, one that
breaks off as ``broken``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

from tests.tools import site


async def _download(job: dict[str, Any], number: int, asked: asyncio.Barrier) -> str:
    cookie, path = job["jobs"][number]
    reader, writer = await asyncio.open_connection(job["host"], job["port"])
    try:
        # an address each: how often one may ask is not what is measured
        head = f"GET {path} HTTP/1.1\r\nHost: {job['host']}\r\nConnection: close\r\n"
        head += f"X-Forwarded-For: 198.51.{number}.1\r\nCookie: {site.COOKIE}={cookie}\r\n\r\n"
        writer.write(head.encode())
        await asked.wait()
        async with asyncio.timeout(job["seconds"]):
            status = (await reader.readline()).decode().split()[1]
            last = b""
            while data := await reader.read(65_536):
                last = (last + data)[-5:]
        return status if status != "200" or last == b"0\r\n\r\n" else "broken"
    except TimeoutError:
        return "late"
    except (ConnectionError, IndexError):
        return "broken"
    finally:
        writer.close()


async def _main(job: dict[str, Any]) -> None:
    asked = asyncio.Barrier(len(job["jobs"]) + 1)
    tasks = [asyncio.create_task(_download(job, number, asked)) for number in range(len(job["jobs"]))]
    begun = time.monotonic()
    await asked.wait()
    print("asked", flush=True)
    statuses = Counter(await asyncio.gather(*tasks))
    print(json.dumps({"seconds": time.monotonic() - begun, "statuses": statuses}), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(json.load(sys.stdin)))
