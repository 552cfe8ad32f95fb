"""Where do calls to our numbers go when our public URL is another? The application is changed.

https://developers.telnyx.com/api-reference/call-control-applications/update-a-call-control-application
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from voicecall.sdk import CarrierError, CarrierUnreachable, Finding, Severity, all_moved
from voicecall_telnyx.checks import PORTAL
from voicecall_telnyx.rest import RestApi

URLS = ("webhook_event_url", "webhook_event_failover_url")
REQUIRED = ("application_name", "webhook_event_url")
"""What Telnyx wants to be told with every change."""


async def follow(api: RestApi, connection_id: str, former: str, present: str) -> Sequence[Finding]:
    """Have our Call Control application keep our present URL.

    Args:
        api: asks.
        connection_id: of the application.
        former: our webhook URL until now.
        present: our webhook URL from now on.

    Raises:
        CarrierError: Telnyx did not tell what the application has, or cannot change it now.
    """
    path = f"/call_control_applications/{quote(connection_id, safe='')}"
    application = await api.get(path)
    if not isinstance(application, dict):
        raise CarrierUnreachable("that is no answer of Telnyx's; check telnyx.apiBaseUrl")
    changes = all_moved({name: application.get(name) for name in URLS}, former, present)
    if not changes:
        return ()
    as_is = {name: application[name] for name in REQUIRED if application.get(name)}
    try:
        await api.change(path, {**as_is, **changes})
    except CarrierError as error:
        if error.retryable:
            raise
        return (_refused(error, present),)
    message = f"{', '.join(changes)} of the application moved to {present}"
    return (Finding(severity=Severity.OK, subject="webhook URL", message=message),)


def _refused(error: CarrierError, present: str) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        subject="webhook URL",
        message=f"the application's was not changed, inbound calls may not arrive: {error}",
        remedy=f"set it to {present} in the application at {PORTAL}",
    )
