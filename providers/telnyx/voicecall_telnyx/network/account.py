"""What does an account at Telnyx hold? What `setup` asks for, read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voicecall_conformance import RestAnswer
from voicecall_telnyx.network import answers
from voicecall_telnyx.network.reports import CONNECTION_ID

API_KEY = "KEY018F3D2A-of-nobody"
PROFILE_ID = "1293384261075731499"


def resource(
    path: str, query: Mapping[str, Sequence[str]], *, number: str, webhook_url: str
) -> RestAnswer:
    """The answer to a ``GET`` of `path`, behind ``/v2/``.

    Args:
        number: the account's only one, assigned to its only application.
        webhook_url: what that application has.
    """
    match path.split("/"):
        case ["balance"]:
            return answers.data({"record_type": "balance", "available_credit": "12.50"})
        case ["call_control_applications", wanted] if wanted == CONNECTION_ID:
            return answers.data(_application(webhook_url))
        case ["outbound_voice_profiles", wanted] if wanted == PROFILE_ID:
            return answers.data({"enabled": True, "whitelisted_destinations": ["US", "CA"]})
        case ["phone_numbers"]:
            (wanted,) = query.get("filter[phone_number]", ("",))
            owned = [{"phone_number": number, "connection_id": CONNECTION_ID}]
            return answers.page(owned if wanted in number else [], query)
    return answers.NOT_FOUND


def _application(webhook_url: str) -> Mapping[str, object]:
    return {
        "id": CONNECTION_ID,
        "record_type": "call_control_application",
        "active": True,
        "webhook_api_version": "2",
        "webhook_event_url": webhook_url,
        "outbound": {"outbound_voice_profile_id": PROFILE_ID},
    }
