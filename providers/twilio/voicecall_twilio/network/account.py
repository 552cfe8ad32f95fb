"""What does an account hold? Itself and one number, as `setup` asks for them; and its calls.

https://www.twilio.com/docs/iam/api/account, https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from uuid import uuid4

from voicecall.sdk import Direction
from voicecall_conformance import RestAnswer
from voicecall_conformance.phones import Leg
from voicecall_twilio.network.phrases import ACCOUNT
from voicecall_twilio.network.resource import Refused
from voicecall_twilio.network.settings import APPLICATION_SID, NUMBER_SID, Settings

ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"
_SUBRESOURCES = ("Events", "Notifications", "Payments", "Recordings", "Siprec", "Streams")
NOT_FOUND = Refused(20404, "The requested resource was not found", status=404)


@dataclass(slots=True, kw_only=True)
class Times:
    """When a call began, was answered and ended, in seconds since the epoch."""

    created: float
    started: float | None = None
    ended: float | None = None


def resource(
    path: str,
    query: Mapping[str, str],
    *,
    number: str,
    settings: Settings,
    application: Settings | None,
) -> RestAnswer:
    """The answer to a ``GET`` of `path`, behind the account.

    Args:
        number: the account's only one.
        settings: of that number.
        application: which it points at, if any.

    Raises:
        Refused: there is no such resource.
    """
    wanted = query.get("PhoneNumber", "")
    match path:
        case "":
            return answer({"sid": ACCOUNT, "status": "active", "type": "Full"})
        case "/IncomingPhoneNumbers":
            owned = [_owned(number, settings, application)] if wanted in ("", number) else []
            return answer(_page("incoming_phone_numbers", owned))
        case _ if path == f"/Applications/{APPLICATION_SID}" and application is not None:
            return answer({"sid": APPLICATION_SID, "account_sid": ACCOUNT, **application.view()})
        case "/OutgoingCallerIds":
            return answer(_page("outgoing_caller_ids", []))
    raise NOT_FOUND


def call_resource(
    leg: Leg, *, status: str, answered_by: str | None, times: Times
) -> dict[str, object]:
    """A call, as the API describes it."""
    latest = times.ended or times.started or times.created
    uri = f"{ROOT}/Calls/{leg.id}"
    inbound = leg.direction is Direction.INBOUND
    return {
        "sid": leg.id,
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "status": status,
        "direction": "inbound" if inbound else "outbound-api",
        "to": leg.to_number,
        "to_formatted": leg.to_number,
        "from": leg.from_number,
        "from_formatted": leg.from_number,
        "answered_by": answered_by,
        "parent_call_sid": None,
        "phone_number_sid": NUMBER_SID,
        "date_created": rfc2822(times.created),
        "date_updated": rfc2822(latest),
        "start_time": rfc2822(times.started),
        "end_time": rfc2822(times.ended),
        "duration": None if times.ended is None else str(int(leg.line.seconds)),
        "price": None,
        "price_unit": "USD",
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "annotation": None,
        "uri": f"{uri}.json",
        "subresource_uris": {each.lower(): f"{uri}/{each}.json" for each in _SUBRESOURCES},
    }


def rfc2822(at: float | None) -> str | None:
    """A moment as Twilio writes it; None stays None."""
    return None if at is None else formatdate(at).replace("-0000", "+0000")


def answer(body: Mapping[str, object], *, status: int = 200) -> RestAnswer:
    """A JSON answer."""
    headers = {
        "content-type": "application/json",
        "twilio-request-id": f"RQ{uuid4().hex}",
        "twilio-concurrent-requests": "1",
        "x-home-region": "us1",
    }
    return RestAnswer(status=status, body=json.dumps(body).encode(), headers=headers)


def _page(name: str, found: list[dict[str, object]]) -> dict[str, object]:
    return {name: found, "page": 0, "page_size": 50, "next_page_uri": None}


def _owned(number: str, settings: Settings, application: Settings | None) -> dict[str, object]:
    return {
        "sid": NUMBER_SID,
        "account_sid": ACCOUNT,
        "phone_number": number,
        "capabilities": {"voice": True, "SMS": True, "MMS": False, "fax": False},
        "voice_method": "POST",
        "voice_application_sid": "" if application is None else APPLICATION_SID,
        **settings.view(),
    }
