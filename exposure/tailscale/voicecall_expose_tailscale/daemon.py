"""What is asked of Tailscale, and what changed? One mount at a time, never all of them."""

from __future__ import annotations

import json

import anyio

from voicecall.sdk import ExposureError
from voicecall_expose_tailscale.cli import Result, run
from voicecall_expose_tailscale.failures import failure, is_busy, is_nothing
from voicecall_expose_tailscale.node import Node, fault, read_node
from voicecall_expose_tailscale.serving import Mount, Serving, read_serving

RETRIES = 3
RETRY_SECONDS = 0.2
STARTING_SECONDS = 5.0
"""Real seconds that a daemon may need until it runs, for example when the machine has booted."""


class Daemon:
    """The Tailscale of this machine.

    Args:
        program: path of its command line.
    """

    def __init__(self, program: str) -> None:
        self._program = program

    async def node(self) -> Node:
        """This machine as it is.

        Raises:
            ExposureError: there was no answer.
        """
        return read_node(await self._asked("status", "--json", "--peers=false"))

    async def running_node(self) -> Node:
        """This machine, on which something can be served; a daemon that starts is waited for.

        Raises:
            ExposureError: nothing can be served.
        """
        give_up = anyio.current_time() + STARTING_SECONDS
        while (node := await self.node()).is_young and anyio.current_time() < give_up:
            await anyio.sleep(RETRY_SECONDS)
        if error := fault(node):
            raise error
        return node

    async def serving(self) -> Serving:
        """All that is served.

        Raises:
            ExposureError: there was no answer.
        """
        return read_serving(await self._asked("serve", "status", "--json"))

    async def put(self, mount: Mount, *, funnel: bool) -> None:
        """Make `mount`. `funnel`: whether the internet gets in at its port from now on.

        Raises:
            ExposureError: it was refused, or is said to need something first.
        """
        how = "funnel" if funnel else "serve"
        where = (f"--https={mount.port}", f"--set-path={mount.path}")
        result = await self._tried(how, "--bg", "--yes", *where, mount.target)
        if error := failure(result):
            raise error

    async def off(self, mount: Mount, *, funnel: bool) -> None:
        """Take `mount` away; that it is gone already is no error.

        Always by its path: without one, everybody's mounts on the port would go.

        Raises:
            ExposureError: it was refused.
        """
        where = ("--yes", f"--https={mount.port}", f"--set-path={mount.path}", "off")
        result = await self._tried("funnel" if funnel else "serve", *where)
        if funnel and result.code != 0 and not is_nothing(result):
            # Whoever has lost the right to Funnel may still take down what he had put up.
            result = await self._tried("serve", *where)
        if result.code != 0 and not is_nothing(result):
            error = failure(result)
            assert error is not None, "only a success is no failure"
            raise error

    async def _tried(self, *arguments: str) -> Result:
        result = await run(self._program, *arguments)
        for attempt in range(1, RETRIES + 1):
            if not is_busy(result):
                break
            await anyio.sleep(attempt * RETRY_SECONDS)
            result = await run(self._program, *arguments)
        return result

    async def _asked(self, *arguments: str) -> object:
        result = await run(self._program, *arguments)
        document: object = None
        try:
            document = json.loads(result.out)
        except ValueError:
            # Logged out or stopped it may print its state and fail nevertheless.
            if error := failure(result):
                raise error from None
            raise ExposureError(
                f"`tailscale {' '.join(arguments)}` did not answer in JSON",
                remedy="update it to 1.52 or later",
            ) from None
        return document
