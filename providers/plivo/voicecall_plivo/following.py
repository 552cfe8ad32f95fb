"""Where do calls to our number go when our public URL is another? Its application is changed.

https://www.plivo.com/docs/voice/api/application
"""

from __future__ import annotations

from collections.abc import Sequence

from voicecall.sdk import CarrierCallGone, CarrierError, Finding, Severity, all_moved
from voicecall_plivo.checks import APPLICATION, CONSOLE, application_of
from voicecall_plivo.rest import PlivoApi

URLS = ("answer_url", "hangup_url", "fallback_answer_url")


async def follow(
    api: PlivoApi, *, from_number: str | None, former: str, present: str
) -> Sequence[Finding]:
    """Have the application of our number keep our present URL.

    Args:
        api: asks.
        from_number: our number; None: nobody calls in.
        former: our webhook URL until now.
        present: our webhook URL from now on.

    Raises:
        CarrierError: Plivo did not tell about the number, or cannot change it now.
    """
    app_id = await _app_id(api, from_number) if from_number else ""
    if not app_id:
        return ()
    try:
        application = await api.ask("GET", "Application", app_id, to="tell about the application")
        changes = all_moved({name: application.get(name) for name in URLS}, former, present)
        if not changes:
            return ()
        await api.ask("POST", "Application", app_id, body=changes, to="change the application")
    except CarrierError as error:
        if error.retryable:
            raise
        return (_unmoved(error, present),)
    message = f"{', '.join(changes)} moved to {present}"
    return (Finding(severity=Severity.OK, subject=APPLICATION, message=message),)


async def _app_id(api: PlivoApi, from_number: str) -> str:
    """The application of a number; empty for one of somebody else, or without."""
    digits = from_number.removeprefix("+")
    try:
        return application_of(await api.ask("GET", "Number", digits, to="tell about the number"))
    except CarrierCallGone:
        return ""


def _unmoved(error: CarrierError, present: str) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        subject=APPLICATION,
        message=f"its URLs may still be the former ones, inbound calls may not arrive: {error}",
        remedy=f"set its URLs to {present} at {CONSOLE}; `voicecall setup` tells which",
    )
