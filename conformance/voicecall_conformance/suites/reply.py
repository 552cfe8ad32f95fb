"""Does the answer to a webhook tell the carrier what we meant?"""

from __future__ import annotations

import unicodedata

from voicecall.sdk import (
    Answer,
    CallAnswered,
    CallEnded,
    CallOffered,
    Capability,
    CapabilityMissing,
    CarrierCall,
    Direction,
    EndCause,
    HangUp,
    HttpReply,
    Instruction,
    Live,
    Pause,
    Reject,
    RejectReason,
    Say,
    VerifiedWebhook,
)
from voicecall_conformance.borrowed import NOW
from voicecall_conformance.instructions import GATHER, SAY, essence
from voicecall_conformance.ledger import Commanded
from voicecall_conformance.rig import FROM_NUMBER, TO_NUMBER, Rig
from voicecall_conformance.rules import Suite, applies, equal, hold, refused, rule

HOSTILE = (
    "</Say><Dial>+19005550000</Dial><Say>",
    "Q&A: 5 < 6 > 4, \"quoted\" 'text'",
    '"}]},{"verb":"hangUp"',
    "<![CDATA[ ]]> &amp; &#x3C;Hangup/&#x3E;",
    "Grüße 電話 📞 שלום",
    "a\x00b\x07c\x1bd",
)


LONG = " ".join(f"word{number}" for number in range(1200))


def wanting(rig: Rig) -> VerifiedWebhook:
    """A verified webhook about an answered call."""
    return rig.provider.verify(rig.webhook(rig.about(CallAnswered, key="answered")))


def readable(text: str) -> str:
    """`text` without control characters, which no voice can speak."""
    return "".join(each for each in text if unicodedata.category(each) != "Cc")


def well_received(reply: HttpReply) -> None:
    """The carrier must not take the answer for a failure."""
    hold(200 <= reply.status < 300, f"answered with status {reply.status}")


class ReplySuite(Suite):
    """Area `reply`."""

    @rule("reply.acknowledges")
    async def test_what_wants_nothing_is_acknowledged(self, rig: Rig) -> None:
        ended = rig.about(CallEnded, key="ended", cause=EndCause.COMPLETED)
        reply = rig.reply(rig.provider.verify(rig.webhook(ended)), ())
        well_received(reply)
        equal("what the carrier is told", list(rig.harness.read(reply)), [])

    @rule("reply.keeps-alive")
    async def test_an_answer_without_instructions_leaves_the_call_up(self, rig: Rig) -> None:
        reply = rig.reply(wanting(rig), ())
        well_received(reply)
        told = list(rig.harness.read(reply))
        hold(not any(isinstance(each, HangUp | Reject) for each in told), f"told: {told!r}")

    @rule("reply.order")
    async def test_instructions_arrive_in_their_order(self, rig: Rig) -> None:
        if not rig.spec.steers_by_document:
            equal("what the answer tells", rig.harness.read(rig.reply(wanting(rig), ())), ())
            return
        chosen: list[Instruction] = [Pause(seconds=2), HangUp()]
        if rig.declares(Capability.NATIVE_SPEECH) and rig.declares(Capability.NATIVE_LISTENING):
            chosen = [SAY, GATHER, Pause(seconds=2), HangUp()]
        reply = rig.reply(wanting(rig), chosen)
        well_received(reply)
        equal("what the carrier reads", essence(rig.harness.read(reply)), essence(chosen))

    @rule("reply.pure")
    async def test_the_same_question_has_the_same_answer(self, rig: Rig) -> None:
        chosen: tuple[Instruction, ...] = (HangUp(),) if rig.spec.steers_by_document else ()
        webhook = wanting(rig)
        equal("second answer", rig.reply(webhook, chosen), rig.reply(webhook, chosen))
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        speaks = rig.declares(Capability.NATIVE_SPEECH)
        await rig.provider.command(call, (SAY if speaks else HangUp(),))
        for request in rig.harness.fetches(urls=rig.urls, at=NOW):
            fetching = rig.provider.verify(request)
            equal("document fetched again", rig.reply(fetching), rig.reply(fetching))

    @rule("reply.text")
    async def test_spoken_text_never_becomes_an_instruction(self, rig: Rig) -> None:
        if not rig.declares(Capability.NATIVE_SPEECH):
            return
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        for text in HOSTILE:
            ways = [await commanded(rig, call, Say(text=text))]
            if rig.spec.steers_by_document:
                ways.append(replied(rig, wanting(rig), Say(text=text)))
            for told in ways:
                heard = [readable(each.text) if isinstance(each, Say) else each for each in told]
                equal("what is spoken", heard, [readable(text)])

    @rule("reply.long")
    async def test_long_text_is_spoken_whole(self, rig: Rig) -> None:
        if not rig.declares(Capability.NATIVE_SPEECH):
            return
        if rig.spec.steers_by_document:
            told = replied(rig, wanting(rig), Say(text=LONG))
        else:
            call = await rig.place()
            rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
            told = await commanded(rig, call, Say(text=LONG))
        hold(all(isinstance(each, Say) for each in told), f"told {told!r}")
        pieces = [each.text for each in told if isinstance(each, Say)]
        equal("words that are spoken", " ".join(pieces).split(), LONG.split())

    @rule("reply.rejects")
    async def test_a_refused_caller_is_refused(self, rig: Rig) -> None:
        for reason in RejectReason:
            told = await _met(rig, Reject(reason=reason))
            if told is not None:
                heard = reason if rig.harness.tells_busy else RejectReason.REJECTED
                equal("what the carrier is told", told, [Reject(reason=heard)])

    @rule("reply.answers")
    async def test_an_accepted_caller_is_answered(self, rig: Rig) -> None:
        if not rig.spec.steers_by_document:
            told = await _met(rig, Answer())
            equal("what the carrier is told", told or [Answer()], [Answer()])
            return
        told = await _met(rig, Answer(), Pause(seconds=2))
        if told is not None:
            others = [each for each in told if not isinstance(each, Answer)]
            equal("what the carrier is told", essence(others), essence([Pause(seconds=2)]))

    @rule("reply.apology")
    async def test_the_document_of_last_resort_says_something(self, rig: Rig) -> None:
        applies(rig.spec.steers_by_document, "a command carrier fetches no documents")
        await rig.place()
        request = rig.harness.fallback(urls=rig.urls, at=NOW)
        applies(request is not None, "the carrier has no document of last resort")
        assert request is not None
        rig.note(request)
        reply = rig.provider.apology(rig.provider.verify(request))
        hold(reply is not None, "no apology for the document of last resort")
        assert reply is not None
        rig.note_reply(reply)
        well_received(reply)
        told = list(rig.harness.read(reply))
        kinds = [type(each) for each in told]
        hold(kinds[:1] == [Say] and kinds[-1:] == [HangUp], f"the apology is {told!r}")
        equal("apology for another webhook", rig.provider.apology(wanting(rig)), None)


def replied(rig: Rig, webhook: VerifiedWebhook, *instructions: Instruction) -> list[Instruction]:
    """What the carrier reads in an answer."""
    reply = rig.reply(webhook, instructions)
    well_received(reply)
    return list(rig.harness.read(reply))


async def commanded(rig: Rig, call: CarrierCall, *instructions: Instruction) -> list[Instruction]:
    """What the carrier understands of a command."""
    before = len(rig.entries(Commanded))
    await rig.command(call, *instructions)
    entries = rig.entries(Commanded)[before:]
    return [each for entry in entries for each in entry.instructions]


async def _met(rig: Rig, *instructions: Instruction) -> list[Instruction] | None:
    """What the carrier does with a caller; None where inbound is not declared, and refused."""
    call = rig.call(direction=Direction.INBOUND, answered=False)
    if not rig.declares(Capability.INBOUND):
        before = len(rig.requests)
        with refused(CapabilityMissing, f"{instructions!r} without inbound"):
            await rig.command(call, *instructions)
        equal("requests after it was refused", len(rig.requests), before)
        return None
    if not rig.spec.steers_by_document:
        rig.harness.set_status(rig.carrier_call_id, Live(answered=False))
        return await commanded(rig, call, *instructions)
    offered = rig.about(
        CallOffered,
        key="offered",
        ours=False,
        direction=Direction.INBOUND,
        from_number=TO_NUMBER,
        to_number=FROM_NUMBER,
    )
    return replied(rig, rig.provider.verify(rig.webhook(offered)), *instructions)
