"""Does a whole call work, over real sockets, as both sides hear it?"""

from __future__ import annotations

from typing import Any

import pytest

from voicecall.errors import CallStateError, InvalidRequest
from voicecall.model.call import CallMode, CallState, Speaker

BOB = "+15550002222"
LISTEN, HANG_UP = {"listen": True}, {"hangUp": True}

pytestmark = pytest.mark.anyio


def phone(*steps: Any, **more: Any) -> dict[str, Any]:
    """A configuration in which Bob's phone does `steps`."""
    return {"mock": {"phones": {BOB: {"answerAfterMs": 100, "steps": list(steps), **more}}}}


def scripted(*lines: Any) -> dict[str, Any]:
    return {"responder": "scripted", "responders": {"scripted": {"lines": list(lines)}}}


def said(record: Any) -> list[tuple[str, str]]:
    return [(line.speaker.value, line.text) for line in record.transcript]


async def test_a_conversation_is_heard_by_both_sides_and_kept(start: Any) -> None:
    steps = phone(LISTEN, {"say": "I am Bob"}, LISTEN, HANG_UP)
    async with start(steps | scripted("Nice to meet you, Bob.")) as gateway:
        call_id = await gateway.call("Hello, who is there?")
        record = await gateway.until_over(call_id)
        assert record.state is CallState.HANGUP_USER
        assert said(record) == [
            ("bot", "Hello, who is there?"),
            ("user", "I am Bob"),
            ("bot", "Nice to meet you, Bob."),
        ]
        assert await gateway.heard_by_phone(call_id) == [
            "Hello, who is there?",
            "Nice to meet you, Bob.",
        ]
        (turn,) = record.turns
        assert turn.speech_ended_at <= turn.transcript_at <= turn.first_frame_at


async def test_the_greeting_and_the_apology_are_ready_when_they_are_needed(start: Any) -> None:
    steps = phone(LISTEN, {"say": "anyone?"}, LISTEN, HANG_UP, answerAfterMs=3000)
    forbidden = {"outbound": {"guard": {"denyPrefixes": ["+15550004444"]}}}
    line = scripted({"transferTo": "+15550004444"})
    async with start(steps | line | forbidden) as gateway:
        call_id = await gateway.call("Hello, who is there?")
        await gateway.until_over(call_id)
        heard = await gateway.heard_by_phone(call_id)
        assert heard == ["Hello, who is there?", "Sorry, I cannot answer that right now."]
        assert gateway.running.counters.phrases_prepared == 2


async def test_continue_speaks_and_returns_the_answer(start: Any) -> None:
    async with start(phone(LISTEN, {"say": "forty two"}, LISTEN)) as gateway:
        call_id = await gateway.call(None)
        await gateway.until_state(call_id, "active")
        assert await gateway.service.continue_call(call_id, "How many?") == "forty two"
        await gateway.service.speak(call_id, "Thanks.")
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
        assert record.state is CallState.HANGUP_BOT
        assert said(record)[-1] == ("bot", "Thanks.")


async def test_a_notify_message_is_heard_once_and_in_full_before_the_hang_up(start: Any) -> None:
    async with start(phone(LISTEN)) as gateway:
        call_id = await gateway.call("The pizza is ready", mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        assert record.state is CallState.COMPLETED
        assert await gateway.heard_by_phone(call_id) == ["The pizza is ready"]
        (line,) = record.transcript
        assert record.ended_at - line.timestamp >= 1 / 4  # notifyHangupDelaySec over timeScale


async def test_a_caller_who_interrupts_is_heard_and_our_line_is_cut(start: Any) -> None:
    long = "Let me tell you the whole story of the telephone network from its very beginning"
    steps = phone({"wait": 200}, {"say": "go"}, {"interrupt": "stop it", "afterMs": 500}, LISTEN)
    async with start(steps | scripted(long, "As you wish.")) as gateway:
        call_id = await gateway.call(None)
        await gateway.until(
            call_id,
            lambda event: getattr(event, "text", "") == "As you wish.",
        )
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
        cut = next(line for line in record.transcript if line.text == long)
        assert cut.heard and long.startswith(cut.heard) and cut.heard != long
        assert ("user", "stop it") in said(record)
        assert not any("beginning" in text for text in await gateway.heard_by_phone(call_id))


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("busy", CallState.BUSY),
        ("reject", CallState.REJECTED),
        ("unreachable", CallState.FAILED),
    ],
)
async def test_a_call_that_does_not_get_through_says_why(
    start: Any, outcome: str, state: CallState
) -> None:
    async with start(phone(outcome=outcome)) as gateway:
        record = await gateway.until_over(await gateway.call())
        assert record.state is state
        assert record.answered_at is None


async def test_a_phone_that_nobody_answers_ends_as_no_answer(start: Any) -> None:
    changes = phone(outcome="no-answer") | {"ringTimeoutMs": 2000}
    async with start(changes) as gateway:
        record = await gateway.until_over(await gateway.call())
        assert record.state is CallState.NO_ANSWER


async def test_voicemail_gets_the_message_after_the_beep(start: Any) -> None:
    greeting = "Nobody is at home. " * 5
    changes = {"mock": {"phones": {BOB: {"outcome": "voicemail", "greeting": greeting}}}}
    async with start(changes) as gateway:
        call_id = await gateway.call("Please call back", mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        assert record.state is CallState.VOICEMAIL
        lines = await gateway.phone_lines(call_id)
        beep = next(i for i, line in enumerate(lines) if "beep" in line["text"].lower())
        after = [line["text"] for line in lines[beep:] if line["kind"] == "heard"]
        assert after == ["Please call back"]


async def test_a_machine_in_a_conversation_is_hung_up_on(start: Any) -> None:
    async with start({"mock": {"phones": {BOB: {"outcome": "voicemail"}}}}) as gateway:
        record = await gateway.until_over(await gateway.call("Hello?"))
        assert record.state is CallState.VOICEMAIL


async def test_digits_go_both_ways(start: Any) -> None:
    async with start(phone(LISTEN, {"press": "7"}, {"wait": 60_000})) as gateway:
        call_id = await gateway.call("Press seven")
        await gateway.until(call_id, lambda event: getattr(event, "digits", "") == "7")
        await gateway.service.send_digits(call_id, "12#")
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
        assert record.digits == "7"
        pressed = [line for line in await gateway.phone_lines(call_id) if line["kind"] == "digits"]
        assert "".join(line["text"] for line in pressed) == "12#"


async def test_a_stream_that_drops_comes_back_with_the_call_intact(start: Any) -> None:
    steps = phone(LISTEN, {"drop": "stream"}, {"wait": 1500}, {"say": "back"}, LISTEN, HANG_UP)
    async with start(steps) as gateway:
        call_id = await gateway.call("Hello")
        await gateway.until(call_id, lambda event: getattr(event, "text", "") == "back")
        await gateway.service.speak(call_id, "Are you still there?")
        record = await gateway.until_over(call_id)
        assert record.state is CallState.HANGUP_USER
        assert "Are you still there?" in await gateway.heard_by_phone(call_id)


async def test_a_call_whose_network_vanished_is_reconciled(start: Any) -> None:
    async with start(phone(LISTEN, {"drop": "network"})) as gateway:
        record = await gateway.until_over(await gateway.call("Hello"))
        assert record.state.is_terminal
        assert gateway.service.live_calls() == []
        other = await gateway.call("Hello", to="+15550003333")
        assert (await gateway.until_over(other)).state is CallState.HANGUP_USER


async def test_a_call_without_media_streams_uses_the_carriers_voice(start: Any) -> None:
    steps = phone(LISTEN, {"say": "I am Bob"}, LISTEN, HANG_UP)
    changes = steps | scripted("Nice to meet you.") | {"streaming": {"enabled": False}}
    async with start(changes) as gateway:
        call_id = await gateway.call("Who is there?")
        record = await gateway.until_over(call_id)
        assert said(record) == [
            ("bot", "Who is there?"),
            ("user", "I am Bob"),
            ("bot", "Nice to meet you."),
        ]
        assert await gateway.heard_by_phone(call_id) == ["Who is there?", "Nice to meet you."]


async def test_a_native_notify_message_is_heard_once_in_full(start: Any) -> None:
    async with start(phone(LISTEN) | {"streaming": {"enabled": False}}) as gateway:
        call_id = await gateway.call("The pizza is ready", mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        assert record.state is CallState.COMPLETED
        assert await gateway.heard_by_phone(call_id) == ["The pizza is ready"]


async def test_speaking_on_an_ended_call_says_that_it_has_ended(start: Any) -> None:
    async with start(phone(outcome="busy")) as gateway:
        call_id = await gateway.call()
        await gateway.until_over(call_id)
        with pytest.raises(CallStateError, match="busy"):
            await gateway.service.speak(call_id, "hello")


async def test_a_call_is_found_by_the_carriers_id_as_well(start: Any) -> None:
    async with start(phone(LISTEN, HANG_UP)) as gateway:
        call_id = await gateway.call()
        record = await gateway.until_over(call_id)
        again = await gateway.service.find(record.carrier_ids[0])
        assert again == record


# -- inbound


ALICE = "+15550004444"


def caller(*steps: Any) -> dict[str, Any]:
    return {"mock": {"phones": {ALICE: {"steps": list(steps)}}}}


def heard(call: dict[str, Any]) -> list[str]:
    return [line["text"] for line in call["lines"] if line["kind"] == "heard"]


async def test_by_default_callers_are_refused_and_recorded(start: Any) -> None:
    async with start(caller(LISTEN, HANG_UP)) as gateway:
        call = await gateway.dial_in(ALICE)
        assert heard(call) == []
        (record,) = await gateway.service.history(5)
        assert (record.state, record.refused) == (CallState.REJECTED, "policy.inboundDisabled")


@pytest.mark.parametrize("streaming", [True, False])
async def test_an_allowed_caller_hears_the_greeting_and_is_answered(
    start: Any, streaming: bool
) -> None:
    changes = caller(LISTEN, {"say": "a table for two"}, LISTEN, HANG_UP) | scripted("Booked.")
    changes |= {
        "inboundPolicy": "allowlist",
        "allowFrom": [ALICE],
        "inboundGreeting": "Luigi here.",
        "streaming": {"enabled": streaming},
    }
    async with start(changes) as gateway:
        call = await gateway.dial_in(ALICE)
        assert heard(call) == ["Luigi here.", "Booked."]
        (record,) = await gateway.service.history(5)
        assert record.transcript[1].speaker is Speaker.USER
        assert record.state is CallState.HANGUP_USER


async def test_a_caller_off_the_allowlist_is_refused(start: Any) -> None:
    changes = caller(LISTEN, HANG_UP) | {"inboundPolicy": "allowlist", "allowFrom": [BOB]}
    async with start(changes) as gateway:
        assert heard(await gateway.dial_in(ALICE)) == []
        (record,) = await gateway.service.history(5)
        assert record.refused == "policy.notAllowed"


async def test_an_open_line_answers_anybody(start: Any) -> None:
    changes = caller(LISTEN, HANG_UP) | {"inboundPolicy": "open", "inboundGreeting": "Hi."}
    async with start(changes) as gateway:
        assert heard(await gateway.dial_in(ALICE)) == ["Hi."]


async def test_who_gives_no_message_and_no_mode_wants_to_talk(start: Any) -> None:
    async with start({"outbound": {"defaultMode": "notify"}} | phone(LISTEN)) as gateway:
        record = await gateway.service.find(await gateway.call(None))
        assert record.mode is CallMode.CONVERSATION
        with pytest.raises(InvalidRequest, match="message required"):
            await gateway.call(None, mode=CallMode.NOTIFY)
        with pytest.raises(InvalidRequest, match="needs mode 'conversation'"):
            await gateway.call(None, mode=CallMode.NOTIFY, dtmf_sequence="1")
