"""One account's costly requests leave room for those of another, however many it sends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from dashboard.web import lane as lanes
from dashboard.web.lane import OPEN, SHARE, STRANGERS, GiveBack, Lane


async def test_one_account_takes_its_share_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", 600.0)  # however busy the machine is
    lane = Lane("postgresql://nowhere")
    app = FastAPI()
    app.add_middleware(GiveBack, lane=lane)
    inside: Counter[int] = Counter()
    full, go_on = asyncio.Event(), asyncio.Event()

    async def turn(request: Request, account: int) -> None:
        await lane.enter(request, account)
        inside[account] += 1
        if inside[1] >= SHARE:
            full.set()
        if inside[1] > SHARE:
            go_on.set()  # too many: said below, when everything has ended
        if account == 1:
            await go_on.wait()

    @lane.work
    def file(account: int) -> int:
        return account

    app.get("/file/{account}", dependencies=[Depends(turn)])(file)
    lane.open()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lane", timeout=None) as web:
            asked = [asyncio.create_task(web.get("/file/1")) for _ in range(2 * OPEN)]
            await full.wait()
            answer = await web.get("/file/2")
            assert (answer.status_code, inside) == (200, {1: SHARE, 2: 1})
            # what was given back is taken by those who waited: nobody was turned away
            go_on.set()
            assert {one.status_code for one in await asyncio.gather(*asked)} == {200}
            assert inside == {1: 2 * OPEN, 2: 1}
    finally:
        lane.close()


async def test_the_application_s_own_life_is_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece waits for pages that are being made, and for nothing else: never for the server to end."""
    monkeypatch.setattr(lanes, "_COURTESY", 3_600)
    lane = Lane("postgresql://nowhere")
    made: list[int] = []

    async def application(*_: object) -> None:
        lane.open()
        async with asyncio.timeout(20):
            made.append(await lane.run(lambda: 13))

    async def nothing() -> MutableMapping[str, Any]:
        return {}

    async def nobody(_: object) -> None:
        return

    try:
        await GiveBack(application, lane)({"type": "lifespan"}, nothing, nobody)
    finally:
        lane.close()
    assert made == [13]


async def test_who_has_not_signed_in_takes_no_place_from_those_who_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", 600.0)
    lane = Lane("postgresql://nowhere")
    app = FastAPI()
    app.add_middleware(GiveBack, lane=lane)
    inside: Counter[str] = Counter()
    full, go_on = asyncio.Event(), asyncio.Event()

    async def turn(request: Request, account: int) -> None:
        await lane.enter(request, account or None)
        assert request.client is not None
        inside[request.client.host if account == 0 else "signed in"] += 1
        if sum(count for host, count in inside.items() if host != "signed in") >= STRANGERS:
            full.set()
        if account == 0:
            await go_on.wait()

    @lane.work
    def file(account: int) -> int:
        return account

    app.get("/file/{account}", dependencies=[Depends(turn)])(file)
    lane.open()
    webs = [
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(f"198.51.100.{host}", 1)), base_url="http://lane", timeout=None
        )
        for host in range(STRANGERS)
    ]
    try:
        asked = [asyncio.create_task(web.get("/file/0")) for web in webs for _ in range(SHARE + 1)]
        await full.wait()
        assert (await webs[0].get("/file/7")).status_code == 200, "strangers fill their own places alone"
        assert inside.total() == STRANGERS + 1
        assert max(inside.values()) <= SHARE
        go_on.set()
        assert {one.status_code for one in await asyncio.gather(*asked)} == {200}
    finally:
        for web in webs:
            await web.aclose()
        lane.close()
