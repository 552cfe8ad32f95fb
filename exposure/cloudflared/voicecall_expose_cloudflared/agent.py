"""How does one cloudflared live? Noted down, started, looked after, ended or left, forgotten."""

from __future__ import annotations

import json
import os
import re
import secrets
from functools import partial

import anyio
import anyio.to_thread
import psutil

from voicecall.sdk import ExposureContext, ExposureError, Marker, VoicecallError
from voicecall_expose_cloudflared import said
from voicecall_expose_cloudflared.command import Command
from voicecall_expose_cloudflared.process import TAG, Running, end, start, tagged

START_SECONDS = 20.0
"""Real seconds from the start to the first connection to Cloudflare."""
ASK_SECONDS = 2.0
LOOK_SECONDS = 0.05
LONGEST_LOG = 1_000_000
"""Bytes; nobody reads what is older."""
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d+)?", re.IGNORECASE)
_FIREWALL = "https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/configure-tunnels/tunnel-with-firewall/"


class Agent:
    """One cloudflared of ours.

    What must be known of it after a crash stands in the marker before it is started; what it says
    goes to a private file beside the marker, which it can write to also when we are gone.

    Args:
        command: how it is called.
        context: lent by the kernel.
        name: of the marker.
    """

    def __init__(self, command: Command, context: ExposureContext, *, name: str) -> None:
        self._command = command
        self._context = context
        self._marker = Marker(context.state_dir, name)
        self._log = context.state_dir / "exposures" / f"{name}.log"
        self._running: Running | None = None
        self._metrics: str | None = None
        self.hostname = command.hostname

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._running is not None and self._running.is_alive

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
        noted = self._marker.read() or {}
        self._running = await _find(noted)
        metrics = noted.get("metrics")
        self._metrics = metrics if isinstance(metrics, str) else None
        return self._running is not None and noted.get("purpose") == self._command.purpose

    async def look(self) -> bool:
        """Whether it is connected to Cloudflare; afterwards `hostname` is true."""
        log = await self._read()
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
        noted = self._marker.read()
        if noted is None:
            return False
        with anyio.CancelScope(shield=True):
            self._refuse_a_living_owner(noted)
            running = await _find(noted)
            if running is not None:
                await end(running)
            self._log.unlink(missing_ok=True)
            self._marker.clear()
        self._running = self._metrics = None
        return True

    async def _start(self) -> None:
        tag = secrets.token_hex(16)
        us = Running.of(os.getpid())
        noted: dict[str, object] = {"tag": tag, "purpose": self._command.purpose}
        if not self._context.by_hand:
            noted |= {"owner": us.pid, "owner_created": us.created}
        self._marker.write(noted)
        os.close(os.open(self._log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600))
        call = (self._command.program, *self._command.arguments)
        try:
            running = start(call, {**self._command.environment(), TAG: tag}, self._log)
        except (OSError, psutil.Error) as error:
            raise ExposureError(
                f"{self._command.program!r} cannot be executed: {error}",
                remedy="install it anew, or set tunnel.cloudflaredPath",
            ) from error
        self._running = running
        noted |= {"pid": running.pid, "created": running.created}
        self._marker.write(noted)
        await self._connected()
        self._marker.write({**noted, "metrics": self._metrics})

    async def _connected(self) -> None:
        with anyio.move_on_after(START_SECONDS):
            while not await self.look():
                if not self.is_alive:
                    raise ExposureError(
                        f"cloudflared ended: {await self.reason()}", remedy=self._remedy()
                    )
                await anyio.sleep(LOOK_SECONDS)
            return
        raise ExposureError(
            f"cloudflared has no connection after {START_SECONDS:g} s: {await self.reason()}",
            remedy=f"let TCP and UDP port 7844 out ({_FIREWALL}), then try again",
        )

    def _remedy(self) -> str:
        if self._command.secrets:
            return "check tunnel.cloudflaredToken against the tunnel in Cloudflare's dashboard"
        return "try again in some minutes; quick tunnels are limited, a named one is not"

    async def reason(self) -> str:
        """The last thing it complained about."""
        return said.reason(await self._read(), *self._command.secrets.values())

    async def _read(self) -> str:
        """What it said lately; more than anybody would read is thrown away."""
        path = anyio.Path(self._log)
        try:
            log = await path.read_text(encoding="utf-8", errors="replace")
            if len(log) > LONGEST_LOG:
                await anyio.to_thread.run_sync(os.truncate, self._log, 0)
        except OSError:
            return ""
        return log

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

    def _refuse_a_living_owner(self, noted: dict[str, object]) -> None:
        owner = _process(noted, "owner", "owner_created")
        if owner is not None and owner.pid != os.getpid() and owner.is_alive:
            raise ExposureError(
                f"process {owner.pid} has the tunnel open",
                remedy="stop that gateway, or give this one another state directory",
            )


async def _find(noted: dict[str, object]) -> Running | None:
    """The process that a marker is about, if it is alive."""
    running = _process(noted, "pid", "created")
    if running is not None and running.is_alive:
        return running
    tag = noted.get("tag")
    if not isinstance(tag, str):
        return None
    found = await anyio.to_thread.run_sync(partial(tagged, tag))
    return next(iter(found), None)


def _process(noted: dict[str, object], pid: str, created: str) -> Running | None:
    number, since = noted.get(pid), noted.get(created)
    if isinstance(number, int) and isinstance(since, int | float):
        return Running(pid=number, created=since)
    return None
