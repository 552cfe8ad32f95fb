"""What is to be opened? Everything an agent needs to be started."""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_ngrok.faults import TOKENS
from voicecall_expose_ngrok.plugin import NgrokConfig

OURS = "ngrok"
BY_HAND = "ngrok-by-hand"
"""Names of markers: of what ends with us, and of what `voicecall expose` leaves running."""
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What an agent is for.

    Args:
        upstream: our listener, as a program on this machine reaches it.
        domain: the public name, where it is chosen by us.
        token: of the account.
    """

    upstream: str
    domain: str | None
    token: str

    @property
    def noted(self) -> str:
        """What tells two purposes apart, without the token."""
        return f"{self.domain or '*'} {self.upstream}"


def purpose(config: NgrokConfig, context: ExposureContext) -> Purpose:
    """What is asked for.

    Raises:
        ExposureError: there is no token.
    """
    if config.ngrok_auth_token is None:
        raise ExposureError(
            "ngrok needs an authtoken, and none is set",
            remedy=f"set tunnel.ngrokAuthToken or NGROK_AUTHTOKEN; {TOKENS} shows yours",
        )
    host = _ANY_ADDRESS.get(context.host, context.host)
    return Purpose(
        upstream=f"http://{f'[{host}]' if ':' in host else host}:{context.port}",
        domain=config.ngrok_domain,
        token=config.ngrok_auth_token.get_secret_value(),
    )
