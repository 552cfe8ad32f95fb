"""What may be set of a number, and of a TwiML application? Its URLs; the rest stays as it is.

https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource,
https://www.twilio.com/docs/usage/api/applications
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl

from voicecall_twilio.network.resource import Refused
from voicecall_twilio.network.twiml import check_callback

NUMBER_SID = "PN" + "0" * 32
APPLICATION_SID = "AP" + "0" * 32
_FIELDS = {
    "VoiceUrl": "voice_url",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
}


@dataclass(slots=True, kw_only=True)
class Settings:
    """Whom Twilio asks about a call to a number; an empty URL: nobody."""

    voice_url: str
    voice_fallback_url: str = ""
    status_callback: str = ""

    def view(self) -> dict[str, str]:
        """As the API describes them."""
        return asdict(self)

    def change(self, body: str) -> None:
        """Take the fields of an update.

        Raises:
            Refused: one is none that the double knows, or no URL that Twilio takes.
        """
        fields = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
        unknown = set(fields) - set(_FIELDS)
        if unknown:
            raise Refused(20001, f"unknown fields {sorted(unknown)}")
        try:
            for url in fields.values():
                check_callback(url)
        except ValueError as error:
            raise Refused(21502, str(error)) from error
        for name, url in fields.items():
            setattr(self, _FIELDS[name], url)


def settings_at(webhook_url: str) -> Settings:
    """As the README tells to fill them in."""
    return Settings(
        voice_url=webhook_url,
        voice_fallback_url=f"{webhook_url}/fallback",
        status_callback=f"{webhook_url}/status",
    )
