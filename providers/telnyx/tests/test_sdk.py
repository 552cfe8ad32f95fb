"""Is the live double a Telnyx to Telnyx's own SDK? It dials, steers, and believes the webhooks."""

from __future__ import annotations

import base64
from typing import Any, get_type_hints

import pytest
import telnyx
from telnyx.types import call_dial_params, calls

from voicecall_conformance.phones import Outcome
from voicecall_conformance.phones.gateway import BOB, NUMBER
from voicecall_telnyx.network.fields import ACTIONS, DIAL
from voicecall_telnyx.network.reports import CONNECTION_ID

pytestmark = pytest.mark.anyio

LISTEN = {"listen": True}
PARAMETERS: dict[str, Any] = {
    "dial": call_dial_params.CallDialParams,
    "answer": calls.ActionAnswerParams,
    "reject": calls.ActionRejectParams,
    "hangup": calls.ActionHangupParams,
    "speak": calls.ActionSpeakParams,
    "playback_start": calls.ActionStartPlaybackParams,
    "playback_stop": calls.ActionStopPlaybackParams,
    "send_dtmf": calls.ActionSendDtmfParams,
    "transcription_start": calls.ActionStartTranscriptionParams,
    "transcription_stop": calls.ActionStopTranscriptionParams,
    "streaming_start": calls.ActionStartStreamingParams,
    "streaming_stop": calls.ActionStopStreamingParams,
    "transfer": calls.ActionTransferParams,
    "gather": calls.ActionGatherParams,
    "gather_using_speak": calls.ActionGatherUsingSpeakParams,
    "gather_using_audio": calls.ActionGatherUsingAudioParams,
    "gather_stop": calls.ActionStopGatherParams,
    "client_state_update": calls.ActionUpdateClientStateParams,
}
STAY = {"wait": 60_000}
VOICE = "AWS.Polly.Joanna-Neural"


def state(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_a_call_is_dialled_steered_and_ended(started: Any) -> None:
    async with started(LISTEN, {"say": "fine"}, STAY) as program:
        call, actions = await program.dial(client_state=state("one")), program.actions
        assert ":" in call and "/" in call and " " in call
        initiated = await program.until("call.initiated", direction="outgoing", state="bridging")
        assert initiated["client_state"] == state("one")
        await program.until("call.answered")
        await actions.start_transcription(
            call,
            transcription_engine="Google",
            transcription_engine_config={"transcription_engine": "Google", "interim_results": True},
            client_state=state("two"),
        )
        await actions.speak(call, payload="How are you?", voice=VOICE)
        ended = await program.until("call.speak.ended")
        assert (ended["status"], ended["client_state"]) == ("completed", state("two"))
        heard = await program.until("call.transcription")
        assert heard["transcription_data"]["is_final"] is False
        while not heard["transcription_data"]["is_final"]:
            program.events.remove(("call.transcription", heard))
            heard = await program.until("call.transcription")
        assert heard["transcription_data"]["transcript"] == "fine"
        await actions.hangup(call, client_state=state("three"))
        over = await program.until("call.hangup")
        assert (over["hangup_cause"], over["hangup_source"]) == ("normal_clearing", "caller")
        assert over["client_state"] == state("three")
        assert program.network.legs[call].heard == ["How are you?"]


async def test_what_does_not_fit_the_call_is_refused(started: Any) -> None:
    async with started(STAY, answerAfterMs=3000) as program:
        call, actions = await program.dial(), program.actions
        with pytest.raises(telnyx.UnprocessableEntityError, match="answered"):
            await actions.speak(call, payload="Too early", voice=VOICE)
        with pytest.raises(telnyx.UnprocessableEntityError):
            await actions.answer(call)
        assert (await program.sdk.calls.retrieve_status(call)).data.is_alive
        await program.until("call.answered")
        await actions.start_transcription(call)
        with pytest.raises(telnyx.UnprocessableEntityError, match="in progress"):
            await actions.start_transcription(call)
        await actions.stop_transcription(call)
        with pytest.raises(telnyx.UnprocessableEntityError):
            await actions.stop_transcription(call)
        await actions.hangup(call)
        with pytest.raises(telnyx.UnprocessableEntityError, match="90018"):
            await actions.speak(call, payload="Too late", voice=VOICE)
        known = (await program.sdk.calls.retrieve_status(call)).data
        assert not known.is_alive and known.end_time


async def test_what_cannot_be_is_refused(started: Any) -> None:
    async with started() as program:
        for wrong in ({"to": "5550002222"}, {"connection_id": "7"}, {"timeout_secs": 4}):
            with pytest.raises(telnyx.UnprocessableEntityError):
                await program.dial(**wrong)
        with pytest.raises(telnyx.UnprocessableEntityError, match="no field"):
            await program.dial(extra_body={"record_everything": True})
        with pytest.raises(telnyx.PermissionDeniedError):
            await program.dial(from_="+15550007777")
        with pytest.raises(telnyx.UnprocessableEntityError, match="90015"):
            await program.actions.hangup("of-nobody")
        with pytest.raises(telnyx.NotFoundError):
            await program.actions.hangup("v3:of-nobody")
        with pytest.raises(telnyx.AuthenticationError):
            await program.sdk.with_options(api_key="KEY-wrong").calls.retrieve_status("v3:x")
        assert not program.network.legs


@pytest.mark.parametrize("command", ["dial", *ACTIONS])
async def test_every_field_that_the_double_takes_is_one_of_the_sdks(command: str) -> None:
    known = get_type_hints(PARAMETERS[command], include_extras=False)
    fields = DIAL if command == "dial" else ACTIONS[command]
    assert fields <= {name.rstrip("_") for name in known}


async def test_a_repeated_command_id_does_nothing_more(started: Any) -> None:
    async with started(STAY) as program:
        call = await program.dial(command_id="dial-1")
        assert await program.dial(command_id="dial-1") == call
        assert list(program.network.legs) == [call]
        await program.until("call.answered")
        for _ in range(2):
            await program.actions.send_dtmf(call, digits="12", command_id="keys-1")
        await program.actions.speak(call, payload="Hello", voice=VOICE)
        await program.until("call.speak.ended")
        lines = program.network.legs[call].journal.lines
        assert [line.text for line in lines if line.kind == "digits"] == ["12"]


async def test_a_voice_waits_its_turn_and_can_be_stopped(started: Any) -> None:
    async with started(STAY) as program:
        call, actions = await program.dial(), program.actions
        await program.until("call.answered")
        for text in ("One", "A story of no interest to anybody. " * 10, "Never said"):
            await actions.speak(call, payload=text, voice=VOICE)
        await program.until("call.speak.ended", status="completed")
        await actions.stop_playback(call, stop="all")
        await program.until("call.speak.ended", status="cancelled")
        await actions.speak(call, payload="Until the end of all calls. " * 10, voice=VOICE)
        await actions.hangup(call)
        await program.until("call.hangup")
        ends = [each["status"] for kind, each in program.events if kind == "call.speak.ended"]
        assert ends == ["completed", "cancelled", "call_hangup"]
        heard = program.network.legs[call].heard
        assert not any("Never said" in text or "anybody" in text for text in heard)


async def test_keys_are_told_one_by_one_and_gathered(started: Any) -> None:
    async with started(STAY) as program:
        call = await program.dial()
        await program.until("call.answered")
        await program.actions.gather_using_speak(
            call, payload="Your number, please. " * 10, voice=VOICE, minimum_digits=2
        )
        await program.until("call.speak.started")
        for digit in "12#":
            program.network.legs[call].phone_pressed(digit)
        gathered = await program.until("call.gather.ended")
        assert (gathered["status"], gathered["digits"]) == ("valid", "12")
        await program.until("call.dtmf.received", digit="#")
        digits = [each["digit"] for kind, each in program.events if kind == "call.dtmf.received"]
        assert digits == ["1", "2", "#"]
        ended = await program.until("call.speak.ended")
        assert ended["status"] == "cancelled"


async def test_a_gather_that_is_not_answered_times_out_or_is_stopped(started: Any) -> None:
    async with started(STAY) as program:
        call, actions = await program.dial(), program.actions
        await program.until("call.answered")
        await actions.gather(call, initial_timeout_millis=1000)
        await program.until("call.gather.ended", status="timeout", digits="")
        await actions.gather(call)
        with pytest.raises(telnyx.UnprocessableEntityError):
            await actions.gather(call)
        await actions.stop_gather(call)
        await program.until("call.gather.ended", status="cancelled")


async def test_the_state_of_a_leg_can_be_changed_alone(started: Any) -> None:
    async with started(STAY) as program:
        call = await program.dial(client_state=state("old"))
        await program.until("call.answered", client_state=state("old"))
        await program.actions.update_client_state(call, client_state=state("new"))
        program.network.legs[call].phone_pressed("5")
        await program.until("call.dtmf.received", client_state=state("new"))


async def test_a_webhook_is_tried_again_unless_it_was_refused(started: Any) -> None:
    async with started(outcome="busy") as program:
        program.statuses.extend((429, 503, 200, 404))
        await program.dial()
        initiated = await program.until("call.initiated")
        (leg,) = program.network.legs.values()
        await leg.exchange.report.delivered.wait()
        assert program.kinds() == ["call.initiated"]
        assert initiated["to"] == BOB
        assert [each["meta"]["attempt"] for each in program.bodies] == [1, 2, 3, 1]
        assert len({each["data"]["id"] for each in program.bodies}) == 2


async def test_pauses_between_tries_can_be_ordered(started: Any) -> None:
    async with started(outcome="busy") as program:
        program.statuses.extend((500, 500))
        policies = {"call.initiated": {"retries_ms": [1]}}
        await program.dial(webhook_retries_policies=policies)
        await program.until("call.hangup", hangup_cause="user_busy", sip_hangup_cause="486")
        assert [each["meta"]["attempt"] for each in program.bodies] == [1, 2, 1]


@pytest.mark.parametrize(
    ("mode", "outcome", "expected"),
    [
        ("detect", "answer", [("detection.ended", "human")]),
        ("detect", "voicemail", [("detection.ended", "machine")]),
        (
            "greeting_end",
            "voicemail",
            [("detection.ended", "machine"), ("greeting.ended", "beep_detected")],
        ),
        (
            "premium",
            "voicemail",
            [
                ("premium.detection.started", None),
                ("premium.detection.ended", "machine"),
                ("premium.greeting.ended", "beep_detected"),
            ],
        ),
        (
            "premium",
            "answer",
            [
                ("premium.detection.started", None),
                ("premium.detection.ended", "human_residence"),
            ],
        ),
    ],
)
async def test_a_machine_is_told_from_a_human(
    started: Any, mode: str, outcome: str, expected: list[tuple[str, str | None]]
) -> None:
    async with started(outcome=outcome) as program:
        await program.dial(answering_machine_detection=mode)
        *_, (last, result) = expected
        await program.until(f"call.machine.{last}", **({"result": result} if result else {}))
        machine = [each for each in program.events if each[0].startswith("call.machine.")]
        told = [(kind.removeprefix("call.machine."), each.get("result")) for kind, each in machine]
        assert told == expected


async def test_a_machine_without_a_tone_ends_its_greeting(started: Any) -> None:
    steps = ({"say": "We are closed"}, STAY)
    async with started(*steps, outcome="voicemail") as program:
        await program.dial(answering_machine_detection="greeting_end")
        await program.until("call.machine.greeting.ended", result="ended")


async def test_a_transfer_dials_a_second_leg_of_the_session(started: Any) -> None:
    async with started(STAY) as program:
        call = await program.dial()
        first = await program.until("call.answered")
        await program.actions.transfer(
            call, to="+15550003333", target_leg_client_state=state("second")
        )
        second = await program.until("call.answered", to="+15550003333")
        assert second["client_state"] == state("second")
        assert second["call_control_id"] != call
        assert second["call_session_id"] == first["call_session_id"]
        await program.until("call.hangup", call_control_id=call)
        await program.until("call.hangup", call_control_id=second["call_control_id"])
        bridged = [each for kind, each in program.events if kind == "call.bridged"]
        assert len(bridged) == 2
        assert program.network.legs[call].transferred_to == "+15550003333"


async def test_a_transfer_that_nobody_answers_leaves_the_caller(started: Any) -> None:
    async with started(STAY) as program:
        phones = program.network.around.phones
        phones["+15550003333"] = phones[BOB].model_copy(update={"outcome": Outcome.BUSY})
        call = await program.dial()
        await program.until("call.answered")
        await program.actions.transfer(call, to="+15550003333")
        await program.until("call.hangup", hangup_cause="user_busy")
        assert (await program.sdk.calls.retrieve_status(call)).data.is_alive


async def test_rings_and_calls_are_limited_and_keys_are_sent(started: Any) -> None:
    async with started(STAY) as program:
        call = await program.dial(time_limit_secs=30, send_digits_on_answer="1w2")
        await program.until("call.hangup", hangup_cause="time_limit")
        lines = program.network.legs[call].journal.lines
        assert [line.text for line in lines if line.kind == "digits"] == ["1w2"]
    async with started(outcome="no-answer") as program:
        await program.dial(timeout_secs=5)
        await program.until("call.hangup", hangup_cause="timeout")
        assert "call.answered" not in program.kinds()


async def test_a_caller_is_answered_on_the_url_that_the_answer_names(started: Any) -> None:
    async with started(LISTEN, STAY) as program:
        leg = program.network.dial_in(BOB)
        offer = await program.until("call.initiated", direction="incoming", state="parked")
        assert (offer["from"], offer["to"], offer["client_state"]) == (BOB, NUMBER, None)
        call = offer["call_control_id"]
        await program.actions.answer(
            call,
            webhook_url="https://other.example.com/there?of=program",
            transcription=True,
            client_state=state("in"),
        )
        await program.until("call.answered", call_control_id=call, client_state=state("in"))
        assert program.bodies[-1]["meta"]["delivered_to"].startswith("https://other.example.com")
        await program.actions.hangup(call)
        over = await program.until("call.hangup")
        assert (over["hangup_cause"], over["hangup_source"]) == ("normal_clearing", "callee")
        await leg.finished.wait()


async def test_a_caller_is_refused(started: Any) -> None:
    async with started() as program:
        program.network.dial_in(BOB)
        offer = await program.until("call.initiated", state="parked")
        await program.actions.reject(offer["call_control_id"], cause="USER_BUSY")
        await program.until("call.hangup", hangup_cause="user_busy", sip_hangup_cause="486")


async def test_the_account_can_be_asked(started: Any) -> None:
    async with started(STAY) as program:
        application = await program.sdk.call_control_applications.retrieve(CONNECTION_ID)
        assert application.data.webhook_event_url == program.network.around.webhook_url
        call = await program.dial()
        active = [each async for each in program.sdk.connections.list_active_calls(CONNECTION_ID)]
        assert [each.call_control_id for each in active] == [call]
        assert (await program.sdk.balance.retrieve()).data.available_credit
