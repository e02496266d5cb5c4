"""The lane's turns: nobody takes all places, and nobody all of those who wait for one."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from starlette.requests import ClientDisconnect

from dashboard.web.exceptions import TooOften
from dashboard.web.lane import EACH, Lane, Turns


def test_one_key_does_not_fill_the_queue() -> None:
    async def run() -> Counter[str]:
        turns = Turns(most=4, share=2, waiting=40, each=10)
        told: Counter[str] = Counter()

        async def ask(key: str) -> None:
            try:
                await turns.enter(key, 30)
            except TooOften:
                told["refused " + key] += 1
            else:
                told["in " + key] += 1

        greedy = [asyncio.create_task(ask("greedy")) for _ in range(100)]
        await asyncio.sleep(0)
        await ask("other")
        for one in greedy:
            one.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)
        return told

    assert asyncio.run(run()) == Counter({"in greedy": 2, "refused greedy": 88, "in other": 1})


def test_one_account_with_many_sessions_leaves_room_to_knock() -> None:
    """A session that knocked keeps its turn while it waits for its account's."""

    async def run() -> int:
        lane = Lane("postgresql://127.0.0.1/nothing")
        refused = 0

        async def ask(session: int) -> None:
            nonlocal refused
            await lane._knocking.enter(session, 30)
            try:
                await lane._open.enter("account", 30)
            except TooOften:
                refused += 1
                lane._knocking.leave(session)

        tasks = [asyncio.create_task(ask(number // 2)) for number in range(200)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await lane._knocking.enter("other's session", 1)
        await lane._open.enter("other", 1)
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return refused

    assert asyncio.run(run()) == 200 - 2 - EACH


async def _waiting(turns: Turns, *keys: str, gone: asyncio.Future[None] | None = None) -> list[asyncio.Task[None]]:
    """Who asks for a turn of each key, as far as they come by themselves."""
    asked = [asyncio.create_task(turns.enter(key, 600, gone)) for key in keys]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return asked


async def _end(*asked: asyncio.Task[None]) -> None:
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


async def test_no_more_are_inside_than_there_are_places_and_no_more_wait_than_may() -> None:
    turns = Turns(most=2, share=1, waiting=3, each=3)
    asked = await _waiting(turns, *"abcde")
    assert [one.done() for one in asked] == [True, True, False, False, False]
    async with asyncio.timeout(60):
        with pytest.raises(TooOften):
            await turns.enter("f", 600)
        turns.leave("a")
        await asked[2]
    assert not asked[3].done()
    await _end(*asked)


async def test_who_has_waited_long_enough_is_told_to_come_again() -> None:
    turns = Turns(most=1, share=1)
    await turns.enter("a", 600)
    async with asyncio.timeout(60):
        with pytest.raises(TooOften):
            await turns.enter("b", 0.01)
    (next_one,) = await _waiting(turns, "c")
    turns.leave("a")
    await next_one


async def test_who_has_left_waits_no_more_and_takes_no_place() -> None:
    turns = Turns(most=1, share=1)
    await turns.enter("a", 600)
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    (left,) = await _waiting(turns, "b", gone=gone)
    gone.set_result(None)
    async with asyncio.timeout(60):
        with pytest.raises(ClientDisconnect):
            await left
        # the place comes free and its owner leaves in the same moment: it goes on to the next
        (cancelled, following) = await _waiting(turns, "c", "d")
        turns.leave("a")
        cancelled.cancel()
        await following


async def test_files_are_made_among_pages_that_never_end() -> None:
    lane = Lane("postgresql://127.0.0.1/nothing")
    lane.open()
    try:
        with lane.page():
            async with asyncio.timeout(60):
                assert await lane.run(lambda: 7) == 7
    finally:
        lane.close()
