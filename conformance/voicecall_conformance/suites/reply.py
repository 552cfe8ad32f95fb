"""Does the answer to a webhook tell the carrier what we meant?"""

from __future__ import annotations

import unicodedata

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    Capability,
    EndCause,
    HangUp,
    HttpReply,
    Instruction,
    Pause,
    Reject,
    Say,
    VerifiedWebhook,
)
from voicecall_conformance.harness import Commanded
from voicecall_conformance.instructions import GATHER, SAY, essence
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, equal, hold, rule

HOSTILE = (
    "</Say><Dial>+19005550000</Dial><Say>",
    "Q&A: 5 < 6 > 4, \"quoted\" 'text'",
    '"}]},{"verb":"hangUp"',
    "<![CDATA[ ]]> &amp; &#x3C;Hangup/&#x3E;",
    "Grüße 電話 📞 שלום",
    "a\x00b\x07c\x1bd",
)


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
        reply = rig.provider.reply(rig.provider.verify(rig.webhook(ended)), ())
        well_received(reply)
        equal("what the carrier is told", list(rig.harness.read(reply)), [])

    @rule("reply.keeps-alive")
    async def test_an_answer_without_instructions_leaves_the_call_up(self, rig: Rig) -> None:
        reply = rig.provider.reply(wanting(rig), ())
        well_received(reply)
        told = list(rig.harness.read(reply))
        hold(not any(isinstance(each, HangUp | Reject) for each in told), f"told: {told!r}")

    @rule("reply.order")
    async def test_instructions_arrive_in_their_order(self, rig: Rig) -> None:
        if not rig.spec.steers_by_document:
            equal(
                "what the answer tells", rig.harness.read(rig.provider.reply(wanting(rig), ())), ()
            )
            return
        chosen: list[Instruction] = [Pause(seconds=2), HangUp()]
        if rig.declares(Capability.NATIVE_SPEECH) and rig.declares(Capability.NATIVE_LISTENING):
            chosen = [SAY, GATHER, Pause(seconds=2), HangUp()]
        reply = rig.provider.reply(wanting(rig), chosen)
        well_received(reply)
        equal("what the carrier reads", essence(rig.harness.read(reply)), essence(chosen))

    @rule("reply.text")
    async def test_spoken_text_never_becomes_an_instruction(self, rig: Rig) -> None:
        if not rig.declares(Capability.NATIVE_SPEECH):
            return
        for text in HOSTILE:
            told = await _tell(rig, Say(text=text))
            heard = [readable(each.text) if isinstance(each, Say) else each for each in told]
            equal("what is spoken", heard, [readable(text)])


async def _tell(rig: Rig, instruction: Instruction) -> list[Instruction]:
    """What the carrier understands of one instruction, by whichever way it is steered."""
    if rig.spec.steers_by_document:
        return list(rig.harness.read(rig.provider.reply(wanting(rig), (instruction,))))
    call = await rig.place()
    await rig.provider.command(call, (instruction,))
    return list(rig.entries(Commanded)[-1].instructions)
