"""What does this distribution offer? The exposure `cloudflared`, of `tunnel.provider`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

from pydantic import field_validator, model_validator

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


class CloudflaredConfig(Section):
    """The keys `tunnel.cloudflared…` of the voice-call section."""

    cloudflared_path: str | None = None
    """The program, when it is not on the PATH. It is never downloaded."""
    cloudflared_token: Secret | None = None
    """Token of a named tunnel, from Cloudflare's dashboard. Without it a quick tunnel is opened,
    which needs no account and has another name at every start."""
    cloudflared_hostname: str | None = None
    """The public host name of the named tunnel, such as `voice.example.com`."""

    @field_validator("cloudflared_hostname")
    @classmethod
    def _normalise(cls, given: str | None) -> str | None:
        if given is None:
            return None
        name = given.lower().removesuffix(".")
        if not HOST_NAME.fullmatch(name):
            raise ValueError("must be a host name such as voice.example.com, without https://")
        return name

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if (self.cloudflared_token is None) != (self.cloudflared_hostname is None):
            raise ValueError(
                "cloudflaredToken and cloudflaredHostname go together: set both for a named "
                "tunnel, neither for a quick one"
            )
        return self


@asynccontextmanager
async def open_cloudflared(
    config: CloudflaredConfig, context: ExposureContext
) -> AsyncIterator[PublicEndpoint]:
    """A running tunnel.

    Raises:
        ExposureError: the program is not there, or does not come up.
    """
    from voicecall_expose_cloudflared.tunnel import opened

    async with opened(config, context) as endpoint:
        yield endpoint


async def check_cloudflared(
    config: CloudflaredConfig, context: ExposureContext
) -> Sequence[Finding]:
    """Whether the program is there, and which tunnel it would open."""
    from voicecall_expose_cloudflared.tunnel import findings

    return findings(config)


async def remove_cloudflared(config: CloudflaredConfig, context: ExposureContext) -> bool:
    """End the tunnel that `voicecall expose` left running."""
    from voicecall_expose_cloudflared.tunnel import removed

    return await removed(config, context)


async def clear_cloudflared(config: CloudflaredConfig, context: ExposureContext) -> bool:
    """End the tunnel of a gateway that was killed."""
    from voicecall_expose_cloudflared.tunnel import cleared

    return await cleared(context)


def _is_wanted(config: CloudflaredConfig) -> bool:
    """Only `tunnel.provider` chooses it: a path or a token left in the file opens nothing."""
    return False


@hookimpl
def voicecall_exposures() -> list[ExposureSpec]:
    """The exposure `cloudflared`."""
    return [
        ExposureSpec(
            name="cloudflared",
            summary="a Cloudflare tunnel: quick and without an account, or a named one",
            config=CloudflaredConfig,
            open=open_cloudflared,
            wanted=_is_wanted,
            keys=("tunnel.cloudflared*",),
            check=check_cloudflared,
            remove=remove_cloudflared,
            clear=clear_cloudflared,
        )
    ]
