"""How is a carrier proved that is steered over REST? By the same network, told so.

A variant for the suite's own tests: whatever `MockHarness` does not have, this one has. It takes
commands instead of documents, signs the handshakes of its streams, and refuses limits that are
out of its range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from voicecall.sdk import (
    CallOrder,
    CarrierCallId,
    HttpReply,
    Instruction,
    ProviderSpec,
    SignatureInvalid,
    StreamOpening,
    VerifiedWebhook,
    same,
)
from voicecall_conformance import Failure, RestAnswer, RestRequest
from voicecall_conformance.mutants import Mutant, infect
from voicecall_mock import webhooks
from voicecall_mock.orders import PlaceOrder
from voicecall_mock.testing import MockHarness

RING = (5.0, 120.0)
DURATION = (30.0, 14_400.0)


class ByCommand(Mutant):
    """The provider of such a network; no mutant, but wrapped like one."""

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        """The answers to webhooks decide nothing."""
        return replace(spec, steers_by_document=False)

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        """A bare 200."""
        return HttpReply()

    def verify_stream(self, opening: StreamOpening) -> None:
        """The handshake is signed with the key of the webhooks."""
        given = dict(opening.headers).get(webhooks.SIGNATURE_HEADER, "")
        if not same(given, handshake_signature(MockHarness().key, opening.url)):
            raise SignatureInvalid("the handshake is not signed by the network")

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        """Limits come into the network's range."""
        ring = min(max(order.ring_timeout_seconds, RING[0]), RING[1])
        duration = min(max(order.max_duration_seconds, DURATION[0]), DURATION[1])
        return await self.inner.place_call(
            replace(order, ring_timeout_seconds=ring, max_duration_seconds=duration)
        )


class CommandedHarness(MockHarness):
    """The network that is steered over REST."""

    signs_streams = True
    ring_range = RING
    duration_range = DURATION
    wanting = ()

    def spec(self) -> ProviderSpec:
        """The provider that takes it as it is."""
        return infect(MockHarness, ByCommand).spec(self)

    def sign_stream(self, opening: StreamOpening, *, at: float) -> StreamOpening:
        """A signature over the URL."""
        signature = handshake_signature(self.key, opening.url)
        return replace(opening, headers=((webhooks.SIGNATURE_HEADER, signature),))

    def answer(self, request: RestRequest) -> RestAnswer:
        """As ever, but for limits that are out of range."""
        if (request.method, request.path) == ("POST", "/v1/calls"):
            order = msgspec.json.decode(request.body, type=PlaceOrder)
            rings = RING[0] <= order.ring_timeout_seconds <= RING[1]
            if not (rings and DURATION[0] <= order.max_duration_seconds <= DURATION[1]):
                return self.refusal(Failure.REFUSED)
        return super().answer(request)


def handshake_signature(key: str, url: str) -> str:
    """What the handshake of a stream to `url` carries."""
    return webhooks.sign(key=key, at=0, method="GET", url=url, body=b"")
