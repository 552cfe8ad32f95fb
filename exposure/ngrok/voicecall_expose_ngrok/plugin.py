"""What does this distribution offer? The exposure `ngrok`, of `tunnel.provider`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pydantic import field_validator

from voicecall.sdk import (
    ExposureContext,
    ExposureSpec,
    Finding,
    PublicEndpoint,
    Secret,
    Section,
    hookimpl,
)

HOST_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class NgrokConfig(Section):
    """The keys of `tunnel` that are ngrok's."""

    ngrok_auth_token: Secret | None = None
    """The authtoken of your account, from https://dashboard.ngrok.com/get-started/your-authtoken."""
    ngrok_domain: str | None = None
    """A domain of your account, such as `voice.ngrok.app`. Without it ngrok chooses the name."""
    ngrok_path: str | None = None
    """The program, when it is not on the PATH."""
    allow_download: bool = False
    """Whether ngrok may be downloaded when it is not there."""
    allow_ngrok_free_tier_loopback_bypass: bool = False
    """Development only: believe the forwarding headers of the agent on this machine."""

    @field_validator("ngrok_domain")
    @classmethod
    def _normalise(cls, given: str | None) -> str | None:
        if given is None:
            return None
        name = given.lower().removesuffix(".")
        if not HOST_NAME.fullmatch(name):
            raise ValueError("must be a host name such as voice.ngrok.app, without https://")
        return name


@asynccontextmanager
async def open_ngrok(
    config: NgrokConfig, context: ExposureContext
) -> AsyncIterator[PublicEndpoint]:
    """The endpoint of an agent that is connected.

    Raises:
        ExposureError: there is no agent, or it does not get anywhere.
    """
    from voicecall_expose_ngrok.tunnel import opened

    async with opened(config, context) as endpoint:
        yield endpoint


async def check_ngrok(config: NgrokConfig, context: ExposureContext) -> Sequence[Finding]:
    """Whether there is a program and a token, under which name, and what is left of earlier."""
    from voicecall_expose_ngrok.looking import findings

    return await findings(config, context)


async def remove_ngrok(config: NgrokConfig, context: ExposureContext) -> bool:
    """End the agent that `voicecall expose` left running."""
    from voicecall_expose_ngrok.tunnel import removed

    return await removed(context)


async def clear_ngrok(config: NgrokConfig, context: ExposureContext) -> bool:
    """End the agent of a gateway that was killed."""
    from voicecall_expose_ngrok.tunnel import cleared

    return await cleared(context)


def _is_wanted(config: NgrokConfig) -> bool:
    """Only `tunnel.provider` chooses it: a token left in the file opens nothing."""
    return False


@hookimpl
def voicecall_exposures() -> list[ExposureSpec]:
    """The exposure `ngrok`."""
    return [
        ExposureSpec(
            name="ngrok",
            summary="an ngrok agent that voicecall starts, with a name of yours or of ngrok's",
            config=NgrokConfig,
            open=open_ngrok,
            wanted=_is_wanted,
            keys=(
                "tunnel.ngrok*",
                "tunnel.allowDownload",
                "tunnel.allowNgrokFreeTierLoopbackBypass",
            ),
            environment={
                "ngrokAuthToken": "NGROK_AUTHTOKEN",
                "ngrokDomain": "NGROK_DOMAIN",
                "ngrokPath": "PYNGROK_NGROK_PATH",
            },
            check=check_ngrok,
            remove=remove_ngrok,
            clear=clear_ngrok,
        )
    ]
