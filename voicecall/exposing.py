"""How is the public listener exposed by hand? What is set up stays when the command has ended."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from voicecall.config.loaded import LoadedConfig, Selected
from voicecall.errors import ExposureError
from voicecall.opening import Opener
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.exposure import PublicEndpoint
from voicecall.sdk.specs import ExposureContext, ExposureSpec
from voicecall.web.http_client import open_http_client


class Exposing:
    """Exposes one port and path of this machine.

    Args:
        loaded: the configuration.
        state_dir: where exposures note what they set up.
        port: of the public listener.
        webhook_path: that it serves.
    """

    def __init__(
        self, loaded: LoadedConfig, *, state_dir: Path, port: int, webhook_path: str
    ) -> None:
        self._loaded = loaded
        self._state_dir = state_dir
        self._port = port
        self.webhook_path = webhook_path

    @property
    def local_url(self) -> str:
        """Where requests arrive on this machine."""
        return f"http://{self._loaded.settings.serve.bind}:{self._port}{self.webhook_path}"

    async def open(self, chosen: Selected[ExposureSpec], stack: AsyncExitStack) -> PublicEndpoint:
        """Expose it; what can outlive us stays when `stack` is closed.

        Raises:
            ExposureError: it could not be exposed.
        """
        context = await self._context(chosen, stack)
        return await stack.enter_async_context(chosen.spec.open(chosen.config, context))

    async def remove(self, chosen: Selected[ExposureSpec]) -> bool:
        """Take away what an earlier command left; whether there was anything.

        Raises:
            ExposureError: it could not be taken away.
        """
        if chosen.spec.remove is None:
            raise ExposureError(f"exposure {chosen.spec.name!r} leaves nothing behind")
        async with AsyncExitStack() as stack:
            return await chosen.spec.remove(chosen.config, await self._context(chosen, stack))

    async def _context(
        self, chosen: Selected[ExposureSpec], stack: AsyncExitStack
    ) -> ExposureContext:
        opener = Opener(
            self._loaded,
            state_dir=self._state_dir,
            clock=SystemClock(),
            http=await stack.enter_async_context(open_http_client()),
            stack=stack,
        )
        return opener.exposure_context(
            chosen.spec,
            host=self._loaded.settings.serve.bind,
            port=self._port,
            webhook_path=self.webhook_path,
            by_hand=True,
        )
