"""What does this distribution offer? The exposure `tailscale`, in force with `tailscale.mode`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from voicecall.sdk import (
    ExposureContext,
    ExposureSpec,
    Finding,
    PublicEndpoint,
    Section,
    hookimpl,
)

FUNNEL_PORTS = (443, 8443, 10000)
"""Source: https://tailscale.com/kb/1223/funnel#limitations"""
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+"
_PATH = re.compile(rf"/|(?:/{_SEGMENT})+")


class TailscaleConfig(Section):
    """The section `tailscale`."""

    mode: Literal["off", "serve", "funnel"] = "off"
    """`serve` makes the webhook reachable within your own Tailscale network, `funnel` from the
    whole internet, as carriers need it."""
    path: str = "/voice/webhook"
    """The public path of the webhook; it leads to `serve.path`, whichever that is."""
    port: Annotated[int, Field(ge=1, le=65535)] = 443
    """The public https port: 443, 8443 or 10000 for `funnel`. A port on which somebody else
    serves something is refused."""
    binary: str | None = None
    """The program `tailscale`, when it is not on the PATH."""

    @field_validator("path")
    @classmethod
    def _clean(cls, given: str) -> str:
        path = given.rstrip("/") or "/"
        if not _PATH.fullmatch(path):
            raise ValueError(
                "must be a path such as /voice/webhook, without query, escapes, '.' and '..'"
            )
        return path

    @model_validator(mode="after")
    def _usable(self) -> TailscaleConfig:
        if self.mode == "funnel" and self.port not in FUNNEL_PORTS:
            raise ValueError(
                f"Funnel is possible on the ports 443, 8443 and 10000 only, not on {self.port}; "
                "set tailscale.port to one of them"
            )
        return self


@asynccontextmanager
async def open_tailscale(
    config: TailscaleConfig, context: ExposureContext
) -> AsyncIterator[PublicEndpoint]:
    """Both mounts, up for the block.

    Raises:
        ExposureError: they cannot be put up.
    """
    from voicecall_expose_tailscale.endpoint import opened

    async with opened(config, context) as endpoint:
        yield endpoint


async def check_tailscale(config: TailscaleConfig, context: ExposureContext) -> Sequence[Finding]:
    """Whether they could be put up."""
    from voicecall_expose_tailscale.findings import findings

    return await findings(config, context)


async def remove_tailscale(config: TailscaleConfig, context: ExposureContext) -> bool:
    """Take away what `voicecall expose` left.

    Raises:
        ExposureError: it cannot be taken away.
    """
    from voicecall_expose_tailscale.endpoint import removed

    return await removed(config, context)


async def clear_tailscale(config: TailscaleConfig, context: ExposureContext) -> bool:
    """Take away what a gateway that was killed left.

    Raises:
        ExposureError: it cannot be taken away.
    """
    from voicecall_expose_tailscale.endpoint import cleared

    return await cleared(config, context)


def _is_wanted(config: TailscaleConfig) -> bool:
    return config.mode != "off"


@hookimpl
def voicecall_exposures() -> list[ExposureSpec]:
    """The exposure `tailscale`: after every tunnel that `tunnel.provider` names."""
    return [
        ExposureSpec(
            name="tailscale",
            summary="Tailscale Serve (your own network) or Funnel (everybody)",
            config=TailscaleConfig,
            open=open_tailscale,
            wanted=_is_wanted,
            object_paths=("tailscale",),
            precedence=20,
            tunnel_names={
                "tailscale-serve": {"mode": "serve"},
                "tailscale-funnel": {"mode": "funnel"},
            },
            check=check_tailscale,
            remove=remove_tailscale,
            clear=clear_tailscale,
        )
    ]
