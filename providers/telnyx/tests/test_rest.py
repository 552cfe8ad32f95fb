"""Do requests look like the SDK's, and do refusals become the right error?"""

import json
from typing import Any

import pytest

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierCallGone,
    CarrierCallId,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    HangUp,
    Live,
    SendDigits,
)
from voicecall_conformance import HungUp, RestAnswer
from voicecall_conformance.rig import rigged
from voicecall_telnyx.network.account import API_KEY
from voicecall_telnyx.rest import NotPossibleNow
from voicecall_telnyx.testing import TelnyxHarness

ODD_ID = CarrierCallId("v3:abc/x y+z?q#f%41-_~")


def refusal(status: int, code: str | None, title: str, pointer: str | None = None) -> RestAnswer:
    error: dict[str, Any] = {"title": title, "detail": f"{title} +15550002222"}
    if code is not None:
        error["code"] = code
    if pointer is not None:
        error["source"] = {"pointer": pointer}
    return RestAnswer(status=status, body=json.dumps({"errors": [error]}).encode())


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(401, "10009", "Authentication failed"), CarrierAuthFailed),
        (refusal(403, "10010", "Authorization failed"), CarrierRejected),
        (refusal(404, "10005", "Resource not found"), CarrierCallGone),
        (refusal(422, "10005", "Resource not found"), CarrierCallGone),
        (refusal(422, "10006", "Invalid ID"), CarrierCallGone),
        (refusal(422, "10006", "Invalid ID", "/call_control_id"), CarrierCallGone),
        (refusal(422, "10006", "Invalid ID", "/stream_id"), CarrierRejected),
        (refusal(422, "90015", "Invalid Call Control ID"), CarrierCallGone),
        (refusal(422, "90018", "Call has already ended"), CarrierCallGone),
        (refusal(422, "90999", "Call has already ended"), CarrierCallGone),
        (refusal(422, "90034", "Call not answered yet"), NotPossibleNow),
        (refusal(422, None, "Not now"), NotPossibleNow),
        (refusal(422, "10015", "Bad Request", "/digits"), CarrierRejected),
        (refusal(400, "10015", "Bad Request"), CarrierRejected),
        (refusal(429, "10011", "Too many requests"), CarrierRateLimited),
        (refusal(408, None, "Request Timeout"), CarrierUnreachable),
        (refusal(500, "10007", "Unexpected error"), CarrierUnreachable),
        (refusal(504, "10008", "Timed out"), CarrierUnreachable),
        (RestAnswer(status=302, body=b"<html>"), CarrierUnreachable),
    ],
)
async def test_a_refused_command_is_the_error_that_it_means(
    answer: RestAnswer, error: type[CarrierError]
) -> None:
    async with rigged(TelnyxHarness()) as rig:
        call = await rig.place()
        rig.stand_in = answer
        with pytest.raises(CarrierError) as caught:
            await rig.provider.command(call, [SendDigits(digits="1")])
        assert type(caught.value) is error
        assert caught.value.retryable is (error in (CarrierUnreachable, CarrierRateLimited))
        assert "5550002222" not in str(caught.value)


@pytest.mark.anyio
async def test_an_order_that_telnyx_does_not_find_something_for_is_refused() -> None:
    """A dial is about no call yet, so nothing of it can be gone."""
    async with rigged(TelnyxHarness()) as rig:
        rig.stand_in = refusal(404, "10005", "Resource not found", "/connection_id")
        with pytest.raises(CarrierRejected, match="connection_id"):
            await rig.place()


@pytest.mark.anyio
async def test_the_sdk_and_we_escape_a_call_id_alike() -> None:
    telnyx = pytest.importorskip("telnyx", reason="the SDK is the oracle")
    async with rigged(TelnyxHarness()) as rig:
        rig.harness.set_status(ODD_ID, Live(answered=True))
        await rig.provider.command(rig.call(ODD_ID), [HangUp()])
        base_url = f"{rig.config.api_base_url}/v2"
        async with telnyx.AsyncTelnyx(api_key=API_KEY, base_url=base_url, max_retries=0) as client:
            await client.calls.actions.hangup(ODD_ID, command_id="c")
        assert rig.entries(HungUp) == [HungUp(carrier_call_id=ODD_ID)] * 2
        ours, theirs = rig.requests
        assert ours.headers["authorization"] == theirs.headers["authorization"]
        assert ours.method == theirs.method


@pytest.mark.anyio
@pytest.mark.parametrize("suffix", ["", "/", "/v2", "/v2/"])
async def test_the_base_url_is_an_origin(suffix: str) -> None:
    class Suffixed(TelnyxHarness):
        def config(self, base_url: str) -> dict[str, object]:
            return dict(super().config(base_url + suffix))

    async with rigged(Suffixed()) as rig:
        await rig.place()
        assert [request.path for request in rig.requests] == ["/v2/calls"]
