"""Is a caller who was connected to somebody else left in peace?"""

from __future__ import annotations

from typing import Any

import anyio

from voicecall.calls.line import Heard
from voicecall.errors import CarrierRejected
from voicecall.model.call import CallMode
from voicecall.model.carrier_events import CallAnswered, InstructionsWanted, NothingHeard
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import OpenStream, Transfer
from voicecall.model.speech import TransferCall

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION
DESK = "+15550009999"


def answered() -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1)


def test_a_transfer_ends_the_stream_and_not_the_call(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(responder=echo(TransferCall(to=DESK))) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await call.conversation.heard(Heard(text="a person please"))
            await anyio.sleep(0.1)
            assert world.carrier.commands[-1] == [Transfer(to=DESK)]
            commands = len(world.carrier.commands)
            await call.conversation.line_down(voice, "the carrier ended the stream")
            await anyio.sleep(60)
            asked = InstructionsWanted(key="i", carrier_call_id=X1, wants_instructions=True)
            assert await call.tell(asked) == []
            assert call.record.is_live
            assert len(world.carrier.commands) == commands

    virtually(main)


def test_a_transfer_is_not_cut_short_by_listening(gateway: Any, virtually: Any, echo: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False, responder=echo(TransferCall(to=DESK))) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            await anyio.sleep(0.1)
            (gather,) = world.carrier.commands[-1]
            await call.conversation.heard(Heard(text="a person please"))
            await anyio.sleep(0.1)
            await call.tell(NothingHeard(key="n", carrier_call_id=X1, turn=gather.turn))
            await anyio.sleep(0.1)
            assert world.carrier.commands[-1] == [Transfer(to=DESK)]

    virtually(main)


def test_a_transfer_that_was_refused_leaves_the_call_as_it_was(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(responder=echo(TransferCall(to=DESK))) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await anyio.sleep(0.1)
            world.carrier.refuses_commands = CarrierRejected("not a number of yours")
            await call.conversation.heard(Heard(text="a person please"))
            await anyio.sleep(0.1)
            world.carrier.refuses_commands = None
            await call.conversation.line_down(voice, "cut")
            await anyio.sleep(1)
            assert isinstance(world.carrier.commands[-1][0], OpenStream)

    virtually(main)
