"""Does `check` find what is wrong with an account, and say what to do?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from voicecall.sdk import Severity
from voicecall_conformance.harness import Failure
from voicecall_conformance.rig import FROM_NUMBER, Rig, rigged
from voicecall_conformance.vendor import RestAnswer, RestRequest
from voicecall_twilio.testing import ACCOUNT, TwilioHarness

pytestmark = pytest.mark.anyio

BASE = "https://voice.example.test:8443/line/webhook"
OWNED = {
    "phone_number": FROM_NUMBER,
    "capabilities": {"voice": True, "sms": False},
    "voice_url": BASE,
    "voice_fallback_url": f"{BASE}/fallback",
    "status_callback": f"{BASE}/status#rc=2",
}


class Account(TwilioHarness):
    """An account with a number, as its read-only resources tell it."""

    status = "active"
    kind = "Full"
    numbers: tuple[Mapping[str, Any], ...] = (OWNED,)
    verified: tuple[Mapping[str, Any], ...] = ()
    asked: list[str]

    def answer(self, request: RestRequest) -> RestAnswer:
        """Accounts and numbers."""
        assert request.method == "GET", "check reads only"
        path = request.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}")
        if path == ".json":
            return answer({"sid": ACCOUNT, "status": self.status, "type": self.kind})
        assert "PhoneNumber=%2B15550001111" in request.query
        if path == "/IncomingPhoneNumbers.json":
            return answer({"incoming_phone_numbers": list(self.numbers)})
        assert path == "/OutgoingCallerIds.json"
        return answer({"outgoing_caller_ids": list(self.verified)})


def answer(body: Mapping[str, Any]) -> RestAnswer:
    return RestAnswer(body=json.dumps(body).encode())


async def found(account: Account) -> list[tuple[Severity, str]]:
    async with rigged(account) as rig:
        return await findings(rig)


async def findings(rig: Rig) -> list[tuple[Severity, str]]:
    findings = await rig.provider.check()
    for finding in findings:
        assert (finding.remedy is None) == (finding.severity is Severity.OK)
        assert FROM_NUMBER not in f"{finding.message}{finding.remedy}"
    return [(finding.severity, finding.message) for finding in findings]


async def test_an_account_in_order_has_nothing_but_good_findings() -> None:
    told = await found(Account())
    assert [severity for severity, _ in told] == [Severity.OK] * 3


async def test_a_suspended_account_is_an_error() -> None:
    account = Account()
    account.status = "suspended"
    assert (await found(account))[0][0] is Severity.ERROR


async def test_a_trial_account_is_a_warning() -> None:
    account = Account()
    account.kind = "Trial"
    assert Severity.WARNING in dict(await found(account))


async def test_a_number_of_somebody_else_is_an_error() -> None:
    account = Account()
    account.numbers = ()
    assert (await found(account))[-1][0] is Severity.ERROR
    account = Account()
    account.numbers, account.verified = (), ({"phone_number": FROM_NUMBER},)
    assert (await found(account))[-1][0] is Severity.WARNING


async def test_a_number_without_voice_is_an_error() -> None:
    account = Account()
    account.numbers = ({**OWNED, "capabilities": {"voice": False}},)
    assert Severity.ERROR in dict(await found(account))


@pytest.mark.parametrize("field", ["voice_url", "voice_fallback_url", "status_callback"])
async def test_a_webhook_that_leads_elsewhere_is_a_warning(field: str) -> None:
    account = Account()
    for value in (None, "", "https://demo.twilio.com/welcome/voice/"):
        account.numbers = ({**OWNED, field: value},)
        warnings = [text for severity, text in await found(account) if severity == "warning"]
        assert len(warnings) == 1


@pytest.mark.parametrize("failure", Failure)
async def test_whatever_twilio_answers_is_a_finding(failure: Failure) -> None:
    async with rigged(Account()) as rig:
        rig.failure = failure
        assert (await findings(rig))[0][0] is Severity.ERROR


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}"])
async def test_an_answer_of_something_else_is_a_finding(body: bytes) -> None:
    async with rigged(Account()) as rig:
        rig.stand_in = RestAnswer(body=body)
        assert (await findings(rig))[0][0] is Severity.ERROR


async def test_a_host_name_that_twilio_refuses_is_an_error() -> None:
    async with rigged(Account()) as rig:
        rig.urls.base = "http://my_host.example/webhook"
        told = await findings(rig)
        assert any(severity is Severity.ERROR and "'_'" in text for severity, text in told)
