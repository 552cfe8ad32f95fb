"""Does a live call do what the provider is told to have it do?"""

from __future__ import annotations

from collections.abc import Iterator

from voicecall.sdk import (
    Capability,
    CapabilityMissing,
    CarrierCallGone,
    CarrierError,
    EndCause,
    Ended,
    HangUp,
    Instruction,
    Live,
    OpenStream,
    SendDigits,
    StopSpeaking,
)
from voicecall_conformance.instructions import GATHER, NEEDS, SAY, essence, samples
from voicecall_conformance.ledger import Commanded
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, applies, equal, hold, refused, rule
from voicecall_conformance.suites.reply import commanded, replied, wanting

KEYS = SendDigits(digits="1w2#")


class CommandSuite(Suite):
    """Area `command`."""

    @rule("command.order")
    async def test_a_command_arrives_as_it_was_given(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        chosen: list[Instruction] = [HangUp()]
        if rig.declares(Capability.NATIVE_SPEECH) and rig.declares(Capability.NATIVE_LISTENING):
            chosen = [SAY, GATHER]
        await rig.command(call, *chosen)
        commands = rig.entries(Commanded)
        told = [each for command in commands for each in command.instructions]
        equal("what the carrier is told", essence(told), essence(chosen))
        if rig.spec.steers_by_document:
            equal("number of deliveries", len(commands), 1)

    @rule("command.gone")
    async def test_a_call_that_ended_takes_no_command(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Ended(cause=EndCause.COMPLETED))
        with refused(CarrierCallGone, "a command for a call that has ended"):
            await rig.command(call, HangUp())

    @rule("command.undeclared")
    async def test_what_is_not_declared_is_refused_before_any_request(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        for instruction in samples(rig):
            capability = NEEDS[type(instruction)]
            before = len(rig.requests)
            if rig.declares(capability):
                await rig.command(call, instruction)
                continue
            with refused(CapabilityMissing, f"{instruction!r} without {capability}"):
                await rig.command(call, instruction)
            equal(f"requests after {instruction!r} was refused", len(rig.requests), before)

    @rule("command.stops")
    async def test_a_command_carrier_can_be_silenced(self, rig: Rig) -> None:
        applies(not rig.spec.steers_by_document, "a document carrier's listening stops its prompt")
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        if not rig.declares(Capability.NATIVE_SPEECH):
            with refused(CapabilityMissing, "StopSpeaking without native speech"):
                await rig.command(call, StopSpeaking())
            return
        await rig.command(call, StopSpeaking())
        told = [each for command in rig.entries(Commanded) for each in command.instructions]
        equal("what the carrier is told", told, [StopSpeaking()])

    @rule("command.digits")
    async def test_keys_are_pressed_whichever_way_they_go(self, rig: Rig) -> None:
        if not rig.declares(Capability.SEND_DIGITS):
            return  # refused, as command.undeclared proves
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        for chosen in _with_keys(rig):
            told = await commanded(rig, call, *chosen)
            equal("what a command tells the carrier", essence(told), essence(chosen))
            if rig.spec.steers_by_document and not rig.spec.digits_by_command:
                told = replied(rig, wanting(rig), *chosen)
                equal("what an answer tells the carrier", essence(told), essence(chosen))

    @rule("command.once")
    async def test_a_lost_command_is_not_carried_out_twice(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        rig.lost = True
        with refused(CarrierError, "a command of which every answer is lost"):
            await rig.command(call, SAY if rig.declares(Capability.NATIVE_SPEECH) else HangUp())
        commands = rig.entries(Commanded)
        hold(len(commands) <= 1, f"the carrier carried out {commands!r}")


def _with_keys(rig: Rig) -> Iterator[list[Instruction]]:
    """Keys alone, and with what the kernel has wait for them."""
    yield [KEYS]
    if rig.declares(Capability.NATIVE_LISTENING):
        yield [KEYS, GATHER]
    if rig.spec.digits_end_stream:
        opening = rig.opening()
        yield [KEYS, OpenStream(url=opening.url, token=opening.token)]
