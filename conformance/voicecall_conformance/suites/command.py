"""Does a live call do what the provider is told to have it do?"""

from __future__ import annotations

from voicecall.sdk import (
    Capability,
    CapabilityMissing,
    CarrierCallGone,
    EndCause,
    Ended,
    HangUp,
    Instruction,
    Live,
)
from voicecall_conformance.harness import Commanded
from voicecall_conformance.instructions import GATHER, NEEDS, SAY, essence, samples
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, equal, refused, rule


class CommandSuite(Suite):
    """Area `command`."""

    @rule("command.order")
    async def test_a_command_arrives_as_it_was_given(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        chosen: list[Instruction] = [HangUp()]
        if rig.declares(Capability.NATIVE_SPEECH) and rig.declares(Capability.NATIVE_LISTENING):
            chosen = [SAY, GATHER]
        await rig.provider.command(call, chosen)
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
            await rig.provider.command(call, (HangUp(),))

    @rule("command.undeclared")
    async def test_what_is_not_declared_is_refused_before_any_request(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        for instruction in samples(rig):
            capability = NEEDS[type(instruction)]
            before = len(rig.requests)
            if rig.declares(capability):
                await rig.provider.command(call, (instruction,))
                continue
            with refused(CapabilityMissing, f"{instruction!r} without {capability}"):
                await rig.provider.command(call, (instruction,))
            equal(f"requests after {instruction!r} was refused", len(rig.requests), before)
