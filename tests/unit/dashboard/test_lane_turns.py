"""The lane's turns: nobody takes all places, and nobody all of those who wait for one."""

from __future__ import annotations

import asyncio
from collections import Counter

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
