"""Is a call the same call, whichever carrier carries it? What counts is what the phone heard."""

from __future__ import annotations

from typing import Any

import pytest

from voicecall.errors import CarrierUnreachable
from voicecall.model.call import CallMode, CallRecord, CallState
from voicecall_conformance import RestAnswer
from voicecall_conformance.phones import Disorder
from voicecall_conformance.phones.gateway import BOB

pytestmark = pytest.mark.anyio

LISTEN = {"listen": True}
NATIVE = {"streaming": {"enabled": False}}
STREAMED: dict[str, Any] = {}
LINES = ("One for you.", "Two for me.", "Three for all.", "Four and more.", "Five and out.")

both_voices = pytest.mark.parametrize("voice", [STREAMED, NATIVE], ids=["streamed", "native"])


def scripted(*lines: str) -> dict[str, Any]:
    return {"responder": "scripted", "responders": {"scripted": {"lines": list(lines)}}}


def said(record: CallRecord) -> list[tuple[str, str]]:
    return [(line.speaker.value, line.text) for line in record.transcript]


def open_to_all(**changes: Any) -> dict[str, Any]:
    return {"inboundPolicy": "open", "inboundGreeting": "Good morning.", **changes}


@both_voices
async def test_a_conversation_of_five_turns_is_heard_by_both_sides(start: Any, voice: Any) -> None:
    talk = [step for number in range(1, 6) for step in (LISTEN, {"say": f"turn {number}"})]
    async with start(*talk, LISTEN, {"hangUp": True}, changes=voice | scripted(*LINES)) as gateway:
        record = await gateway.until_over(await gateway.call("Hello, who is there?"))
        phone = await gateway.phone(record)
        assert phone.heard == ["Hello, who is there?", *LINES]
        spoken = [("user", f"turn {number}") for number in range(1, 6)]
        answers = [("bot", line) for line in LINES]
        turns = [each for pair in zip(spoken, answers, strict=True) for each in pair]
        assert said(record) == [("bot", "Hello, who is there?"), *turns]
        assert record.state in (CallState.HANGUP_USER, CallState.COMPLETED)


@both_voices
async def test_a_callee_who_says_hello_meanwhile_hears_the_greeting_to_its_end(
    start: Any, voice: Any
) -> None:
    steps = ({"say": "hello"}, LISTEN, {"say": "who is it"}, LISTEN, {"hangUp": True})
    async with start(*steps, changes=voice | scripted("It is me.")) as gateway:
        record = await gateway.until_over(await gateway.call("Good morning to all of you."))
        assert (await gateway.phone(record)).heard == ["Good morning to all of you.", "It is me."]
        assert said(record)[0] == ("bot", "Good morning to all of you.")
        assert said(record)[-1] == ("bot", "It is me.")


@both_voices
async def test_a_notify_message_is_heard_once_and_in_full(start: Any, voice: Any) -> None:
    async with start(LISTEN, {"wait": 60_000}, changes=voice) as gateway:
        call_id = await gateway.call("The pizza is ready", mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        assert record.state is CallState.COMPLETED
        assert (await gateway.phone(record)).heard == ["The pizza is ready"]


@both_voices
async def test_a_caller_on_the_list_is_greeted_and_answered(start: Any, voice: Any) -> None:
    steps = (LISTEN, {"say": "what time is it"}, LISTEN, {"hangUp": True})
    allowed = open_to_all(inboundPolicy="allowlist", allowFrom=[BOB])
    changes = voice | allowed | scripted("It is noon.")
    async with start(*steps, changes=changes) as gateway:
        phone = gateway.network.dial_in(BOB)
        record = await gateway.record_of(phone)
        assert phone.heard == ["Good morning.", "It is noon."]
        assert said(record)[1:] == [("user", "what time is it"), ("bot", "It is noon.")]
        assert (record.from_number, record.to_number) == (BOB, gateway.network.around.number)


async def test_a_stranger_is_refused_before_anybody_answers(start: Any) -> None:
    changes = {"inboundPolicy": "allowlist", "allowFrom": ["+15550009999"]}
    async with start(LISTEN, changes=changes) as gateway:
        phone = gateway.network.dial_in(BOB)
        record = await gateway.record_of(phone)
        assert record.state is CallState.REJECTED
        assert not phone.answered
        assert phone.heard == []


@both_voices
async def test_continue_speaks_and_returns_the_answer(start: Any, voice: Any) -> None:
    steps = (LISTEN, {"say": "forty two"}, LISTEN)
    async with start(*steps, changes=voice) as gateway:
        call_id = await gateway.call(None)
        await gateway.until_state(call_id, "active")
        assert await gateway.service.continue_call(call_id, "How many?") == "forty two"
        await gateway.service.speak(call_id, "Thanks.")
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
        assert record.state is CallState.HANGUP_BOT
        assert (await gateway.phone(record)).heard == ["How many?", "Thanks."]


@both_voices
async def test_a_caller_who_interrupts_cuts_us_short(start: Any, voice: Any) -> None:
    story = "Let me tell you the whole story of the telephone network from its very beginning"
    steps = (LISTEN, {"say": "tell me"}, {"interrupt": "stop it", "afterMs": 500})
    changes = voice | scripted(story, "As you wish.")
    async with start(*steps, {"wait": 60_000}, changes=changes) as gateway:
        call_id = await gateway.call("Hello")
        await gateway.until(call_id, lambda event: getattr(event, "text", "") == "As you wish.")
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
        phone = await gateway.phone(record)
        assert ("user", "stop it") in said(record)
        # The phone may take our two lines for one: the second follows soon.
        assert phone.heard[-1].endswith("As you wish.")
        assert not any("beginning" in text for text in phone.heard)
        if voice is STREAMED:  # carriers do not tell how far their own voice came
            cut = next(line for line in record.transcript if line.text == story)
            assert cut.heard is not None and story.startswith(cut.heard) and cut.heard != story


@both_voices
async def test_a_machine_gets_the_message_after_the_beep(start: Any, voice: Any) -> None:
    greeting = "Nobody is at home. " * 4
    async with start(changes=voice, outcome="voicemail", greeting=greeting) as gateway:
        call_id = await gateway.call("Please call back", mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        phone = await gateway.phone(record)
        assert record.state is CallState.VOICEMAIL
        lines = [(line.kind, line.text) for line in phone.journal.sorted()]
        after = lines[lines.index(("note", "beep")) :]
        assert ("heard", "Please call back") in after


async def test_a_machine_in_a_conversation_is_hung_up_on(start: Any) -> None:
    async with start(outcome="voicemail") as gateway:
        record = await gateway.until_over(await gateway.call("Hello?"))
        assert record.state is CallState.VOICEMAIL


@both_voices
async def test_digits_go_both_ways_and_the_call_goes_on(start: Any, voice: Any) -> None:
    steps = (LISTEN, {"press": "7"}, {"wait": 1500}, LISTEN, {"wait": 60_000})
    async with start(*steps, changes=voice) as gateway:
        call_id = await gateway.call("Press seven")
        await gateway.until(call_id, lambda event: getattr(event, "digits", "") == "7")
        await gateway.service.send_digits(call_id, "12#")
        await gateway.service.speak(call_id, "Thank you.")
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
        phone = await gateway.phone(record)
        assert record.digits == "7"
        assert [line.text for line in phone.journal.lines if line.kind == "digits"] == ["12#"]
        assert phone.heard[-1] == "Thank you."


async def test_digits_before_the_conversation_are_sent_when_somebody_answers(start: Any) -> None:
    async with start(LISTEN, {"hangUp": True}) as gateway:
        record = await gateway.until_over(await gateway.call("Hello", dtmf_sequence="1w2"))
        phone = await gateway.phone(record)
        kinds = [(line.kind, line.text) for line in phone.journal.lines]
        assert ("digits", "1w2") in kinds
        assert phone.heard == ["Hello"]


@pytest.mark.parametrize(
    ("outcome", "states"),
    [
        ("busy", {CallState.BUSY}),
        ("reject", {CallState.REJECTED, CallState.BUSY}),
        ("unreachable", {CallState.FAILED}),
        ("no-answer", {CallState.NO_ANSWER}),
    ],
)
async def test_a_call_that_does_not_get_through_says_why(
    start: Any, outcome: str, states: set[CallState]
) -> None:
    async with start(outcome=outcome, changes={"ringTimeoutMs": 5000}) as gateway:
        record = await gateway.until_over(await gateway.call())
        assert record.state in states
        assert record.answered_at is None


async def test_a_call_that_we_end_while_it_rings_never_connects(start: Any) -> None:
    async with start(LISTEN, answerAfterMs=60_000) as gateway:
        call_id = await gateway.call()
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
        phone = await gateway.phone(record)
        assert record.state is CallState.HANGUP_BOT
        assert not phone.answered


async def test_acceptance_22_a_dropped_stream_comes_back_and_the_call_goes_on(start: Any) -> None:
    steps = (LISTEN, {"drop": "stream"}, {"wait": 3000}, {"say": "are you there"}, LISTEN)
    changes = scripted("I am back.")
    async with start(*steps, {"hangUp": True}, changes=changes) as gateway:
        record = await gateway.until_over(await gateway.call("Hello"))
        phone = await gateway.phone(record)
        assert phone.heard == ["Hello", "I am back."]


async def test_a_call_ends_at_its_longest_duration(start: Any) -> None:
    async with start(LISTEN, {"wait": 600_000}, changes={"maxDurationSeconds": 31}) as gateway:
        record = await gateway.until_over(await gateway.call("Hello"))
        assert record.state is CallState.TIMEOUT
        assert (await gateway.phone(record)).end is not None


@both_voices
async def test_a_caller_is_transferred(start: Any, voice: Any) -> None:
    transfer = {"match": "human", "say": "One moment.", "transferTo": "+15550003333"}
    changes = {
        **voice,
        "responder": "scripted",
        "responders": {"scripted": {"lines": [transfer]}},
    }
    steps = (LISTEN, {"say": "a human please"}, {"wait": 60_000})
    async with start(*steps, changes=changes) as gateway:
        record = await gateway.until_over(await gateway.call("Hello"))
        phone = await gateway.phone(record)
        assert phone.transferred_to == "+15550003333"
        assert phone.heard == ["Hello", "One moment."]
        assert len(await gateway.service.history(10)) == 1


@both_voices
async def test_repeated_and_reordered_notifications_change_nothing(start: Any, voice: Any) -> None:
    disorder = Disorder(duplicate=0.7, reorder=0.7, delay=0.3, seed=7)
    # Who is listened to when a late report of the prompt's end has come is not to be early.
    steps = (LISTEN, {"wait": 2000}, {"say": "fine"}, LISTEN, {"wait": 2000}, {"hangUp": True})
    changes = voice | scripted("Goodbye.")
    async with start(*steps, changes=changes, disorder=disorder) as gateway:
        record = await gateway.until_over(await gateway.call("How are you?"))
        assert (await gateway.phone(record)).heard == ["How are you?", "Goodbye."]
        assert said(record) == [
            ("bot", "How are you?"),
            ("user", "fine"),
            ("bot", "Goodbye."),
        ]
        assert len(await gateway.service.history(10)) == 1
        assert not gateway.service.live_calls()


@both_voices
@pytest.mark.parametrize(
    "disorder",
    [Disorder(turned_away=1.0), Disorder(forgotten=1.0)],
    ids=["turned-away", "forgotten"],
)
async def test_a_webhook_that_fails_at_first_is_tried_again(
    start: Any, voice: Any, disorder: Disorder
) -> None:
    # Whoever is told late that it has spoken, listens late.
    steps = (LISTEN, {"wait": 4000}, {"say": "fine"}, LISTEN, {"hangUp": True})
    changes = voice | scripted("Goodbye.")
    async with start(*steps, changes=changes, disorder=disorder) as gateway:
        record = await gateway.until_over(await gateway.call("How are you?"))
        assert (await gateway.phone(record)).heard == ["How are you?", "Goodbye."]
        assert said(record) == [("bot", "How are you?"), ("user", "fine"), ("bot", "Goodbye.")]
        tries = {each.attempt: each.status for each in gateway.network.deliveries}
        assert tries[1] == 503 and tries[2] in (200, 204)


async def test_a_caller_is_served_though_every_first_webhook_fails(start: Any) -> None:
    steps = (LISTEN, {"say": "what time is it"}, LISTEN, {"hangUp": True})
    changes = open_to_all() | scripted("It is noon.")
    async with start(*steps, changes=changes, disorder=Disorder(forgotten=1.0)) as gateway:
        phone = gateway.network.dial_in(BOB)
        await gateway.record_of(phone)
        assert phone.heard == ["Good morning.", "It is noon."]
        assert len(await gateway.service.history(10)) == 1


async def test_an_end_that_nobody_told_us_of_is_found_out(start: Any) -> None:
    async with start(LISTEN, {"wait": 3000}, {"hangUp": True}) as gateway:
        call_id = await gateway.call("Hello")
        await gateway.until_state(call_id, "listening")
        gateway.network.reach.lead_to("127.0.0.1", 1)  # nobody listens there
        record = await gateway.until_over(call_id)
        assert record.state in (CallState.HANGUP_USER, CallState.COMPLETED)


async def test_an_order_that_fails_at_the_carrier_is_given_once(start: Any) -> None:
    async with start(LISTEN) as gateway:
        down = RestAnswer(status=503)
        gateway.network.instead = lambda request: down if request.method == "POST" else None
        with pytest.raises(CarrierUnreachable):
            await gateway.call()
        assert [each.method for each in gateway.network.requests].count("POST") == 1
        (record,) = await gateway.service.history(10)
        assert record.state is CallState.FAILED
        assert not gateway.service.live_calls()
