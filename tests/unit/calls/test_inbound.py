"""Which callers are let in, and how are the others refused?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.model.call import CallState, Direction
from voicecall.model.carrier_events import (
    CallOffered,
)
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import (
    Answer,
    Gather,
    Reject,
)

X1 = CarrierCallId("X1")


def offered(number: str | None, key: str = "o") -> CallOffered:
    return CallOffered(
        key=key,
        carrier_call_id=CarrierCallId("IN" + key),
        direction=Direction.INBOUND,
        from_number=number,
        to_number="+15550001111",
        wants_instructions=True,
    )


@pytest.mark.parametrize(
    ("policy", "caller", "reason"),
    [
        ("disabled", "+15550003333", "policy.inboundDisabled"),
        ("allowlist", "+15550009999", "policy.notAllowed"),
        ("allowlist", "5550003333", "policy.anonymous"),
        ("allowlist", None, "policy.anonymous"),
    ],
)
def test_a_refused_caller_is_refused_in_the_first_answer_and_recorded(
    gateway: Any, virtually: Any, policy: str, caller: str | None, reason: str
) -> None:
    async def main() -> None:
        async with gateway(
            document=True, inboundPolicy=policy, allowFrom=["+15550003333"]
        ) as world:
            assert await world.manager.apply([offered(caller)]) == [Reject()]
            (record,) = await world.service.history(5)
            assert (record.state, record.refused) == (CallState.REJECTED, reason)
            assert world.carrier.commands == [] and world.carrier.hang_ups == []
            assert len(await world.service.history(5)) == 1

    virtually(main)


def test_an_allowed_caller_is_answered_with_the_greeting_of_the_dialled_number(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(
            document=True,
            streams=False,
            inboundPolicy="allowlist",
            allowFrom=["+15550003333"],
            numbers={"+15550001111": {"inboundGreeting": "Front desk."}},
        ) as world:
            answer, say, listen = await world.manager.apply([offered("+15550003333")])
            assert isinstance(answer, Answer) and isinstance(listen, Gather)
            assert say.text == "Front desk."

    virtually(main)


def test_an_inbound_call_beyond_the_cap_is_refused(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(document=True, inboundPolicy="open", maxConcurrentCalls=1) as world:
            first = await world.manager.apply([offered("+15550003333", "1")])
            assert isinstance(first[0], Answer)
            assert await world.manager.apply([offered("+15550004444", "2")]) == [Reject()]

    virtually(main)


def test_the_same_offer_twice_at_once_makes_one_call(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(document=True, inboundPolicy="open", maxConcurrentCalls=5) as world:
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(world.manager.apply, [offered("+15550003333")])
            assert len(world.service.live_calls()) == 1

    virtually(main)
