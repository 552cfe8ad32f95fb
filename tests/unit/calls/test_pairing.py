"""Do strangers hear a code, few of them, and does it open the door only once it is approved?"""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest

from voicecall.calls.line import Heard
from voicecall.calls.number_lists import NumberList
from voicecall.errors import EntryNotFound
from voicecall.model.call import CallMode, CallState, Direction
from voicecall.model.carrier_events import CallOffered, SpeechHeard
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import Answer, Gather, Reject, Say

EVE, BOB = "+15550003333", "+15550004444"
PAIRING = {"inboundPolicy": "pairing", "maxConcurrentCalls": 50}
NATIVE = {"document": True, "streams": False}


def offered(number: str | None, key: str = "1", attestation: str | None = None) -> CallOffered:
    return CallOffered(
        key=key,
        carrier_call_id=CarrierCallId("IN" + key),
        direction=Direction.INBOUND,
        from_number=number,
        to_number="+15550001111",
        wants_instructions=True,
        attestation=attestation,
    )


def code_in(text: str) -> str:
    first, again = re.findall(r"(?:\d, ){5}\d", text)
    assert first == again
    return "".join(re.findall(r"\d", first))


async def refusals(world: Any) -> list[str | None]:
    return [record.refused for record in await world.service.history(100)]


def test_a_stranger_hears_a_code_digit_by_digit_and_nothing_else(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo()
        async with gateway(**NATIVE, **PAIRING, responder=responder) as world:
            answer, say = (await world.manager.apply([offered(EVE)]))[:2]
            assert isinstance(answer, Answer) and isinstance(say, Say)
            (entry,) = await world.service.policy.pairing.pending()
            assert code_in(say.text) == entry.code
            (record,) = world.service.live_calls()
            assert (record.mode, record.direction) == (CallMode.NOTIFY, Direction.INBOUND)
            more = SpeechHeard(
                key="s", carrier_call_id=CarrierCallId("IN1"), text="hi", wants_instructions=True
            )
            heard = await world.manager.apply([more])
            assert not any(isinstance(each, Gather) for each in heard)
            assert responder.turns == []

    virtually(main)


def test_over_media_streams_the_call_ends_by_itself_and_no_responder_hears_it(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo()
        async with gateway(**PAIRING, responder=responder) as world:
            await world.manager.apply([offered(EVE)])
            (record,) = world.service.live_calls()
            call = world.manager.live(record.call_id)
            voice = await world.connect(call)
            await call.conversation.heard(Heard(text="let me in"))
            await call.conversation.digits("1#")
            await call.ended.wait()
            assert call.record.state is CallState.COMPLETED
            assert len(voice.said) == 1
            assert responder.turns == []

    virtually(main)


def test_an_approved_number_is_let_in_and_a_revoked_one_is_a_stranger(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(**NATIVE, **PAIRING) as world:
            pairing = world.service.policy.pairing
            say = (await world.manager.apply([offered(EVE)]))[1]
            spaced = " ".join(code_in(say.text))
            assert await pairing.approve(spaced) == EVE
            greeted = (await world.manager.apply([offered(EVE, "2")]))[1]
            assert greeted.text == "Hello! How can I help you today?"
            stranger = (await world.manager.apply([offered(BOB, "3")]))[1]
            assert "code" in stranger.text
            await pairing.revoke(EVE)
            told = (await world.manager.apply([offered(EVE, "4")]))[1]
            assert "code" in told.text
            with pytest.raises(EntryNotFound):
                await pairing.approve(code_in(say.text))

    virtually(main)


def test_a_paired_number_is_on_the_allowlist_and_what_is_configured_stays(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(**NATIVE, **PAIRING) as world:
            code = code_in((await world.manager.apply([offered(EVE)]))[1].text)
            await world.service.policy.pairing.approve(code)
            store = world.store
        listed = {"inboundPolicy": "allowlist", "allowFrom": [BOB], "maxConcurrentCalls": 5}
        async with gateway(**NATIVE, **listed, store=store) as world:
            assert isinstance((await world.manager.apply([offered(EVE, "2")]))[0], Answer)
            assert isinstance((await world.manager.apply([offered(BOB, "3")]))[0], Answer)
            assert await world.manager.apply([offered("+15550005555", "4")]) == [Reject()]

    virtually(main)


@pytest.mark.parametrize(
    "number", [None, "", "anonymous", "sip:eve@x.example", "5550003333", "+1٥"]
)
def test_who_shows_no_number_is_told_no_code(
    gateway: Any, virtually: Any, number: str | None
) -> None:
    async def main() -> None:
        async with gateway(**NATIVE, **PAIRING) as world:
            assert await world.manager.apply([offered(number)]) == [Reject()]
            assert await refusals(world) == ["policy.anonymous"]
            assert await world.service.policy.pairing.pending() == []

    virtually(main)


def test_one_stranger_hears_the_same_code_a_few_times_and_then_is_refused(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(**NATIVE, **PAIRING) as world:
            codes = {
                code_in((await world.manager.apply([offered(EVE, f"{n}")]))[1].text)
                for n in range(3)
            }
            assert len(codes) == 1
            assert await world.manager.apply([offered(EVE, "x")]) == [Reject()]
            assert (await refusals(world))[0] == "policy.pairing"

    virtually(main)


def test_many_strangers_at_once_get_so_many_codes_and_no_more(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(**NATIVE, **PAIRING) as world:
            answers: list[Any] = []

            async def knock(number: int) -> None:
                event = offered(f"+155500{number:05}", f"{number}")
                answers.append((await world.manager.apply([event]))[0])

            async with anyio.create_task_group() as tasks:
                for number in range(40):
                    tasks.start_soon(knock, number)
            assert answers.count(Reject()) == 20
            pending = await world.service.policy.pairing.pending()
            assert len({entry.code for entry in pending}) == 20

    virtually(main)


def test_a_code_is_too_old_after_its_time_and_the_stranger_gets_another(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(**NATIVE, **PAIRING) as world:
            code = code_in((await world.manager.apply([offered(EVE)]))[1].text)
            pairing = world.service.policy.pairing
            (entry,) = await pairing.pending()
            old = {"at": entry.at - 3600, "code": code, "calls": 3, "number": EVE}
            await world.store.keep_number(NumberList.PENDING, type(entry)(**old))
            with pytest.raises(EntryNotFound):
                await pairing.approve(code)
            other = code_in((await world.manager.apply([offered(EVE, "2")]))[1].text)
            assert await pairing.approve(other) == EVE

    virtually(main)


def test_a_stranger_takes_no_place_that_is_not_free(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(**NATIVE, inboundPolicy="pairing") as world:
            await world.manager.apply([offered(EVE)])
            assert await world.manager.apply([offered(BOB, "2")]) == [Reject()]
            assert (await refusals(world))[0] == "policy.capacity"
            assert len(await world.service.policy.pairing.pending()) == 1

    virtually(main)


@pytest.mark.parametrize(
    ("least", "attestation", "reason"),
    [
        (None, None, None),
        ("A", "A", None),
        ("B", "A", None),
        ("C", "C", None),
        ("A", "B", "policy.attestation"),
        ("B", "C", "policy.attestation"),
        ("C", None, "policy.attestation"),
    ],
)
def test_a_caller_whose_number_is_attested_too_weakly_is_refused_and_the_level_is_kept(
    gateway: Any, virtually: Any, least: str | None, attestation: str | None, reason: str | None
) -> None:
    async def main() -> None:
        wanted = {} if least is None else {"minAttestation": least}
        async with gateway(**NATIVE, inboundPolicy="open", **wanted) as world:
            await world.manager.apply([offered(EVE, attestation=attestation)])
            (record,) = await world.service.history(5)
            assert (record.refused, record.attestation) == (reason, attestation)

    virtually(main)
