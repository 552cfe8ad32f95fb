"""Does the provider dial, end and ask as it is told?"""

from __future__ import annotations

from voicecall.sdk import (
    Capability,
    CapabilityMissing,
    CarrierCallId,
    EndCause,
    Ended,
    Live,
    new_call_id,
)
from voicecall_conformance.ledger import UNTOLD, Dialled, HungUp
from voicecall_conformance.rig import FROM_NUMBER, SECRET, TO_NUMBER, Rig
from voicecall_conformance.rules import RuleBroken, Suite, applies, equal, hold, rule
from voicecall_conformance.suites.callbacks import callbacks_on_the_way

KEYS = "1w2W#"
OTHER_NUMBER = "+15550009999"
ODD_ID = "v3:a/b?c#d e%41+ü"


def dialled(rig: Rig) -> Dialled:
    """The one order that reached the carrier."""
    orders = rig.entries(Dialled)
    if len(orders) != 1:
        raise RuleBroken(f"the carrier was told to dial {len(orders)} times: {orders!r}")
    return orders[0]


class LifecycleSuite(Suite):
    """Area `lifecycle`."""

    @rule("lifecycle.dial")
    async def test_an_order_dials_once(self, rig: Rig) -> None:
        call = await rig.place()
        equal("dialled number", dialled(rig).to_number, TO_NUMBER)
        equal("carrier's id", call.carrier_call_id, dialled(rig).carrier_call_id)

    @rule("lifecycle.caller")
    async def test_the_number_that_is_called_from_reaches_the_carrier(self, rig: Rig) -> None:
        for given, wanted in ((OTHER_NUMBER, OTHER_NUMBER), (None, FROM_NUMBER)):
            await rig.place(call_id=new_call_id(), from_number=given)
            told = rig.entries(Dialled)[-1].from_number
            applies(told is not UNTOLD, "the harness does not say which number it calls from")
            equal(f"called from, the order says {given!r}", told, wanted)

    @rule("lifecycle.limits")
    async def test_limits_are_handed_to_the_carrier(self, rig: Rig) -> None:
        order = rig.order()
        await rig.place()
        told = rig.entries(Dialled)[0]
        equal("ring timeout", told.ring_timeout_seconds, order.ring_timeout_seconds)
        equal("longest duration", told.max_duration_seconds, order.max_duration_seconds)

    @rule("lifecycle.callbacks")
    async def test_callbacks_carry_the_call_and_its_secret(self, rig: Rig) -> None:
        await rig.place()
        told = rig.entries(Dialled)[0]
        hold(bool(told.callbacks), "the carrier was given no callback")
        for url in told.callbacks:
            _carries(rig, f"{url} {told.state}")
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        for url in await callbacks_on_the_way(rig):
            _carries(rig, url)

    @rule("lifecycle.hang-up")
    async def test_hanging_up_ends_the_call(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        before = len(rig.requests)
        await rig.provider.hang_up(call)
        wanted = [HungUp(carrier_call_id=rig.carrier_call_id)]
        equal("ended at the carrier", rig.entries(HungUp), wanted)
        equal("number of requests", len(rig.requests) - before, 1)

    @rule("lifecycle.gone")
    async def test_hanging_up_a_call_that_is_gone_is_success(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Ended(cause=EndCause.COMPLETED))
        await rig.provider.hang_up(call)
        await rig.provider.hang_up(rig.call("a-call-that-never-was"))

    @rule("lifecycle.status")
    async def test_status_says_what_the_carrier_says(self, rig: Rig) -> None:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        equal("status of a live call", await rig.provider.status(call), Live(answered=True))
        for cause in (EndCause.COMPLETED, EndCause.BUSY, EndCause.NO_ANSWER, EndCause.FAILED):
            rig.harness.set_status(rig.carrier_call_id, Ended(cause=cause))
            status = await rig.provider.status(call)
            hold(isinstance(status, Ended), f"an ended call is told as {status!r}")
            assert isinstance(status, Ended)
            if rig.harness.tells_cause:
                equal("cause of an ended call", status.cause, cause)

    @rule("lifecycle.escaping")
    async def test_a_call_id_is_escaped_in_a_path(self, rig: Rig) -> None:
        rig.harness.set_status(CarrierCallId(ODD_ID), Live(answered=True))
        await rig.provider.hang_up(rig.call(ODD_ID))
        wanted = [HungUp(carrier_call_id=CarrierCallId(ODD_ID))]
        equal("ended at the carrier", rig.entries(HungUp), wanted)

    @rule("lifecycle.clamps")
    async def test_limits_are_brought_into_the_range(self, rig: Rig) -> None:
        ranges = (rig.harness.ring_range, rig.harness.duration_range)
        applies(any(ranges), "the carrier takes limits of any length, says the harness")
        for ring, duration in ((0.5, 1), (100_000, 10_000_000)):
            limits = {"ring_timeout_seconds": ring, "max_duration_seconds": duration}
            await rig.place(call_id=new_call_id(), **limits)
            told = rig.entries(Dialled)[-1]
            _within("ring timeout", told.ring_timeout_seconds, rig.harness.ring_range)
            _within("longest duration", told.max_duration_seconds, rig.harness.duration_range)

    @rule("lifecycle.digits")
    async def test_keys_reach_the_carrier_with_the_order(self, rig: Rig) -> None:
        declared = rig.declares(Capability.SEND_DIGITS)
        told = await _ordered(rig, dtmf_sequence=KEYS, declared=declared)
        if told is not None:
            applies(told.digits is not UNTOLD, "the harness does not say which keys it was given")
            equal("keys at the carrier", told.digits or None, KEYS if declared else None)

    @rule("lifecycle.detects")
    async def test_detection_is_asked_for_where_it_is_wanted(self, rig: Rig) -> None:
        declared = rig.declares(Capability.MACHINE_DETECTION)
        for detect, beep in ((False, False), (True, False), (True, True)):
            wanted = {"detect_machine": detect, "await_beep": beep}
            told = await _ordered(rig, declared=declared, **wanted)
            if told is None:
                continue
            applies(told.detects is not UNTOLD, "the harness does not say if it is to detect")
            equal(f"asked to detect ({wanted})", told.detects, declared and detect)
            if told.awaits_beep is not UNTOLD:
                equal(f"asked for the beep ({wanted})", told.awaits_beep, declared and beep)

    @rule("lifecycle.cancels")
    async def test_hanging_up_ends_a_call_that_rings(self, rig: Rig) -> None:
        await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=False))
        await rig.provider.hang_up(rig.call(answered=False))
        wanted = [HungUp(carrier_call_id=rig.carrier_call_id)]
        equal("ended at the carrier", rig.entries(HungUp), wanted)


def _carries(rig: Rig, told: str) -> None:
    both = rig.call_id in told and SECRET in told
    hold(both, f"lacks the call's id or secret: {told}")


async def _ordered(rig: Rig, *, declared: bool, **wants: object) -> Dialled | None:
    """What the carrier was told; None when what is not declared was refused."""
    try:
        await rig.place(call_id=new_call_id(), **wants)
    except CapabilityMissing:
        hold(not declared, f"{wants} is declared, and was refused")
        return None
    return rig.entries(Dialled)[-1]


def _within(what: str, told: float | None, limits: tuple[float, float] | None) -> None:
    if limits is not None:
        low, high = limits
        hold(told is not None and low <= told <= high, f"{what}: {told!r} is not in {limits}")
