"""What does an account at Telnyx hold? What `setup` asks for, and where its events go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from voicecall_conformance import RestAnswer
from voicecall_telnyx.network import answers, fields
from voicecall_telnyx.network.reports import CONNECTION_ID

API_KEY = "KEY018F3D2A-of-nobody"
PROFILE_ID = "1293384261075731499"


@dataclass(slots=True, kw_only=True)
class Application:
    """The Call Control application, as far as it can be changed."""

    webhook_event_url: str
    webhook_event_failover_url: str | None = None
    application_name: str = "voicecall"

    def view(self) -> Mapping[str, object]:
        """As the API describes it."""
        return {
            "id": CONNECTION_ID,
            "record_type": "call_control_application",
            "active": True,
            "webhook_api_version": "2",
            "outbound": {"outbound_voice_profile_id": PROFILE_ID},
            **asdict(self),
        }

    def change(self, body: bytes) -> None:
        """Take the fields of an update.

        developers.telnyx.com, *Update a call control application*.

        Raises:
            BadField: one is unknown, missing, or no URL.
        """
        for name, value in fields.read_body("application", body).items():
            setattr(self, name, value)


def resource(
    path: str, query: Mapping[str, Sequence[str]], *, number: str, application: Application
) -> RestAnswer:
    """The answer to a ``GET`` of `path`, behind ``/v2/``.

    Args:
        number: the account's only one, assigned to its only application.
        application: what that application has.
    """
    match path.split("/"):
        case ["balance"]:
            return answers.data({"record_type": "balance", "available_credit": "12.50"})
        case ["call_control_applications", wanted] if wanted == CONNECTION_ID:
            return answers.data(application.view())
        case ["outbound_voice_profiles", wanted] if wanted == PROFILE_ID:
            return answers.data({"enabled": True, "whitelisted_destinations": ["US", "CA"]})
        case ["phone_numbers"]:
            (wanted,) = query.get("filter[phone_number]", ("",))
            owned = [{"phone_number": number, "connection_id": CONNECTION_ID}]
            return answers.page(owned if wanted in number else [], query)
    return answers.NOT_FOUND
