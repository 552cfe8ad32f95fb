"""Another configuration is for the calls to come, and the old one goes with its last call."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from voicecall.calls.tools import Holders
from voicecall.errors import PluginError
from voicecall.generations import Generation, generations


class Shop:
    """Makes generations out of names; one that is called `broken` does not open."""

    def __init__(self) -> None:
        self.open: list[str] = []

    async def make(self, loaded: Any, stack: AsyncExitStack) -> Generation:
        if loaded == "broken":
            raise PluginError("it does not open")
        self.open.append(loaded)
        stack.callback(self.open.remove, loaded)
        tools: Any = SimpleNamespace(holders=Holders())
        return Generation(loaded=loaded, tools=tools, streams=None)


async def until_open(shop: Shop, *names: str) -> None:
    with anyio.fail_after(5):
        while shop.open != list(names):
            await checkpoint()


async def settled() -> None:
    for _ in range(20):
        await checkpoint()


@pytest.mark.anyio
async def test_the_old_one_is_closed_at_once_when_no_call_follows_it() -> None:
    shop = Shop()
    async with generations(shop.make) as all_of_them:
        await all_of_them.begin("old")
        await all_of_them.begin("new")
        await until_open(shop, "new")
        assert all_of_them.current.loaded == "new"
    assert shop.open == []


@pytest.mark.anyio
async def test_the_old_one_stays_until_its_last_call_is_over() -> None:
    shop = Shop()
    async with generations(shop.make) as all_of_them:
        old = await all_of_them.begin("old")
        for _ in range(2):
            old.tools.holders.take()
        await all_of_them.begin("new")
        old.tools.holders.give_back()
        await settled()
        assert shop.open == ["old", "new"]
        assert all_of_them.of(old.tools) is old
        old.tools.holders.give_back()
        await until_open(shop, "new")
        assert all_of_them.of(old.tools).loaded == "new"


@pytest.mark.anyio
async def test_one_that_does_not_open_leaves_the_old_one_in_force() -> None:
    shop = Shop()
    async with generations(shop.make) as all_of_them:
        await all_of_them.begin("old")
        with pytest.raises(PluginError):
            await all_of_them.begin("broken")
        await settled()
        assert (shop.open, all_of_them.current.loaded) == (["old"], "old")


@pytest.mark.anyio
async def test_the_end_closes_them_all_whoever_still_holds_one() -> None:
    shop = Shop()
    with anyio.fail_after(5):
        async with generations(shop.make) as all_of_them:
            (await all_of_them.begin("old")).tools.holders.take()
            await all_of_them.begin("new")
    assert shop.open == []


@pytest.mark.anyio
async def test_one_that_does_not_open_at_the_start_says_so_as_itself() -> None:
    with pytest.raises(PluginError, match="does not open"):
        async with generations(Shop().make) as all_of_them:
            await all_of_them.begin("broken")
