"""What counts as the answer to a prompt, and when is it whole?"""

from __future__ import annotations

import anyio
import pytest

from voicecall.sdk import SystemClock
from voicecall_mock.network.gathering import Gathering, Wanted

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    from trio.testing import MockClock

    return "trio", {"clock": MockClock(autojump_threshold=0)}


async def collected(keys: str, wanted: Wanted, *, apart: float = 0.1) -> tuple[str, float]:
    """The digits of an answer, and how long it took."""
    clock = SystemClock()
    gathering, begun = Gathering(clock, wanted), clock.now()

    async def press() -> None:
        for key in keys:
            gathering.pressed(key)
            await clock.sleep(apart)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press)
        await gathering.collect(5)
        took = clock.now() - begun
        tasks.cancel_scope.cancel()
    return gathering.digits, round(took, 2)


async def test_keys_are_whole_after_a_pause() -> None:
    assert await collected("12", Wanted(pause=3)) == ("12", 3.1)


async def test_the_last_key_ends_an_answer_at_once() -> None:
    assert await collected("12#4", Wanted(pause=3)) == ("12#", 0.2)
    assert await collected("12#4", Wanted(pause=3, last_key="")) == ("12#4", 3.3)


async def test_enough_keys_end_an_answer_at_once() -> None:
    assert await collected("1234", Wanted(most_keys=2)) == ("12", 0.1)


async def test_keys_are_no_answer_where_only_words_are_wanted() -> None:
    assert await collected("12", Wanted(keys=False)) == ("", 5.0)


async def test_words_are_no_answer_where_only_keys_are_wanted() -> None:
    gathering = Gathering(SystemClock(), Wanted(speech=False))
    gathering.speaks()
    gathering.said("hello")
    await gathering.collect(5)
    assert (gathering.text, gathering.digits) == (None, "")
