"""Do instructions go the way that their carrier has words for?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import anyio
import pytest

from voicecall.calls.steering import Steering
from voicecall.model.ids import TurnToken
from voicecall.model.instructions import Gather, Instruction, Say, SendDigits
from voicecall.sdk.provider import CallProvider

SAY = Say(text="One moment.")
KEYS = SendDigits(digits="1w2#")
LISTEN = Gather(turn=TurnToken("turn-1"), timeout_seconds=8)


class Carrier:
    """A provider and its call, as far as steering knows them."""

    carrier_call: Any = None

    def __init__(self) -> None:
        self.commands: list[Sequence[Instruction]] = []

    async def command(self, call: object, instructions: Sequence[Instruction]) -> None:
        self.commands.append(list(instructions))

    async def refused(self, batch: Sequence[Instruction], error: Exception) -> None:
        raise AssertionError(f"{batch!r} was refused: {error}")


def steering(carrier: Carrier, *, digits_by_command: bool) -> Steering:
    provider = cast(CallProvider, carrier)
    return Steering(carrier, provider, by_command=False, digits_by_command=digits_by_command)


@pytest.mark.parametrize(
    ("by_command", "answered", "commanded"),
    [(True, [SAY], [[KEYS, LISTEN]]), (False, [SAY, KEYS, LISTEN], [])],
    ids=["no-word-for-keys", "a-word-for-keys"],
)
def test_keys_go_into_an_answer_only_where_documents_have_a_word_for_them(
    by_command: bool,
    answered: list[Instruction],
    commanded: list[list[Instruction]],
    virtually: Callable[[Any], None],
) -> None:
    async def main() -> None:
        carrier = Carrier()
        steer = steering(carrier, digits_by_command=by_command)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(steer.run)
            with steer.answering():
                steer.deliver([SAY, KEYS, LISTEN])
                assert steer.for_document() == answered
                await anyio.sleep(1)
                assert carrier.commands == [], "the answer is not there yet"
            await anyio.sleep(1)
            assert carrier.commands == commanded
            tasks.cancel_scope.cancel()

    virtually(main)
