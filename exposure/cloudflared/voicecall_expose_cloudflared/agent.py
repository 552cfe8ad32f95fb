"""How does one cloudflared live? Noted down, started, looked after, ended or left, forgotten."""

from __future__ import annotations

import json
import re

import anyio

from voicecall.sdk import ExposureContext, ExposureError, VoicecallError
from voicecall.sdk.detached import DetachedProcess
from voicecall_expose_cloudflared import said
from voicecall_expose_cloudflared.command import Command

START_SECONDS = 20.0
"""Real seconds from the start to the first connection to Cloudflare."""
ASK_SECONDS = 2.0
LOOK_SECONDS = 0.05
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d+)?", re.IGNORECASE)
_FIREWALL = "https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/configure-tunnels/tunnel-with-firewall/"


class Agent:
    """One cloudflared of ours.

    Args:
        command: how it is called.
        context: lent by the kernel.
        name: of the marker.
    """

    def __init__(self, command: Command, context: ExposureContext, *, name: str) -> None:
        self._command = command
        self._context = context
        self._process = DetachedProcess(context.state_dir, name, what="the tunnel")
        self._metrics: str | None = None
        self.hostname = command.hostname

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive

    async def start(self) -> None:
        """Start it anew and wait until it is connected.

        Raises:
            ExposureError: it ended, or was not connected in time; nothing is left of it.
        """
        await self.clear()
        try:
            await self._start()
        except BaseException:
            await self.clear()
            raise

    async def adopt(self) -> bool:
        """Take over what an earlier process left running for the same purpose, if it still runs."""
        metrics = self._process.noted.get("metrics")
        self._metrics = metrics if isinstance(metrics, str) else None
        return await self._process.adopt(self._command.purpose)

    async def look(self) -> bool:
        """Whether it is connected to Cloudflare; afterwards `hostname` is true."""
        log = await self._process.said()
        await self._process.shorten_log()
        self._metrics = said.metrics_address(log) or self._metrics
        if self._metrics is None:
            self.hostname = self._command.hostname or said.quick_host(log)
            return self.hostname is not None and said.is_registered(log)
        if self._command.hostname is None:
            self.hostname = await self._quick_host() or said.quick_host(log) or self.hostname
        return self.hostname is not None and await self._ask("ready") is not None

    async def clear(self) -> bool:
        """End it, whoever started it, and forget it; whether there was anything to forget.

        Raises:
            ExposureError: a process that is alive has it open.
        """
        cleared = await self._process.clear()
        self._metrics = None
        return cleared

    async def _start(self) -> None:
        call, process = self._command, self._process
        process.start(
            (call.program, *call.arguments),
            call.environment(),
            purpose=call.purpose,
            by_hand=self._context.by_hand,
            remedy="install it anew, or set tunnel.cloudflaredPath",
        )
        await self._connected()
        process.note(metrics=self._metrics)

    async def _connected(self) -> None:
        with anyio.move_on_after(START_SECONDS):
            while not await self.look():
                if not self.is_alive:
                    why = await self.reason()
                    raise ExposureError(f"cloudflared ended: {why}", remedy=self._remedy(why))
                await anyio.sleep(LOOK_SECONDS)
            return
        raise ExposureError(
            f"cloudflared has no connection after {START_SECONDS:g} s: {await self.reason()}",
            remedy=f"let TCP and UDP port 7844 out ({_FIREWALL}), then try again",
        )

    def _remedy(self, reason: str) -> str:
        if self._command.secrets:
            return "check tunnel.cloudflaredToken against the tunnel in Cloudflare's dashboard"
        if "429" in reason:
            return "try again in some minutes; quick tunnels are limited, a named one is not"
        return "check the way out to the internet and its names (DNS), then try again"

    async def reason(self) -> str:
        """The last thing it complained about."""
        return said.reason(await self._process.said(), *self._command.secrets.values())

    async def _quick_host(self) -> str | None:
        try:
            found = json.loads(await self._ask("quicktunnel") or b"null")
        except ValueError:
            return None
        name = found.get("hostname") if isinstance(found, dict) else None
        host = name.lower().removeprefix("https://") if isinstance(name, str) else ""
        return host if _HOST.fullmatch(host) else None

    async def _ask(self, what: str) -> bytes | None:
        """What its metrics server answers; None when it has no good answer."""
        url = f"http://{self._metrics}/{what}"
        try:
            answer = await self._context.http.request("GET", url, timeout_seconds=ASK_SECONDS)
        except VoicecallError:
            return None
        return answer.body if answer.status == 200 else None
