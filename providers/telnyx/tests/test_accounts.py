"""What do `setup`, `doctor` and a restart learn from the account?"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from voicecall.sdk import (
    CallId,
    EndCause,
    Ended,
    Finding,
    Live,
    Severity,
    Unknown,
)
from voicecall_conformance import HungUp, RestAnswer, RestRequest
from voicecall_conformance.rig import Rig, rigged
from voicecall_telnyx.client_state import ClientState, write_state
from voicecall_telnyx.config import TelnyxConfig
from voicecall_telnyx.network.reports import CONNECTION_ID, private_key, public_key
from voicecall_telnyx.testing import WEBHOOK_URL, TelnyxHarness

APPLICATION = f"/v2/call_control_applications/{CONNECTION_ID}"
ACTIVE = f"/v2/connections/{CONNECTION_ID}/active_calls"
PROFILE = "/v2/outbound_voice_profiles/1293384261075731499"
GOOD_KEY = public_key(private_key("any"))


class Account(TelnyxHarness):
    """An account in which some things are otherwise."""

    def __init__(self, otherwise: Mapping[str, object], **section: object) -> None:
        super().__init__()
        self._otherwise = otherwise
        self._section = section

    def config(self, base_url: str) -> Mapping[str, object]:
        return {**super().config(base_url), **self._section}

    def answer(self, request: RestRequest) -> RestAnswer:
        found = self._otherwise.get(request.path)
        if found is None:
            return super().answer(request)
        if isinstance(found, int):
            return RestAnswer(status=found, body=b"{}")
        return RestAnswer(body=json.dumps({"data": found}).encode())


async def findings(account: Account) -> dict[str, Finding]:
    async with rigged(account) as rig:
        return {finding.subject: finding for finding in await rig.provider.check()}


def application(**changes: object) -> dict[str, object]:
    profile = {"outbound_voice_profile_id": "1293384261075731499"}
    own = {"active": True, "webhook_event_url": WEBHOOK_URL, "outbound": profile}
    return {**own, "webhook_api_version": "2", **changes}


@pytest.mark.anyio
async def test_a_good_account_gives_no_advice() -> None:
    found = await findings(Account({}))
    assert {finding.severity for finding in found.values()} == {Severity.OK}
    assert len(found) == 6


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("otherwise", "subject", "severity"),
    [
        ({"/v2/balance": {"available_credit": "0.00"}}, "API key", Severity.WARNING),
        ({"/v2/balance": 401}, "API key", Severity.ERROR),
        ({"/v2/balance": 503}, "API key", Severity.ERROR),
        ({"/v2/balance": 403}, "API key", Severity.WARNING),
        ({"/v2/balance": 404, APPLICATION: 404}, "Call Control application", Severity.ERROR),
        ({APPLICATION: 404}, "Call Control application", Severity.ERROR),
        ({APPLICATION: application(active=False)}, "Call Control application", Severity.ERROR),
        (
            {APPLICATION: application(webhook_event_url="https://other.example.com")},
            "webhook URL",
            Severity.WARNING,
        ),
        ({APPLICATION: application(webhook_api_version="1")}, "webhook URL", Severity.ERROR),
        ({APPLICATION: application(outbound=None)}, "outbound voice profile", Severity.ERROR),
        ({PROFILE: {"enabled": False}}, "outbound voice profile", Severity.ERROR),
        ({PROFILE: 404}, "outbound voice profile", Severity.ERROR),
        ({"/v2/phone_numbers": []}, "number", Severity.WARNING),
        (
            {"/v2/phone_numbers": [{"phone_number": "+15550001111", "connection_id": "7"}]},
            "number",
            Severity.WARNING,
        ),
        ({"/v2/phone_numbers": 403}, "number", Severity.ERROR),
    ],
)
async def test_what_is_wrong_comes_with_a_remedy(
    otherwise: Mapping[str, object], subject: str, severity: Severity
) -> None:
    finding = (await findings(Account(otherwise)))[subject]
    assert finding.severity is severity
    assert finding.remedy


@pytest.mark.anyio
async def test_no_public_key_is_an_error() -> None:
    finding = (await findings(Account({}, publicKey=[])))["public key"]
    assert finding.severity is Severity.ERROR
    assert "Public key" in (finding.remedy or "")


@pytest.mark.parametrize("key", ["not base64!", "03a107bff3ce10be1d70dd18e74bc0", "", "A" * 88])
def test_a_key_that_cannot_be_read_is_an_error_of_the_configuration(key: str) -> None:
    section = {"apiKey": "KEY", "connectionId": "1", "publicKey": [GOOD_KEY, key]}
    with pytest.raises(ValidationError, match=r"PEM.*32 bytes.*DER") as error:
        TelnyxConfig.model_validate(section)
    assert error.value.errors()[0]["loc"][:2] == ("publicKey", 1)
    assert "not base64!" not in str(error.value.errors()[0]["msg"])


# -- calls that we lost sight of


HANGUP = {"payload": {"call_control_id": "v3:x", "hangup_cause": "user_busy"}}


class Later(dict[str, object]):
    """What is found at one path changes with each question."""

    def __init__(self, path: str, answers: list[object]) -> None:
        self._path = path
        self._answers = answers

    def get(self, path: str, default: object = None) -> object:
        return self._answers.pop(0) if path == self._path else default


def live_call(rig: Rig, call_id: str | None, *, up: bool = False) -> dict[str, Any]:
    state = ClientState(call=CallId(call_id) if call_id else None, secret="s", up=up)
    return {"call_control_id": rig.carrier_call_id, "client_state": write_state(state)}


@pytest.mark.anyio
@pytest.mark.parametrize("up", [True, False])
async def test_a_call_whose_order_was_lost_is_found_and_can_be_ended(up: bool) -> None:
    active: list[object] = [{"call_control_id": "v3:y", "client_state": None}, "odd"]
    async with rigged(Account({ACTIVE: active})) as rig:
        rig.carrier_call_id = (await rig.place()).carrier_call_id  # type: ignore[assignment]
        lost = rig.call()
        lost = type(lost)(
            call_id=lost.call_id,
            carrier_call_id=None,
            secret=lost.secret,
            direction=lost.direction,
            answered=False,
        )
        assert await rig.provider.status(lost) == Unknown()
        await rig.provider.hang_up(lost)
        assert rig.entries(HungUp) == []
        active.append(live_call(rig, rig.call_id, up=up))
        assert await rig.provider.status(lost) == Live(answered=up)
        await rig.provider.hang_up(lost)
        assert rig.entries(HungUp) == [HungUp(carrier_call_id=rig.carrier_call_id)]


@pytest.mark.anyio
async def test_whether_a_call_was_answered_meanwhile_stands_among_its_events() -> None:
    async with rigged(TelnyxHarness()) as rig:
        await rig.place()
        for answered in (True, False):
            rig.harness.set_status(rig.carrier_call_id, Live(answered=answered))
            status = await rig.provider.status(rig.call(answered=False))
            assert status == Live(answered=answered)


@pytest.mark.anyio
async def test_an_end_that_telnyx_tells_a_moment_late_is_the_right_one() -> None:
    answers: list[object] = [404, [], [{"name": "call.hangup", "metadata": HANGUP}]]
    async with rigged(Account(Later("/v2/call_events", answers))) as rig:
        await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Ended(cause=EndCause.COMPLETED))
        status = await rig.provider.status(rig.call(answered=False))
        assert isinstance(status, Ended)
        assert status.cause is EndCause.BUSY


@pytest.mark.anyio
@pytest.mark.parametrize("events", [404, [], [{"name": "call.answered"}], "odd"])
async def test_an_end_of_which_telnyx_tells_nothing_is_an_end(events: object) -> None:
    async with rigged(Account({"/v2/call_events": events})) as rig:
        await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Ended(cause=EndCause.BUSY))
        for answered, cause in ((True, EndCause.COMPLETED), (False, EndCause.FAILED)):
            status = await rig.provider.status(rig.call(answered=answered))
            assert isinstance(status, Ended)
            assert status.cause is cause
            assert status.detail
