"""Is a webhook answered at once while the model thinks, and not at all while nothing is stored?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from voicecall.calls.memory_store import MemoryStore
from voicecall.errors import StoreError
from voicecall.model.call import CallMode, CallState
from voicecall.model.call_events import CallEvent
from voicecall.model.carrier_events import CallAnswered, SpeechHeard
from voicecall.model.ids import CarrierCallId
from voicecall.model.speech import ReplyText

X1 = CarrierCallId("X1")
MODEL_SECONDS = 30


class Unreachable(MemoryStore):
    """A store that is away for a while."""

    away = False

    async def append(self, events: Sequence[CallEvent]) -> None:
        if self.away:
            raise StoreError("the store is not reachable")
        await super().append(events)


def spoken(gather: Any, number: int) -> SpeechHeard:
    return SpeechHeard(
        key=f"s{number}",
        carrier_call_id=X1,
        text="what time is it",
        turn=gather.turn,
        wants_instructions=True,
    )


@pytest.mark.parametrize("streams", [False, True], ids=["native", "streamed"])
def test_acceptance_16_a_webhook_is_answered_while_the_model_takes_30_seconds(
    gateway: Any, virtually: Any, echo: Any, streams: bool
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="It is noon."), delay=MODEL_SECONDS)
        changes = {"responseTimeoutMs": 2 * MODEL_SECONDS * 1000, "maxDurationSeconds": 3600}
        async with gateway(streams=streams, document=True, responder=responder, **changes) as world:
            call = await world.place("Who is there?", mode=CallMode.CONVERSATION)
            began = anyio.current_time()
            told = await world.manager.apply(
                [CallAnswered(key="a", carrier_call_id=X1, wants_instructions=True)]
            )
            assert told and anyio.current_time() - began < 1
            if streams:
                return
            for number in range(20):
                waiting = world.carrier.commanded
                began = anyio.current_time()
                await world.manager.apply([spoken(told[-1], number)])
                assert anyio.current_time() - began < 1
                await waiting.wait()
                assert anyio.current_time() - began >= MODEL_SECONDS - 1
                told = world.carrier.commands[-1]
            assert len(responder.turns) == 20 and call.record.is_live

    virtually(main)


def test_acceptance_17_what_could_not_be_stored_is_as_if_it_had_not_been_told(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        store = Unreachable()
        async with gateway(store=store) as world:
            call = await world.place("Who is there?", mode=CallMode.CONVERSATION)
            before, kept = call.record, await store.events(call.record.call_id)
            answered = CallAnswered(key="a", carrier_call_id=X1, wants_instructions=True)
            store.away = True
            for _ in range(2):
                with pytest.raises(StoreError):
                    await world.manager.apply([answered])
                assert call.record == before
                assert await store.events(call.record.call_id) == kept
            store.away = False
            assert await world.manager.apply([answered])
            assert call.record.state is not before.state
            assert call.record.state is not CallState.FAILED

    virtually(main)
