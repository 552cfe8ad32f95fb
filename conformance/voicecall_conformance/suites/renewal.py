"""Does the provider take other secrets while it is open, and let go of the former ones in time?"""

from __future__ import annotations

from voicecall.sdk import FORMER_SECONDS, CallAnswered, SignatureInvalid, WebhookRequest
from voicecall_conformance.borrowed import NOW
from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, applies, refused, rule

NEW_KEY = "the-key-that-takes-the-place-of-the-genuine-one"


def signed(rig: Rig, carrier: ProviderHarness) -> WebhookRequest:
    """A webhook that every carrier can send, signed by `carrier`."""
    event = rig.about(CallAnswered, key="answered")
    request = carrier.webhook(event, urls=rig.urls, at=NOW)
    if request is None:
        raise LookupError(f"the harness cannot phrase {event!r}; `webhook` must sign it")
    rig.note(request)
    return request


class RenewalSuite(Suite):
    """Of area `signature`, the change of secrets."""

    @rule("signature.renewed")
    async def test_other_secrets_count_at_once_and_the_former_for_a_while(self, rig: Rig) -> None:
        carrier = type(rig.harness)(key=NEW_KEY)
        renew = rig.provider.renewal(rig.configured(carrier))
        applies(renew is not None, "only a restart gives it other secrets")
        assert renew is not None
        former, new = signed(rig, rig.harness), signed(rig, carrier)
        rig.provider.verify(former)
        with refused(SignatureInvalid, "other secrets before they are in force"):
            rig.provider.verify(new)
        renew()
        for request in (former, new):
            rig.provider.verify(request)
        await rig.context.clock.sleep(FORMER_SECONDS + 1)
        rig.provider.verify(new)
        with refused(SignatureInvalid, f"the former secrets after {FORMER_SECONDS:g} s"):
            rig.provider.verify(former)
