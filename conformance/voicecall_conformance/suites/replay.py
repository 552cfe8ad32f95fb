"""Does a repeated delivery look repeated, and nothing else?"""

from __future__ import annotations

from dataclasses import replace

from voicecall.sdk import CallAnswered, CallEnded, EndCause, WebhookRequest
from voicecall_conformance.borrowed import NOW
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, applies, equal, hold, rule
from voicecall_conformance.suites.signature import answered, moved


class ReplaySuite(Suite):
    """Area `replay`."""

    @rule("replay.same")
    async def test_a_repeated_delivery_has_the_same_key(self, rig: Rig) -> None:
        request = answered(rig)
        first = rig.provider.verify(request).replay_key
        equal("replay key of the repetition", rig.provider.verify(request).replay_key, first)

    @rule("replay.distinct")
    async def test_two_deliveries_have_two_keys(self, rig: Rig) -> None:
        requests = [
            rig.webhook(rig.about(CallAnswered, key="one")),
            rig.webhook(rig.about(CallEnded, key="two", cause=EndCause.COMPLETED)),
            rig.webhook(rig.about(CallEnded, key="three", cause=EndCause.BUSY)),
        ]
        keys = [rig.provider.verify(request).replay_key for request in requests]
        hold(len(set(keys)) == len(keys), f"replay keys of three deliveries: {keys!r}")

    @rule("replay.unsigned")
    async def test_what_is_not_signed_does_not_change_the_key(self, rig: Rig) -> None:
        request = answered(rig)
        key = rig.provider.verify(request).replay_key
        dressed = replace(
            request,
            headers=(*request.headers, ("x-request-id", "another"), ("x-twist", "1")),
            peer="198.51.100.9",
            received_at=request.received_at + 3,
        )
        equal("replay key with another header", rig.provider.verify(dressed).replay_key, key)
        if not rig.harness.signs_url:
            join = "&" if request.query_string else "?"
            led = moved(request, f"{request.url}{join}twist=1")
            equal("replay key with another query", rig.provider.verify(led).replay_key, key)

    @rule("replay.asks-again")
    async def test_waiting_twice_is_two_deliveries(self, rig: Rig) -> None:
        first = answered(rig)
        second = _next(rig, first)
        applies(second is not None, "an answer without instructions brings the carrier not back")
        assert second is not None
        third = _next(rig, second)
        hold(third is not None, "the carrier came back, was told nothing again, and stays away")
        assert third is not None
        hold(
            any(event.wants_instructions for event in rig.hear(third)),
            "the carrier came back, and is not given a chance to get instructions",
        )
        keys = [rig.provider.verify(request).replay_key for request in (first, second, third)]
        hold(len(set(keys)) == len(keys), f"replay keys of three deliveries: {keys!r}")


def _next(rig: Rig, request: WebhookRequest) -> WebhookRequest | None:
    """How the carrier comes back when `request` is answered without instructions."""
    reply = rig.reply(rig.provider.verify(request))
    back = rig.harness.comes_back(reply, urls=rig.urls, at=NOW)
    if back is not None:
        rig.note(back)
    return back
