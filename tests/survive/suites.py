"""The stories of deaths and faults; each returns what was wrong at its end, and counts what it did."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress

from bot.sandbox.watchdog import tree
from tests.survive.story import ASKED, CODE, TABLE, Place, place

Ends = tuple[list[str], Counter[str]]
Story = Coroutine[None, None, Ends]
HOURS = 5 * 3600.0
SLOW = "<@U0BOT> ```\nimport time\ntime.sleep(1.5)\nopen('made.txt', 'w').write('x')\nprint('made')\n```"


async def deaths_at_points(every: int, first: int = 1) -> Ends:
    """Die before and after each commit and each request of one turn, or around one in `every` of them."""
    done: Counter[str] = Counter()
    async with place() as p:
        await p.at_work()
        await p.answered(await p.say(ASKED, data=TABLE))
        await p.settled()
        await asyncio.sleep(0.5)
        points = len(p.points.read_text().splitlines())
        await p.end(signal.SIGTERM)
        for number in range(first, points + 1, every):
            bot = await p.at_work(kill_at=number)
            thread = await p.say(ASKED, data=TABLE)
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await bot.wait()
            killed = p.points.read_text().splitlines()
            done[killed[-1] if bot.returncode == -signal.SIGKILL else "(over before)"] += 1
            await p.end(signal.SIGTERM)
            await p.at_work()
            await p.answered(thread)
            await p.settled()
            await p.end(signal.SIGTERM)
        await p.at_work()
        return await p.faults(), done


async def talk(p: Place, threads: int, messages: int) -> None:
    """Let people in several threads ask and wait for the answer, again and again."""

    async def one() -> None:
        thread = await p.say(ASKED, data=TABLE)
        await p.answered(thread)
        for number in range(messages - 1):
            await p.say(CODE if number % 2 == 0 else ASKED, thread)
            await p.answered(thread)

    await asyncio.gather(*(one() for _ in range(threads)))


async def deaths_at_random(threads: int, messages: int, kills: int, rng: random.Random) -> Ends:
    """Kill the bot at random times, some while it starts, and step its clock between its lives."""
    done: Counter[str] = Counter()
    async with place() as p:
        talking = asyncio.create_task(talk(p, threads, messages))
        for number in range(kills):
            await p.start(clock=rng.choice((0.0, HOURS, -HOURS)))
            early = number % 3 == 0
            await asyncio.sleep(rng.uniform(0.0, 1.0) if early else rng.uniform(1.0, 4.0))
            await p.end()
            done["while it started" if early else "at work"] += 1
        await p.at_work()
        await talking
        return await p.faults(), done


async def deploys(times: int) -> Ends:
    """End the bot cleanly, again and again, while turns run."""
    async with place() as p:
        await p.at_work()
        threads = [await p.say(SLOW) for _ in range(3)]
        for _ in range(times):
            await asyncio.sleep(1.0)
            await p.end(signal.SIGTERM)
            await p.at_work()
        for thread in threads:
            await p.answered(thread)
        return await p.faults(), Counter({"deploys": times})


async def frozen(seconds: float) -> Ends:
    """Freeze the bot and all its processes in the middle of a run."""
    async with place() as p:
        bot = await p.at_work()
        thread = await p.say(SLOW)
        await asyncio.sleep(1.0)
        pids = tree(bot.pid)
        for what in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, what)
            await asyncio.sleep(seconds if what is signal.SIGSTOP else 0)
        await p.answered(thread)
        return await p.faults(), Counter({"freezes": 1})


async def full_disk(commits: int) -> Ends:
    """Refuse some commits as on a full disk."""
    async with place() as p:
        await p.at_work(full=commits)
        await talk(p, 2, 2)
        return await p.faults(), Counter({"commits refused": commits})


async def helpers_killed(times: int) -> Ends:
    """Kill every process that the bot has started, the fork server among them, between runs."""
    async with place() as p:
        bot = await p.at_work()
        for _ in range(times):
            await p.answered(await p.say(CODE))
            await p.settled()
            for pid in tree(bot.pid)[1:]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        await p.answered(await p.say(CODE))
        return await p.faults(), Counter({"times that all helpers were killed": times})


async def spoiled(rate: float, threads: int, messages: int, rng: random.Random) -> Ends:
    """Spoil a share of all answers of Slack and of the model."""
    async with place(rate=rate, rng=rng) as p:
        await p.start()
        await talk(p, threads, messages)
        return await p.faults(), sum((proxy.met for proxy in p.proxies), Counter())


# Each story in a bounded form, which is a test, and whole.
STORIES: dict[str, tuple[Callable[[random.Random], Story], Callable[[random.Random], Story]]] = {
    "points": (lambda _: deaths_at_points(16, first=5), lambda _: deaths_at_points(1)),
    "random": (lambda rng: deaths_at_random(3, 2, 6, rng), lambda rng: deaths_at_random(10, 5, 40, rng)),
    "deploys": (lambda _: deploys(2), lambda _: deploys(10)),
    "frozen": (lambda _: frozen(3.0), lambda _: frozen(30.0)),
    "disk": (lambda _: full_disk(2), lambda _: full_disk(8)),
    "helpers": (lambda _: helpers_killed(2), lambda _: helpers_killed(10)),
    "faults-10": (lambda rng: spoiled(0.1, 3, 2, rng), lambda rng: spoiled(0.1, 15, 10, rng)),
    "faults-30": (lambda rng: spoiled(0.3, 3, 2, rng), lambda rng: spoiled(0.3, 15, 10, rng)),
}
