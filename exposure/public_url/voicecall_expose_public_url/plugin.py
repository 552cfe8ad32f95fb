"""What does this distribution offer? The exposure `public-url`, in force with `publicUrl`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import field_validator

from voicecall.sdk import (
    ExposureContext,
    ExposureError,
    ExposureSpec,
    PublicEndpoint,
    Section,
    hookimpl,
)


class PublicUrlConfig(Section):
    """The key `publicUrl` of the voice-call section."""

    public_url: str | None = None
    """The URL at which carriers reach the webhook path: https, without query and user. Its path
    may differ from `serve.path` when a proxy in front rewrites it; without a path it is
    `serve.path`. Plain http is possible on loopback, for the simulated network."""

    @field_validator("public_url")
    @classmethod
    def _normalise(cls, given: str | None) -> str | None:
        from voicecall_expose_public_url.url import parse_public_url

        return None if given is None else str(parse_public_url(given))


@asynccontextmanager
async def open_public_url(
    config: PublicUrlConfig, context: ExposureContext
) -> AsyncIterator[PublicEndpoint]:
    """The endpoint; nothing is started and nothing closed.

    Raises:
        ExposureError: `publicUrl` is not set.
    """
    from voicecall_expose_public_url.endpoint import PublicUrlEndpoint
    from voicecall_expose_public_url.url import parse_public_url

    if config.public_url is None:
        raise ExposureError(
            "publicUrl is not set",
            remedy="set it to the URL of a proxy of your own, or use a tunnel",
        )
    yield PublicUrlEndpoint(
        parse_public_url(config.public_url),
        webhook_path=context.webhook_path,
        stream_path=context.stream_path,
    )


def _is_wanted(config: PublicUrlConfig) -> bool:
    return config.public_url is not None


@hookimpl
def voicecall_exposures() -> list[ExposureSpec]:
    """The exposure `public-url`: before any tunnel, as soon as `publicUrl` is set."""
    return [
        ExposureSpec(
            name="public-url",
            summary="a public URL that you run yourself: a reverse proxy or your own tunnel",
            config=PublicUrlConfig,
            open=open_public_url,
            wanted=_is_wanted,
            keys=("publicUrl",),
            precedence=0,
            opens_quietly=True,
        )
    ]
