"""A socket that does not hear any more is replaced, however it was lost."""

import asyncio

from tests.slack.conftest import Place


async def heard_again(place: Place) -> None:
    """Wait until what is said is heard."""
    async with asyncio.timeout(30):
        while await place.slack.check() or (await place.people.seen("state"))["connections"] != 1:  # noqa: ASYNC110  it is the workspace that we look at
            await asyncio.sleep(0.02)
    ts = await place.people.say("<@U0BOT> still there?")
    assert (await place.request()).ts == ts


async def test_a_socket_that_went_deaf_is_noticed_and_replaced(place: Place) -> None:
    await place.people.control("deafen", {})
    async with asyncio.timeout(30):
        while not await place.slack.check():  # noqa: ASYNC110  nothing tells that a socket is deaf
            await asyncio.sleep(0.02)

    await heard_again(place)


async def test_a_connection_url_that_is_used_up_is_not_tried_for_ever(place: Place) -> None:
    await place.people.control("disconnect", {"refuse": 2})

    await heard_again(place)
