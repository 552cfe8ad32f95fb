"""Do strangers hear their code, and does the key opt out, in every carrier's own voice?"""

from __future__ import annotations

import re
from typing import Any

import pytest

from voicecall.model.call import CallMode
from voicecall_conformance.phones.gateway import BOB

pytestmark = pytest.mark.anyio

LISTEN, HANG_UP = {"listen": True}, {"hangUp": True}
WAIT = {"wait": 60_000}
NATIVE: dict[str, Any] = {"streaming": {"enabled": False}}
"""Over media streams it is the same on every carrier, and heard on the simulated network."""


async def test_a_stranger_hears_a_code_and_is_let_in_once_it_is_approved(
    start: Any,
) -> None:
    changes = {
        **NATIVE,
        "inboundPolicy": "pairing",
        "inboundGreeting": "Good morning.",
        "pairing": {"message": "Your code is: {code}."},
    }
    async with start(LISTEN, HANG_UP, changes=changes) as gateway:
        phone = gateway.network.dial_in(BOB)
        await gateway.record_of(phone)
        (told,) = phone.heard
        code = "".join(re.findall(r"\d", told))
        assert len(code) == 6
        await gateway.service.policy.pairing.approve(code)
        phone = gateway.network.dial_in(BOB)
        await gateway.record_of(phone)
        assert phone.heard == ["Good morning."]


async def test_acceptance_41_the_offered_key_works_in_a_notify_call(start: Any) -> None:
    changes = {
        **NATIVE,
        "outbound": {"optOut": {"prompt": "To opt out, press 9."}, "notifyHangupDelaySec": 5},
    }
    async with start(LISTEN, {"press": "9"}, WAIT, changes=changes) as gateway:
        call_id = await gateway.call("The pizza is ready.", mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        assert record.digits == "9"
        (entry,) = await gateway.service.policy.do_not_call()
        assert (entry.number, entry.source) == (BOB, "digit")
