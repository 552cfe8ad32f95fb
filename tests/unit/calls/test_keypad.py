"""Are keys that come one at a time one answer, complete when the caller has finished?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.line import Heard
from voicecall.model.call import CallMode
from voicecall.model.carrier_events import CallAnswered
from voicecall.model.ids import CarrierCallId

X1 = CarrierCallId("X1")


async def asked(world: Any, *keys: str | float, words: str | None = None) -> tuple[str, float]:
    """What `continue` returns, and how long after the first key; numbers are pauses in seconds."""
    call = await world.place(None, mode=CallMode.CONVERSATION)
    await call.tell(CallAnswered(key="a", carrier_call_id=X1))
    await world.connect(call)
    begun = 0.0

    async def press() -> None:
        nonlocal begun
        await anyio.sleep(3)
        begun = anyio.current_time()
        for key in keys:
            if isinstance(key, str):
                await call.conversation.digits(key)
            else:
                await anyio.sleep(key)
        if words is not None:
            await call.conversation.heard(Heard(text=words))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press)
        answer = await world.service.continue_call(call.record.call_id, "Your number?")
        after = anyio.current_time() - begun
    await anyio.wait_all_tasks_blocked()
    assert [line.text for line in call.record.transcript][-1] == answer
    return answer, after


@pytest.mark.parametrize(
    ("keys", "answer", "seconds"),
    [
        (("1", 1.0, "2", 1.0, "3"), "123", 3.5),
        (("4", "2", "#"), "42", 0.0),
        (("#",), "#", 0.0),
        (("*",), "*", 1.5),
    ],
    ids=["a pause ends it", "the hash ends it", "the hash alone", "one key"],
)
def test_keys_are_one_answer(
    gateway: Any, virtually: Any, keys: tuple[str | float, ...], answer: str, seconds: float
) -> None:
    async def main() -> None:
        async with gateway() as world:
            got, after = await asked(world, *keys)
            assert (got, after) == (answer, pytest.approx(seconds))

    virtually(main)


def test_words_after_a_key_are_the_answer_and_the_key_answers_nothing_later(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            got, _ = await asked(world, "7", words="no, wait")
            assert got == "no, wait"
            (call,) = world.service.live_calls()
            answers: list[str] = []

            async def ask() -> None:
                answers.append(await world.service.continue_call(call.call_id, "Then?"))

            world.tasks.start_soon(ask)
            await anyio.sleep(10)
            assert answers == []

    virtually(main)
