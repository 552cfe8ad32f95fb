"""How is cloudflared called? The program, its arguments and its environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_cloudflared.plugin import CloudflaredConfig

DOWNLOADS = "https://developers.cloudflare.com/tunnel/downloads/"
PROGRAM = "cloudflared"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
_ALWAYS = ("tunnel", "--config", os.devnull, "--no-autoupdate", "--metrics", "127.0.0.1:0")
"""A configuration file of the user's makes quick tunnels answer 404, so none is read.

Source: https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/do-more-with-tunnels/trycloudflare/
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One way of calling it.

    Args:
        program: absolute path.
        arguments: hold no secret; others on this machine can read them.
        secrets: variables for the environment.
        hostname: the public name, where it is known before.
    """

    program: str
    arguments: tuple[str, ...]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hostname: str | None = None

    @property
    def purpose(self) -> str:
        """What tells two tunnels apart."""
        return " ".join([*self.arguments, self.hostname or ""]).strip()

    def environment(self) -> dict[str, str]:
        """Ours without cloudflared's own variables, which would change the command."""
        plain = {name: value for name, value in os.environ.items() if name[:7] != "TUNNEL_"}
        return {**plain, **self.secrets}


def command(config: CloudflaredConfig, context: ExposureContext) -> Command:
    """The call for the tunnel that `config` describes.

    Raises:
        ExposureError: there is no such program.
    """
    program = found(config)
    if config.cloudflared_token is None:
        arguments = (*_ALWAYS, "--url", local_url(context))
        return Command(program=program, arguments=arguments)
    return Command(
        program=program,
        arguments=(*_ALWAYS, "run"),
        secrets={"TUNNEL_TOKEN": config.cloudflared_token.get_secret_value()},
        hostname=config.cloudflared_hostname,
    )


def found(config: CloudflaredConfig) -> str:
    """Where the program is.

    Raises:
        ExposureError: nowhere, or it cannot be executed.
    """
    wanted = config.cloudflared_path or PROGRAM
    program = shutil.which(os.path.expanduser(wanted))
    if program is None:
        where = f"at {wanted!r}" if config.cloudflared_path else "on the PATH"
        raise ExposureError(
            f"there is no executable cloudflared {where}",
            remedy=f"install it ({DOWNLOADS}) or set tunnel.cloudflaredPath",
        )
    return os.path.abspath(program)


def local_url(context: ExposureContext) -> str:
    """Our listener, as a program on this machine reaches it."""
    host = ANY_ADDRESS.get(context.host, context.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{context.port}"
