"""What is to be opened, and where are its files? Everything an agent needs to be started."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from voicecall.sdk import ExposureContext, ExposureError, Marker
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


class Files:
    """The private files of one agent, all in ``exposures/`` of the state directory.

    Args:
        state_dir: `ExposureContext.state_dir`.
        name: of the marker.
    """

    def __init__(self, state_dir: Path, name: str) -> None:
        folder = Path(os.path.abspath(state_dir)) / "exposures"
        self.marker = Marker(state_dir, name)
        self.config = folder / f"{name}.yml"
        self.log = folder / f"{name}.log"

    def make(self, token: str) -> None:
        """The agent's configuration, which keeps the token off the command line, and its log.

        Source: https://ngrok.com/docs/agent/config/v3
        """
        text = yaml.safe_dump({"version": "3", "agent": {"authtoken": token}}, sort_keys=False)
        for path, content in ((self.config, text), (self.log, "")):
            path.unlink(missing_ok=True)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
            with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(content)

    def clear(self) -> None:
        """Away with them, the marker last."""
        self.config.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        self.marker.clear()
