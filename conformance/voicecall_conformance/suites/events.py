"""Does the provider say what the carrier reported, no less and no more?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CallRinging,
    Capability,
    CarrierEvent,
    DigitsPressed,
    Direction,
    EndCause,
    InstructionsWanted,
    MachineDetected,
    MachineResult,
    NothingHeard,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    TurnToken,
    UnknownEvent,
    WebhookMalformed,
)
from voicecall_conformance.borrowed import NOW
from voicecall_conformance.rig import FROM_NUMBER, SECRET, TO_NUMBER, Event, Rig
from voicecall_conformance.rules import RuleBroken, Suite, applies, equal, hold, refused, rule

TURN = TurnToken("turn-1")


def the(kind: type[Event], events: Sequence[CarrierEvent]) -> Event:
    """The one event of `kind` among `events`."""
    found = [event for event in events if isinstance(event, kind)]
    if len(found) != 1:
        raise RuleBroken(f"wanted one {kind.__name__} among {list(events)!r}")
    return found[0]


class EventsSuite(Suite):
    """Area `events`."""

    @rule("events.call")
    async def test_every_event_names_its_call(self, rig: Rig) -> None:
        for ours in (True, False):
            for event in (
                rig.about(CallAnswered, key="answered", ours=ours),
                rig.about(CallEnded, key="ended", cause=EndCause.COMPLETED, ours=ours),
            ):
                for heard in rig.hear(rig.webhook(event)):
                    equal("carrier's id", heard.carrier_call_id, rig.carrier_call_id)
                    equal("our id", heard.call_id, rig.call_id if ours else None)
                    equal("the call's secret", heard.call_secret, SECRET if ours else None)

    @rule("events.key")
    async def test_a_key_names_one_happening(self, rig: Rig) -> None:
        def key_of(event: CarrierEvent) -> str:
            return rig.hear(rig.webhook(event))[0].key

        first = rig.about(CallAnswered, key="one")
        second = rig.about(CallEnded, key="two", cause=EndCause.COMPLETED)
        equal("key of a repeated report", key_of(first), key_of(first))
        hold(key_of(first) != key_of(second), f"two events with the key {key_of(first)!r}")

    @rule("events.progress")
    async def test_the_steps_of_a_call_are_told_apart(self, rig: Rig) -> None:
        the(CallAnswered, rig.hear(rig.webhook(rig.about(CallAnswered, key="answered"))))
        for kind in (CallRinging, InstructionsWanted):
            request = rig.phrase(rig.about(kind, key=kind.__name__))
            if request is not None:
                the(kind, rig.hear(request))

    @rule("events.causes")
    async def test_the_end_comes_with_its_cause(self, rig: Rig) -> None:
        rig.webhook(rig.about(CallEnded, key="ended", cause=EndCause.COMPLETED))
        for cause in EndCause:
            request = rig.phrase(rig.about(CallEnded, key=f"ended-{cause}", cause=cause))
            if request is not None:
                equal("cause", the(CallEnded, rig.hear(request)).cause, cause)

    @rule("events.inbound")
    async def test_an_inbound_call_is_offered_with_its_numbers(self, rig: Rig) -> None:
        for caller in (TO_NUMBER, None):
            event = rig.about(
                CallOffered,
                key=f"offered-{caller}",
                ours=False,
                direction=Direction.INBOUND,
                from_number=caller,
                to_number=FROM_NUMBER,
            )
            request = rig.phrase(event)
            if not rig.declares(Capability.INBOUND):
                heard = rig.hear(request) if request else ()
                hold(not any(isinstance(each, CallOffered) for each in heard), repr(heard))
                continue
            hold(request is not None, "inbound is declared, and the harness cannot phrase it")
            assert request is not None
            offered = the(CallOffered, rig.hear(request))
            equal("direction", offered.direction, Direction.INBOUND)
            equal("caller", offered.from_number, caller)
            equal("callee", offered.to_number, FROM_NUMBER)

    @rule("events.speech")
    async def test_what_was_heard_arrives_word_for_word(self, rig: Rig) -> None:
        for text in ("Yes, please.", "Grüße <b>&amp;</b> 電話 📞"):
            request = rig.phrase(rig.about(SpeechHeard, key=f"heard-{text}", text=text, turn=TURN))
            hold(
                (request is not None) == rig.declares(Capability.NATIVE_LISTENING),
                "native listening is declared exactly when the carrier tells what it heard",
            )
            if request is not None:
                heard = the(SpeechHeard, rig.hear(request))
                equal("what was heard", (heard.text, heard.is_final), (text, True))
                equal("turn", heard.turn, TURN)
        silence = rig.phrase(rig.about(NothingHeard, key="silence", turn=TURN))
        if silence is not None:
            equal("turn of silence", the(NothingHeard, rig.hear(silence)).turn, TURN)

    @rule("events.digits")
    async def test_pressed_keys_arrive(self, rig: Rig) -> None:
        request = rig.phrase(rig.about(DigitsPressed, key="keys", digits="12*#", turn=TURN))
        applies(request is not None, "the carrier has no webhook about pressed keys")
        assert request is not None
        heard = rig.hear(request)
        pressed = [event for event in heard if isinstance(event, DigitsPressed)]
        equal("keys", "".join(event.digits for event in pressed), "12*#")
        equal("their turn", {event.turn for event in pressed}, {TURN})

    @rule("events.unknown")
    async def test_an_unknown_kind_is_no_error(self, rig: Rig) -> None:
        request = rig.webhook(rig.about(UnknownEvent, key="odd", kind="call.applauded"))
        the(UnknownEvent, rig.hear(request))

    @rule("events.malformed")
    async def test_a_webhook_that_lacks_something_is_refused(self, rig: Rig) -> None:
        request = rig.harness.malformed(urls=rig.urls, at=NOW)
        rig.note(request)
        verified = rig.provider.verify(request)
        with refused(WebhookMalformed, "a webhook that lacks what its kind requires"):
            rig.provider.parse(verified)
        torn = replace(verified, request=replace(request, body=b'{"\xff'))
        with refused(WebhookMalformed, "a torn body"):
            rig.provider.parse(torn)

    @rule("events.steering")
    async def test_an_answered_call_asks_where_answers_steer(self, rig: Rig) -> None:
        heard = rig.hear(rig.webhook(rig.about(CallAnswered, key="answered")))
        asks = any(event.wants_instructions for event in heard)
        equal("asks for instructions", asks, rig.spec.steers_by_document)

    @rule("events.spoken")
    async def test_the_end_of_speech_arrives_with_its_turn(self, rig: Rig) -> None:
        must = rig.declares(Capability.NATIVE_SPEECH) and not rig.spec.steers_by_document
        told = 0
        for complete in (True, False):
            key = f"spoken-{complete}"
            request = rig.phrase(rig.about(SpeechEnded, key=key, turn=TURN, complete=complete))
            if request is not None:
                told += 1
                ended = the(SpeechEnded, rig.hear(request))
                equal("turn and completeness", (ended.turn, ended.complete), (TURN, complete))
        hold(told > 0 or not must, "a command carrier that speaks tells when it has spoken")
        applies(told > 0, "the carrier has no webhook about the end of its speech")

    @rule("events.machine")
    async def test_what_detection_found_arrives(self, rig: Rig) -> None:
        declared = rig.declares(Capability.MACHINE_DETECTION)
        for result in MachineResult:
            key = f"machine-{result}"
            request = rig.phrase(rig.about(MachineDetected, key=key, result=result))
            if request is None:
                certain = result in (MachineResult.HUMAN, MachineResult.MACHINE)
                hold(not (declared and certain), f"detection is declared; phrase {result!r}")
                continue
            if declared:
                equal("result", the(MachineDetected, rig.hear(request)).result, result)
            else:
                heard = rig.hear(request)
                hold(not any(isinstance(each, MachineDetected) for each in heard), repr(heard))

    @rule("events.stream")
    async def test_what_becomes_of_a_stream_arrives(self, rig: Rig) -> None:
        told = 0
        for change in StreamChange:
            request = rig.phrase(rig.about(StreamChanged, key=f"stream-{change}", change=change))
            if request is not None:
                told += 1
                equal("change", the(StreamChanged, rig.hear(request)).change, change)
        applies(told > 0, "the carrier has no webhook about media streams")

    @rule("events.elsewhere")
    async def test_a_call_placed_elsewhere_is_told_from_ours(self, rig: Rig) -> None:
        applies(rig.harness.offers_elsewhere, "the carrier reports no calls placed elsewhere")
        request = rig.webhook(
            rig.about(
                CallOffered,
                key="elsewhere",
                ours=False,
                direction=Direction.OUTBOUND,
                from_number=FROM_NUMBER,
                to_number=TO_NUMBER,
                placed_elsewhere=True,
            )
        )
        offered = the(CallOffered, rig.hear(request))
        equal("placed elsewhere", offered.placed_elsewhere, True)
        equal("direction", offered.direction, Direction.OUTBOUND)
        equal("numbers", (offered.from_number, offered.to_number), (FROM_NUMBER, TO_NUMBER))
        for kind in (CallRinging, CallAnswered, InstructionsWanted):
            ours = rig.phrase(rig.about(kind, key=f"ours-{kind.__name__}"))
            heard = rig.hear(ours) if ours else ()
            hold(not any(isinstance(each, CallOffered) for each in heard), f"ours: {heard!r}")

    @rule("events.attestation")
    async def test_the_attestation_of_a_number_arrives(self, rig: Rig) -> None:
        applies(rig.harness.attests, "the carrier attests no numbers")
        for level in ("A", "B", "C", None):
            event = rig.about(
                CallOffered,
                key=f"attested-{level}",
                ours=False,
                direction=Direction.INBOUND,
                from_number=TO_NUMBER,
                to_number=FROM_NUMBER,
                attestation=level,
            )
            equal("attestation", the(CallOffered, rig.hear(rig.webhook(event))).attestation, level)
