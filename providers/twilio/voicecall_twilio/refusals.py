"""What does Twilio's API mean when it does not do what we asked?

https://www.twilio.com/docs/api/errors. Its own messages are not passed on: they repeat numbers and
URLs, and with these a call's secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierCallGone,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
)

CALL_NOT_IN_PROGRESS = "21220"

REMEDIES: Mapping[str, str] = {
    "21201": "no number was given to call",
    "21202": "the number called is a premium one, which Twilio does not call",
    "21203": "the country of the number is not one that Twilio calls",
    "21205": "it cannot use our callback URL; check serve and publicUrl",
    "21210": "the number called from is neither owned nor verified; check fromNumber",
    "21211": "the number called is not a valid one",
    "21212": "the number called from is not a valid one; check fromNumber",
    "21213": "no number was given to call from; set fromNumber",
    "21214": "the number called cannot be reached from Twilio",
    "21215": "the account may not call that country; allow it under Voice, Geo permissions",
    "21216": "the account may not call that number; ask Twilio's support",
    "21217": "the number called is not well-formed",
    "21218": "the TwiML application is unusable",
    "21219": "a trial account calls verified numbers only; verify the number, or upgrade",
    CALL_NOT_IN_PROGRESS: "the call is not in progress",
    "21609": "it cannot use our callback URL; its host name must be public and hold no '_'",
}
"""Error code → what it means and what to do."""


def raise_for(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    about_call: bool,
) -> None:
    """Turn an answer that is no success into our error.

    Args:
        status: the answer's HTTP status.
        headers: its headers, names in lower case.
        body: its body.
        about_call: whether one call was asked about, which may be gone.

    Raises:
        CarrierError: `status` is 300 or more.
    """
    if status >= 300:
        raise _error(status, headers, _code(body), about_call=about_call)


def _error(
    status: int, headers: Mapping[str, str], code: str | None, *, about_call: bool
) -> CarrierError:
    said = f"Twilio answered {status}" + (f", error {code}" if code else "")
    if status == 401 or code == "20003":
        return CarrierAuthFailed(
            f"{said}: it does not accept the credentials; check twilio.accountSid and authToken "
            "(or apiKeySid and apiKeySecret), which belong to one region",
            code=code,
        )
    if about_call and (status == 404 or code in ("20404", CALL_NOT_IN_PROGRESS)):
        return CarrierCallGone(f"{said}: the call has ended or never was", code=code)
    if status == 429 or code == "20429":
        return CarrierRateLimited(
            f"{said}: too many requests at once; wait, or ask Twilio for more",
            code=code,
            retry_after=_retry_after(headers.get("retry-after", "")),
        )
    if status >= 500:
        return CarrierUnreachable(f"{said}: what was asked may be done or not", code=code)
    return CarrierRejected(f"{said}: {_remedy(status, code)}", code=code or str(status))


def _remedy(status: int, code: str | None) -> str:
    if status < 400:
        return "a redirect, which is not followed; check twilio.apiBaseUrl"
    if code is None:
        return "it refuses without a reason; check twilio.apiBaseUrl"
    if code == "20404":
        return "it does not know the account; check twilio.accountSid and region"
    return REMEDIES.get(code, f"see https://www.twilio.com/docs/errors/{code}")


def _code(body: bytes) -> str | None:
    try:
        code = json.loads(body).get("code")
    except (ValueError, AttributeError, RecursionError):
        return None
    return str(code) if isinstance(code, int) else None


def _retry_after(value: str) -> float | None:
    """Seconds, when the header tells a number of them; a date is not worth a clock."""
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None
