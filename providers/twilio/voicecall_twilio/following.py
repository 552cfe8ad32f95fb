"""Where do calls to our numbers go when our public URL is another? The kept URLs are moved.

https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource; the URLs of a number
that has a TwiML application are not used, those of the application are
(https://www.twilio.com/docs/usage/api/applications).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any
from urllib.parse import quote

from voicecall.sdk import CarrierError, Finding, Severity, all_moved, mask_number
from voicecall_twilio.rest import readable

URLS = ("voice_url", "voice_fallback_url", "status_callback")
PAGE_SIZE = 1000
"""The most that Twilio gives at once."""


async def follow(client: Any, former: str, present: str) -> Sequence[Finding]:
    """Have the account's numbers, and the applications they point at, keep our present URL.

    Args:
        client: of the SDK.
        former: our webhook URL until now.
        present: our webhook URL from now on.

    Raises:
        CarrierError: Twilio did not tell the account's numbers, or could not change one now.
    """
    with readable():
        numbers = await client.incoming_phone_numbers.list_async(page_size=PAGE_SIZE)
        held = [(mask_number(each.phone_number), _escaped(each.sid), each) for each in numbers]
        applications = {each.voice_application_sid for each in numbers} - {None, ""}
    moves = [
        _move(client.incoming_phone_numbers(sid), number, name, former, present)
        for name, sid, number in held
    ]
    for sid in sorted(applications):
        moves.append(_application(client.applications(_escaped(sid)), former, present))
    return await _all(moves)


async def _all(moves: Sequence[Awaitable[Sequence[Finding]]]) -> Sequence[Finding]:
    """What all of them found; one that fails for now does not keep the others back."""
    findings: list[Finding] = []
    later: CarrierError | None = None
    for move in moves:
        try:
            findings += await move
        except CarrierError as error:
            later = error
    if later is not None:
        raise later
    return findings


async def _application(resource: Any, former: str, present: str) -> Sequence[Finding]:
    name = "the TwiML application of a number"
    try:
        with readable():
            application = await resource.fetch_async()
    except CarrierError as error:
        if error.retryable:
            raise
        return [_unmoved(name, f"cannot be read: {error}", present)]
    return await _move(resource, application, name, former, present)


async def _move(
    resource: Any, kept: Any, name: str, former: str, present: str
) -> Sequence[Finding]:
    changes = all_moved({url: getattr(kept, url, None) for url in URLS}, former, present)
    if not changes:
        return []
    try:
        with readable():
            await resource.update_async(**changes)
    except CarrierError as error:
        if error.retryable:
            raise
        return [_unmoved(name, f"still has {former}: {error}", present)]
    message = f"{', '.join(changes)} of {name} moved to {present}"
    return [Finding(severity=Severity.OK, subject="Twilio webhook", message=message)]


def _unmoved(name: str, what: str, present: str) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        subject="Twilio webhook",
        message=f"{name} {what}; inbound calls may not arrive",
        remedy=f"set its URLs to {present} in Twilio's console, or run `voicecall setup`",
    )


def _escaped(sid: str) -> str:
    # The SDK puts ids into paths as they are.
    return quote(sid, safe="")
