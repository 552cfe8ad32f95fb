"""Does what comes late, twice, in bundles or for another leg leave every call as it should be?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.line import Heard
from voicecall.calls.memory_store import MemoryStore
from voicecall.errors import CallStateError, StoreError
from voicecall.model.call import CallMode, CallState, Direction
from voicecall.model.carrier_events import (
    CallAnswered,
    CallEnded,
    CallOffered,
    DigitsPressed,
    EndCause,
    NothingHeard,
)
from voicecall.model.ids import CallId, CarrierCallId
from voicecall.model.instructions import Answer, Gather, HangUp, Say
from voicecall.model.speech import TransferCall
from voicecall.sdk.provider import Ended, Live

X1, LEG = CarrierCallId("X1"), CarrierCallId("LEG")
TALK = CallMode.CONVERSATION
DESK = "+15550009999"


class Failing(MemoryStore):
    """Fails once, when told to."""

    fails = False

    async def append(self, events: Any) -> None:
        if self.fails:
            self.fails = False
            raise StoreError("disk full")
        await super().append(events)


def answered(carrier_id: CarrierCallId = X1, **values: Any) -> CallAnswered:
    return CallAnswered(key=f"a {carrier_id}", carrier_call_id=carrier_id, **values)


def offered(
    carrier_id: CarrierCallId, direction: Direction = Direction.OUTBOUND, **values: Any
) -> CallOffered:
    return CallOffered(
        key=f"o {carrier_id}",
        carrier_call_id=carrier_id,
        direction=direction,
        from_number="+15550001111",
        **{"to_number": "+15550002222", **values},
    )


def test_what_an_event_called_for_is_told_when_the_next_one_could_not_be_stored_at_first(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        store = Failing()
        async with gateway(streams=False, document=True, store=store) as world:
            call = await world.place("Who is there?", mode=TALK)
            webhook = [
                answered(wants_instructions=True),
                DigitsPressed(key="d", carrier_call_id=X1, digits="1", wants_instructions=True),
            ]
            append, stored = store.append, 0

            async def second_fails(events: Any) -> None:
                nonlocal stored
                stored += 1
                store.fails = "DigitsReceived" in {type(event).__name__ for event in events}
                await append(events)

            store.append = second_fails  # type: ignore[method-assign]
            with pytest.raises(StoreError):
                await world.manager.apply(webhook)
            store.append = append  # type: ignore[method-assign]
            say, gather = await world.manager.apply(webhook)
            assert isinstance(say, Say) and isinstance(gather, Gather)
            assert call.record.digits == "1" and stored >= 2

    virtually(main)


def test_while_a_webhook_is_in_work_nothing_overtakes_its_answer(
    gateway: Any, virtually: Any
) -> None:
    class Slow(MemoryStore):
        async def append(self, events: Any) -> None:
            await anyio.sleep(1)
            await super().append(events)

    async def main() -> None:
        async with gateway(streams=False, document=True, store=Slow()) as world:
            call = await world.place("Who is there?", mode=TALK)
            _, gather = await world.manager.apply([answered(wants_instructions=True)])
            world.tasks.start_soon(world.service.speak, call.record.call_id, "One moment.")
            await anyio.sleep(0.1)
            keys = DigitsPressed(
                key="d",
                carrier_call_id=X1,
                digits="1",
                turn=gather.turn,
                wants_instructions=True,
            )
            say, _ = await world.manager.apply(
                [keys, NothingHeard(key="n", carrier_call_id=X1, wants_instructions=True)]
            )
            assert say.text == "One moment."
            assert world.carrier.commands == []

    virtually(main)


def test_a_call_that_was_accepted_but_not_answered_before_a_crash_is_answered(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(inboundPolicy="open", streams=False) as before:
            before.carrier.command = _hang
            await before.manager.apply([offered(X1, Direction.INBOUND)])
            store = before.store
        async with gateway(store=store, streams=False) as after:
            (restored,) = await after.manager.restore()
            after.carrier.answer_status = Live(answered=False)
            restored.spawn(restored.reconcile)
            await anyio.sleep(0.1)
            assert after.carrier.commands == [[Answer()]]

    virtually(main)


async def _hang(*_: Any) -> None:
    await anyio.sleep_forever()


@pytest.mark.parametrize("with_our_id", [True, False])
def test_an_offer_that_is_a_call_of_ours_makes_no_second_one(
    gateway: Any, virtually: Any, with_our_id: bool
) -> None:
    async def main() -> None:
        async with gateway(streams=False, maxConcurrentCalls=5) as world:
            call = await world.place("Hello", mode=TALK)
            values = {"call_id": call.record.call_id} if with_our_id else {}
            await world.manager.apply([offered(X1, placed_elsewhere=True, **values)])
            await world.manager.apply([answered()])
            assert len(await world.service.history(5)) == 1
            assert call.record.state.is_answered

    virtually(main)


def test_an_offer_that_names_a_call_which_nobody_knows_is_not_adopted(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            lost = offered(X1, call_id=CallId("lost"), wants_instructions=True)
            assert await world.manager.apply([lost]) == [HangUp()]
            assert await world.service.history(5) == []

    virtually(main)


async def transferred(world: Any) -> Any:
    call = await world.place(None, mode=TALK)
    await call.tell(answered())
    if call.conversation.native is None:
        await world.connect(call)
    await anyio.sleep(0.1)
    await call.conversation.heard(Heard(text="a person please"))
    await anyio.sleep(0.1)
    return call


@pytest.mark.parametrize("with_our_id", [True, False])
def test_the_other_leg_of_a_transfer_is_nobodys_call(
    gateway: Any, virtually: Any, echo: Any, with_our_id: bool
) -> None:
    async def main() -> None:
        responder = echo(TransferCall(to=DESK))
        async with gateway(streams=False, responder=responder, maxConcurrentCalls=5) as world:
            call = await transferred(world)
            ours = {"call_id": call.record.call_id} if with_our_id else {}
            leg = offered(LEG, placed_elsewhere=True, to_number=DESK, **ours)
            await world.manager.apply([leg])
            await world.manager.apply([answered(LEG, **ours)])
            end = CallEnded(key="e", carrier_call_id=LEG, cause=EndCause.COMPLETED, **ours)
            await world.manager.apply([end])
            await anyio.sleep(0.1)
            assert len(await world.service.history(5)) == 1
            assert call.record.is_live
            assert call.record.carrier_call_id == X1
            assert world.carrier.hang_ups == []

    virtually(main)


def test_a_transferred_call_is_left_in_peace_after_a_restart(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(responder=echo(TransferCall(to=DESK))) as before:
            call = await transferred(before)
            assert call.record.transferred_to == DESK
            store = before.store
        async with gateway(store=store) as after:
            (restored,) = await after.manager.restore()
            restored.spawn(restored.reconcile)
            await anyio.sleep(60)
            assert restored.record.is_live and after.carrier.commands == []
            with pytest.raises(CallStateError, match="transferred"):
                await after.service.speak(restored.record.call_id, "Still there?")
            with pytest.raises(CallStateError, match="transferred"):
                await after.service.send_digits(restored.record.call_id, "1")
            await after.service.end(restored.record.call_id)
            assert restored.record.state is CallState.HANGUP_BOT

    virtually(main)


@pytest.mark.parametrize(
    ("status", "hang_ups"), [(Live(), 1), (Ended(cause=EndCause.COMPLETED), 0)]
)
def test_a_call_that_is_answered_after_its_end_is_ended_at_the_carrier_once(
    gateway: Any, virtually: Any, status: Any, hang_ups: int
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place()
            await world.service.end(call.record.call_id)
            await anyio.sleep(1)
            world.carrier.hang_ups.clear()
            world.carrier.answer_status = status
            await world.manager.apply([answered()])
            await world.manager.apply([answered()])
            await anyio.sleep(1)
            assert len(world.carrier.hang_ups) == hang_ups
            assert call.record.state is CallState.HANGUP_BOT

    virtually(main)


def test_a_document_carrier_is_told_so_in_its_answer(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(document=True) as world:
            call = await world.place()
            await world.service.end(call.record.call_id)
            world.carrier.hang_ups.clear()
            assert await world.manager.apply([answered(wants_instructions=True)]) == [HangUp()]
            await anyio.sleep(1)
            assert world.carrier.hang_ups == []

    virtually(main)


def test_a_stream_that_goes_down_with_its_call_is_no_news(
    gateway: Any, virtually: Any, caplog: Any
) -> None:
    async def main(told: bool, status: Any) -> None:
        async with gateway() as world:
            world.carrier.answer_status = status
            call = await world.place(mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await call.conversation.line_down(voice, "the carrier ended the stream")
            if told:
                end = CallEnded(key="e", carrier_call_id=X1, cause=EndCause.COMPLETED)
                await call.tell(end)
            await anyio.sleep(2)
            assert call.record.is_live is (not told and status == Live())

    caplog.set_level("INFO")
    virtually(lambda: main(True, Live()))
    virtually(lambda: main(False, Ended(cause=EndCause.COMPLETED)))
    assert "media stream lost" not in caplog.text
    virtually(lambda: main(False, Live()))
    assert "media stream lost" in caplog.text


def test_speaking_into_a_call_that_ends_says_that_it_has_ended(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)

            async def end() -> None:
                await anyio.sleep(0.05)
                voice.fail("the media socket closed")
                await call.conversation.line_down(voice, "the media socket closed")
                await anyio.sleep(0.2)
                await call.tell(CallEnded(key="e", carrier_call_id=X1, cause=EndCause.COMPLETED))

            world.tasks.start_soon(end)
            with pytest.raises(CallStateError, match="ended"):
                await world.service.speak(call.record.call_id, "one two three four")

    virtually(main)
