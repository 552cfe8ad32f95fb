"""Does the provider dial, end and ask as it is told?"""

from __future__ import annotations

from voicecall.sdk import CarrierCallId, EndCause, Ended, Live
from voicecall_conformance.harness import Dialled, HungUp
from voicecall_conformance.rig import SECRET, TO_NUMBER, Rig
from voicecall_conformance.rules import RuleBroken, Suite, equal, hold, rule

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
        callbacks = rig.entries(Dialled)[0].callbacks
        hold(bool(callbacks), "the carrier was given no callback")
        for url in callbacks:
            hold(rig.call_id in url and SECRET in url, f"lacks the call's id or secret: {url}")

    @rule("lifecycle.hang-up")
    async def test_hanging_up_ends_the_call(self, rig: Rig) -> None:
        call = await rig.place()
        await rig.provider.hang_up(call)
        wanted = [HungUp(carrier_call_id=rig.carrier_call_id)]
        equal("ended at the carrier", rig.entries(HungUp), wanted)

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
            equal("cause of an ended call", status.cause, cause)

    @rule("lifecycle.escaping")
    async def test_a_call_id_is_escaped_in_a_path(self, rig: Rig) -> None:
        rig.harness.set_status(CarrierCallId(ODD_ID), Live(answered=True))
        await rig.provider.hang_up(rig.call(ODD_ID))
        wanted = [HungUp(carrier_call_id=CarrierCallId(ODD_ID))]
        equal("ended at the carrier", rig.entries(HungUp), wanted)
