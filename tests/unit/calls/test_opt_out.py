"""Is a wish not to be called again heard, kept, and told from what only sounds like it?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.line import Heard
from voicecall.calls.memory_store import MemoryStore
from voicecall.calls.number_lists import NumberList
from voicecall.calls.opt_out_phrases import asks_not_to_be_called
from voicecall.errors import PolicyRefused, StoreError
from voicecall.model.call import CallMode, CallState
from voicecall.model.carrier_events import (
    CallAnswered,
    CallEnded,
    DigitsPressed,
    EndCause,
    EndedBy,
    SpeechHeard,
)
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import Say
from voicecall.model.speech import TransferCall

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION
BOB = "+15550002222"


@pytest.mark.parametrize(
    "text",
    [
        "Stop calling me.",
        "STOP CALLING ME!",
        "Please, stop calling.",
        "Can you stop calling this number?",
        "I told you to stop calling me",
        "Who is this? Stop phoning my house.",
        "Don't call me again.",
        "Don’t ever call here anymore, ok?",
        "Never call this number again",
        "Do not call me, please",
        "Take me off your list.",
        "I want to be taken off this calling list",
        "remove my number from your database",
        "Put me on your do-not-call list",
        "I don't want you to call me",
        "I do not want any more calls",
        "No more calls, thank you.",
        "I'd like to opt out",
        "unsubscribe",
        "Lose my number.",
        "Rufen Sie mich bitte nicht mehr an!",
        "Ich möchte nicht mehr angerufen werden.",
        "Streichen Sie mich von Ihrer Liste",
        "Hören Sie auf, mich anzurufen",
        "Ne m'appelez plus !",
        "Arrêtez de m’appeler",
        "No me llame más",
        "Dejen de llamarme, por favor",
    ],
)
def test_acceptance_41_the_usual_ways_to_say_it_are_understood(text: str) -> None:
    assert asks_not_to_be_called(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Stop.",
        "My ex won't stop calling me",
        "He doesn't stop calling me",
        "Don't stop calling me",
        "Don't call me Bob",
        "Don't call me now, I am driving",
        "Please call me again tomorrow",
        "You can call me back",
        "I want to stop the order",
        "Remove the onions from my order",
        "What is on your list?",
        "Can you call my wife again?",
        "Rufen Sie mich morgen wieder an",
        "Appelez-moi demain",
        "Llámeme más tarde",
    ],
)
def test_what_only_sounds_like_it_is_not_taken_for_it(text: str) -> None:
    assert not asks_not_to_be_called(text)


def test_the_operators_own_words_count_as_whole_words() -> None:
    words = ("Hör auf", "basta")
    assert asks_not_to_be_called("Basta!", words)
    assert asks_not_to_be_called("Jetzt hör auf damit", words)
    assert not asks_not_to_be_called("bastante", words)


def spoken(text: str, *, is_final: bool = True) -> SpeechHeard:
    return SpeechHeard(key=text, carrier_call_id=X1, text=text, is_final=is_final)


def pressed(digits: str) -> DigitsPressed:
    return DigitsPressed(key=f"k{digits}", carrier_call_id=X1, digits=digits)


ENDED = CallEnded(key="e", carrier_call_id=X1, cause=EndCause.COMPLETED, ended_by=EndedBy.CALLEE)


async def opted_out(store: Any) -> list[tuple[str, str]]:
    return [(entry.number, entry.source) for entry in await store.numbers(NumberList.DO_NOT_CALL)]


async def answered(world: Any, **values: Any) -> Any:
    call = await world.place(**values)
    await call.tell(CallAnswered(key="a", carrier_call_id=X1))
    return call


def test_the_wish_is_kept_before_it_is_confirmed_and_then_we_hang_up(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo()
        async with gateway(responder=responder) as world:
            call = await answered(world, mode=TALK)
            voice = await world.connect(call)
            await anyio.sleep(1)
            await call.conversation.heard(Heard(text="Hello? Stop calling me!"))
            await call.ended.wait()
            assert await opted_out(world.store) == [(BOB, "speech")]
            assert [speech.text for speech in voice.said][1:] == [
                "All right, we will not call this number again. Goodbye."
            ]
            assert responder.turns == []
            assert call.record.state is CallState.HANGUP_BOT
            with pytest.raises(PolicyRefused) as refused:
                await world.place()
            assert refused.value.reason == "policy.doNotCall"

    virtually(main)


def test_a_number_that_opted_out_is_not_reached_by_a_transfer_and_transfers_are_counted(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        carol, dave = "+15550005555", "+15550006666"
        responder = echo(TransferCall(to=carol))
        caps = {"outbound": {"guard": {"maxCallsPerHour": 2}}, "maxConcurrentCalls": 5}
        async with gateway(responder=responder, **caps) as world:
            await world.service.policy.add_do_not_call(carol)
            call = await answered(world, mode=TALK)
            voice = await world.connect(call)
            await call.conversation.heard(Heard(text="Give me Carol"))
            assert voice.said[-1].text == "Sorry, I cannot answer that right now."
            responder.parts = (TransferCall(to=dave),)
            await call.conversation.heard(Heard(text="Give me Dave"))
            await anyio.sleep(1)
            assert call.record.transferred_to == dave
            with pytest.raises(PolicyRefused, match="2 of 2 calls"):
                await world.place()

    virtually(main)


def test_a_dial_that_waits_is_cancelled_when_its_callee_opts_out_meanwhile(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        caps = {"outbound": {"guard": {"callsPerSecond": 0.1}}, "maxConcurrentCalls": 5}
        async with gateway(**caps) as world:
            call = await answered(world, mode=TALK)
            await world.connect(call)
            refusals = []

            async def again() -> None:
                with pytest.raises(PolicyRefused) as refused:
                    await world.place()
                refusals.append(refused.value.reason)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(again)
                await anyio.sleep(1)
                await call.conversation.heard(Heard(text="Stop calling me"))
            assert refusals == ["policy.doNotCall"]
            assert len(world.carrier.orders) == 1

    virtually(main)


def test_who_hangs_up_in_the_middle_of_the_sentence_is_heard(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await answered(world, mode=TALK)
            await world.connect(call)
            await call.conversation.partial("stop calling me")
            await call.tell(ENDED)
            assert await opted_out(world.store) == [(BOB, "speech")]
            assert call.record.state is CallState.HANGUP_USER

    virtually(main)


def test_words_that_were_taken_back_do_not_count(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await answered(world, mode=TALK)
            await world.connect(call)
            await call.conversation.partial("stop calling me")
            await call.conversation.heard(Heard(text="top calling feature"))
            await call.tell(ENDED)
            assert await opted_out(world.store) == []

    virtually(main)


def test_the_carriers_own_voice_confirms_it_too(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await answered(world, mode=TALK)
            await world.manager.apply([spoken("Please stop calling me.")])
            await call.ended.wait()
            assert await opted_out(world.store) == [(BOB, "speech")]
            batches = world.carrier.commands
            said = [each.text for batch in batches for each in batch if isinstance(each, Say)]
            assert said[-1] == "All right, we will not call this number again. Goodbye."

    virtually(main)


def test_the_key_counts_only_where_it_was_offered(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await answered(world, mode=TALK)
            await world.connect(call)
            await call.tell(pressed("9"))
            await anyio.sleep(10)
            assert await opted_out(world.store) == []
        offered = {"outbound": {"optOut": {"prompt": "Press 5 to opt out.", "digit": "5"}}}
        async with gateway(**offered) as world:
            call = await answered(world, mode=TALK)
            voice = await world.connect(call)
            assert voice.said[0].text == "Hello there Press 5 to opt out."
            await anyio.sleep(2)
            await call.tell(pressed("9"))
            assert await opted_out(world.store) == []
            await call.tell(pressed("5"))
            await call.ended.wait()
            assert await opted_out(world.store) == [(BOB, "digit")]

    virtually(main)


def test_the_key_that_answers_a_question_of_ours_is_that_answer(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        offered = {"outbound": {"optOut": {"prompt": "Press 9 to opt out."}}}
        async with gateway(**offered) as world:
            call = await answered(world, mode=TALK)
            await world.connect(call)
            await anyio.sleep(2)
            heard = []

            async def ask() -> None:
                heard.append(await world.service.continue_call("X1", "How many?"))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await anyio.sleep(1)
                await call.conversation.digits("9")
            assert heard == ["9"]
            assert await opted_out(world.store) == []

    virtually(main)


def test_a_wish_on_a_full_disk_is_kept_when_there_is_room_again(
    gateway: Any, virtually: Any
) -> None:
    class Full(MemoryStore):
        tries = 0

        async def keep_number(self, on: Any, entry: Any) -> None:
            self.tries += 1
            if self.tries < 4:
                raise StoreError("the disk is full")
            await super().keep_number(on, entry)

    async def main() -> None:
        async with gateway(store=Full()) as world:
            call = await answered(world, mode=TALK)
            await world.connect(call)
            await call.conversation.heard(Heard(text="Stop calling me"))
            await call.ended.wait()
            assert await opted_out(world.store) == [(BOB, "speech")]

    virtually(main)
